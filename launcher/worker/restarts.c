#include "launcher/worker/restarts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"
#include "launcher/exit_codes.h"

enum { PATH_SIZE = 4096, BYTES_MAX = 64 << 20, TIME_SIZE = 32 };

static void print_path(char path[PATH_SIZE], const char *run) {
    snprintf(path, PATH_SIZE, "%s/starts.jsonl", run);
}

static const char *now(char text[TIME_SIZE]) {
    const time_t seconds = time(NULL);
    struct tm parts;
    strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    return text;
}

/* One write: lines of several processes do not mix. Frees the line. */
static void append(const char *run, json_t *line) {
    char path[PATH_SIZE];
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    print_path(path, run);
    const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file >= 0 && text) {
        const size_t length = strlen(text);
        text[length] = '\n'; /* instead of the NUL */
        (void)!write(file, text, length + 1);
    }
    if (file >= 0)
        close(file);
    free(text);
}

void ls_starts_begin(const char *run, const struct ls_begun *start) {
    char time_text[TIME_SIZE], host[256] = "";
    if (gethostname(host, sizeof host - 1))
        host[0] = '\0';
    append(run, json_pack("{s:I, s:s, s:i, s:i, s:s, s:I}", "start", (json_int_t)start->number,
                          "time", now(time_text), "ranks", start->ranks, "threads", start->threads,
                          "host", host, "from_step", (json_int_t)start->from_step));
}

void ls_starts_end(const char *run, uint64_t number, const struct ls_ended *end) {
    char time_text[TIME_SIZE], path[PATH_SIZE];
    json_int_t step = 0;
    const char *message = "";
    snprintf(path, sizeof path, "%s/ranks/rank-0.json", run);
    json_t *rank = json_load_file(path, 0, NULL);
    if (rank)
        (void)json_unpack(rank, "{s:I, s:s}", "step", &step, "message", &message);
    append(run, json_pack("{s:I, s:s, s:i, s:I, s:s, s:s, s:b}", "end", (json_int_t)number, "time",
                          now(time_text), "exit_code", end->exit_code, "step", step, "message",
                          message, "why", end->why, "again", end->again));
    json_decref(rank);
}

void ls_starts_give(const char *run, uint64_t number, const char *command, const char *file) {
    char time_text[TIME_SIZE];
    append(run, json_pack("{s:I, s:s, s:s, s:s}", "given", (json_int_t)number, "time",
                          now(time_text), "command", command, "file", file));
}

/* The newest start of that number. */
static json_t *find(const json_t *starts, json_int_t number) {
    for (size_t i = json_array_size(starts); i-- > 0;) {
        json_t *start = json_array_get(starts, i);
        if (json_integer_value(json_object_get(start, "start")) == number)
            return start;
    }
    return NULL;
}

json_t *ls_starts_read(const char *run) {
    char path[PATH_SIZE], *text, *rest = NULL;
    uint64_t size;
    struct ls_error ignored;
    json_t *starts = json_array();
    print_path(path, run);
    if (!ls_file_exists(path) || ls_file_read(path, BYTES_MAX, &text, &size, &ignored) != LS_OK)
        return starts;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *said = json_loads(line, 0, NULL);
        const char *kind = json_object_get(said, "end") ? "end" : "given";
        const json_t *number = json_object_get(said, kind);
        json_t *start = number ? find(starts, json_integer_value(number)) : NULL;
        if (json_object_get(said, "start"))
            json_array_append(starts, said);
        else if (start)
            json_object_set(start, kind, said);
        else if (!strcmp(kind, "end") && number) /* it did not get as far as to begin */
            json_array_append_new(starts, json_pack("{s:O, s:O*, s:O}", "start", number, "time",
                                                    json_object_get(said, "time"), "end", said));
        json_decref(said);
    }
    free(text);
    return starts;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

char *ls_starts_ending(const json_t *start, bool last, char text[LS_ENDING_MAX]) {
    const json_t *end = json_object_get(start, "end"), *given = json_object_get(start, "given");
    if (given) {
        snprintf(text, LS_ENDING_MAX, "begun by %.60s from %.900s", text_of(given, "command"),
                 text_of(given, "file"));
        return text;
    }
    if (!end) {
        snprintf(text, LS_ENDING_MAX, "%s",
                 last ? "it runs, or broke off without a word" : "it broke off without a word");
        return text;
    }
    const char *said = ls_exit_text((int)json_integer_value(json_object_get(end, "exit_code")));
    const char *why = text_of(end, "why");
    said = said ? said : "with an unknown exit code";
    /* What it is, without what to do then. */
    const size_t length = why[0] ? strlen(why) : strcspn(said, ";:");
    snprintf(text, LS_ENDING_MAX, "%.*s (at step %" JSON_INTEGER_FORMAT ")%s",
             (int)(length < 900 ? length : 900), why[0] ? why : said,
             json_integer_value(json_object_get(end, "step")),
             json_is_true(json_object_get(end, "again")) ? "; started again by itself" : "");
    return text;
}
