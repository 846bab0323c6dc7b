#include "launcher/worker/history.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/worker/data.h"

static const uint64_t FILE_BYTES_MAX = (uint64_t)1 << 36;

char *ls_run_name(const char *run) {
    char *copy = ls_strdup(run);
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    const char *slash = strrchr(copy, '/');
    const char *last = slash && slash[1] ? slash + 1 : copy;
    if (!strcmp(last, ".") || !strcmp(last, "..")) {
        char *whole = realpath(copy, NULL), *name = whole ? ls_run_name(whole) : ls_strdup(last);
        free(whole);
        free(copy);
        return name;
    }
    char *name = ls_strdup(last);
    free(copy);
    return name;
}

int ls_history_find(const struct ls_history *history, const char *metric) {
    for (int i = 0; i < history->metric_count; i++)
        if (!strcmp(history->metrics[i], metric))
            return i;
    return -1;
}

double ls_history_value(const struct ls_history_line *line, int metric) {
    return metric >= 0 && metric < line->count ? line->values[metric] : LS_ABSENT;
}

enum ls_metric_kind ls_metric_kind_of(const char *metric) {
    const char *dot = strrchr(metric, '.'), *last = dot ? dot + 1 : metric;
    if (!strcmp(last, "learning_rate"))
        return LS_METRIC_RATE;
    if (!strcmp(last, "gradient_norm") || strstr(metric, "gradient_norm."))
        return LS_METRIC_NORM;
    if (!strcmp(metric, "samples_per_s"))
        return LS_METRIC_SPEED;
    if (!strcmp(metric, "seconds"))
        return LS_METRIC_SECONDS;
    return !strncmp(metric, "time_", 5) ? LS_METRIC_TIME : LS_METRIC_MEASURE;
}

/* The place of a metric, a new one where it was not named before. */
static int place_of(struct ls_history *history, const char *metric, int guess) {
    if (guess < history->metric_count && !strcmp(history->metrics[guess], metric))
        return guess;
    const int found = ls_history_find(history, metric);
    if (found >= 0)
        return found;
    history->metrics =
        ls_realloc(history->metrics, (size_t)history->metric_count + 1, sizeof(char *));
    history->metrics[history->metric_count] = ls_strdup(metric);
    return history->metric_count++;
}

static void store(struct ls_history_line *line, int place, double value) {
    if (place >= line->count) {
        line->values = ls_realloc(line->values, (size_t)place + 1, sizeof(double));
        while (line->count <= place)
            line->values[line->count++] = LS_ABSENT;
    }
    line->values[place] = value;
}

/* Control characters are in no name of ours, and a terminal would obey them. */
static bool is_name(const char *text) {
    while (*text && (unsigned char)*text >= ' ' && *text != 0x7F)
        text++;
    return !*text;
}

static int role_of(const json_t *value) {
    const char *name = json_string_value(value);
    for (int role = 0; name && role < LS_PARTS; role++)
        if (!strcmp(name, ls_part_name(role)))
            return role;
    return -1;
}

/* False: it is no line of ours. */
static bool read_line(struct ls_history *history, const char *text, size_t length) {
    json_t *object = json_loadb(text, length, 0, NULL), *value;
    const json_t *step = json_object_get(object, "step"), *epoch = json_object_get(object, "epoch");
    const int role = role_of(json_object_get(object, "split"));
    bool good = json_is_integer(step) && json_integer_value(step) >= 0 && json_is_number(epoch) &&
                role >= 0;
    if (good) {
        const double before = history->count ? history->lines[history->count - 1].seconds : 0;
        struct ls_history_line line = {.step = (uint64_t)json_integer_value(step),
                                       .epoch = json_number_value(epoch),
                                       .seconds = before,
                                       .role = role};
        const char *key;
        int guess = 0;
        json_object_foreach(object, key, value) {
            if (!strcmp(key, "step") || !strcmp(key, "epoch") || !strcmp(key, "split"))
                continue;
            good = good && is_name(key) && (json_is_number(value) || json_is_null(value));
            const int place = place_of(history, key, guess);
            store(&line, place, json_is_number(value) ? json_number_value(value) : (double)NAN);
            guess = place + 1;
        }
        const double seconds = ls_history_value(&line, ls_history_find(history, "seconds"));
        line.seconds = isfinite(seconds) ? seconds : before;
        if ((history->count & (history->count + 1)) == 0) /* room for twice as many */
            history->lines =
                ls_realloc(history->lines, 2 * (size_t)history->count + 2, sizeof *history->lines);
        history->lines[history->count++] = line;
    }
    json_decref(object);
    return good;
}

static enum ls_status read_lines(struct ls_history *history, const char *path, const char *text,
                                 uint64_t size, struct ls_error *error) {
    uint64_t number = 1;
    for (const char *end, *at = text; (end = memchr(at, '\n', size - (uint64_t)(at - text)));
         at = end + 1, number++)
        if (!read_line(history, at, (size_t)(end - at)))
            return ls_fail(error, LS_DAMAGED,
                           "%s:%" PRIu64 ": error: expected a JSON object with step, epoch, split "
                           "(train, validation or test) and numbers\n"
                           "`lockstep train` with the run's config writes the file again from the "
                           "newest checkpoint on",
                           path, number);
    if (!history->count)
        return ls_fail(error, LS_INVALID,
                       "%s has no line yet: a run writes one every log.every_steps steps and at "
                       "the end of each epoch",
                       path);
    return LS_OK;
}

enum ls_status ls_history_read(struct ls_history *history, const char *run,
                               struct ls_error *error) {
    *history = (struct ls_history){.run = ls_strdup(run), .name = ls_run_name(run)};
    char path[4096], *text;
    uint64_t size;
    if (!ls_file_exists(run))
        return ls_fail(error, LS_INVALID, "%s: there is no such run directory", run);
    snprintf(path, sizeof path, "%s/metrics.jsonl", run);
    if (!ls_file_exists(path))
        return ls_fail(error, LS_INVALID,
                       "%s: has no metrics.jsonl; is it a run directory of lockstep?", run);
    enum ls_status status = ls_file_read(path, FILE_BYTES_MAX, &text, &size, error);
    if (status != LS_OK)
        return status;
    status = read_lines(history, path, text, size, error);
    free(text);
    return status;
}

void ls_history_clear(struct ls_history *history) {
    for (int i = 0; i < history->metric_count; i++)
        free(history->metrics[i]);
    for (int64_t i = 0; i < history->count; i++)
        free(history->lines[i].values);
    free(history->metrics);
    free(history->lines);
    free(history->run);
    free(history->name);
    *history = (struct ls_history){0};
}

void ls_histories_tell_apart(struct ls_history *const *histories, int count) {
    bool *again = ls_calloc((size_t)count, sizeof *again);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++)
            again[i] = again[i] || (k != i && !strcmp(histories[i]->name, histories[k]->name));
    for (int i = 0; i < count; i++)
        if (again[i]) {
            free(histories[i]->name);
            histories[i]->name = ls_strdup(histories[i]->run);
        }
    free(again);
}

enum ls_status ls_histories_read(struct ls_history **histories, char *const *runs, int count,
                                 struct ls_error *error) {
    enum ls_status status = LS_OK;
    *histories = ls_calloc((size_t)count, sizeof **histories);
    for (int i = 0; i < count && status == LS_OK; i++)
        status = ls_history_read(&(*histories)[i], runs[i], error);
    struct ls_history **each = ls_calloc((size_t)count, sizeof *each);
    for (int i = 0; i < count; i++)
        each[i] = &(*histories)[i];
    if (status == LS_OK)
        ls_histories_tell_apart(each, count);
    free(each);
    return status;
}

void ls_histories_free(struct ls_history *histories, int count) {
    for (int i = 0; histories && i < count; i++)
        ls_history_clear(&histories[i]);
    free(histories);
}
