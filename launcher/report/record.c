#include "launcher/report/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "launcher/worker/data.h"
#include "launcher/worker/result.h"
#include "launcher/worker/restarts.h"

enum { CONFIG_BYTES_MAX = 16 << 20, MANIFEST_BYTES_MAX = 256 << 20, RANK_BYTES_MAX = 1 << 16 };

/* A worker that was started without the launcher leaves no config.yaml; its checkpoints have what
 * would stand there. */
static enum ls_status read_config(struct ls_record *record, struct ls_error *error) {
    char path[LS_PATH_MAX];
    uint64_t size;
    snprintf(path, sizeof path, "%s/config.yaml", record->history.run);
    if (ls_file_exists(path)) {
        free(record->config);
        record->config = NULL;
        const enum ls_status status =
            ls_file_read(path, CONFIG_BYTES_MAX, &record->config, &size, error);
        if (status != LS_OK)
            return status;
    }
    return record->config ? ls_settings_parse(&record->settings, record->config,
                                              strlen(record->config), path, error)
                          : LS_OK;
}

static enum ls_status read_result(struct ls_record *record, struct ls_error *error) {
    char path[LS_PATH_MAX];
    snprintf(path, sizeof path, "%s/result.json", record->history.run);
    if (!ls_file_exists(path))
        return LS_OK;
    record->result = ls_result_read(record->history.run, error);
    return record->result ? LS_OK : error->status;
}

/* A record that cannot be read is left out: it is rewritten while a run goes on. */
static void read_ranks(struct ls_record *record) {
    char path[LS_PATH_MAX], *text;
    uint64_t size;
    struct ls_error ignored;
    record->ranks = json_array();
    for (int rank = 0;; rank++) {
        snprintf(path, sizeof path, "%s/ranks/rank-%d.json", record->history.run, rank);
        if (!ls_file_exists(path))
            return;
        if (ls_file_read(path, RANK_BYTES_MAX, &text, &size, &ignored) != LS_OK)
            continue;
        json_t *said = json_loadb(text, size, 0, NULL);
        if (said)
            json_array_append_new(record->ranks, said);
        free(text);
    }
}

static int64_t values_of(const json_t *parameters) {
    size_t i, d;
    const json_t *parameter, *size;
    int64_t total = 0;
    json_array_foreach(parameters, i, parameter) {
        const char *kind = json_string_value(json_object_get(parameter, "kind"));
        int64_t values = 1;
        json_array_foreach(json_object_get(parameter, "shape"), d, size) values *=
            json_integer_value(size);
        total += kind && !strcmp(kind, "weight") ? values : 0;
    }
    return total;
}

/* False: its manifest cannot be read. *config: the run's, in place of what was there; owned by the
 * caller. */
static bool read_kept(const char *run, uint64_t step, struct ls_kept *kept, char **config) {
    char path[LS_PATH_MAX], *text;
    uint64_t size;
    struct ls_error ignored;
    snprintf(path, sizeof path, "%s/checkpoints/step-%010llu/manifest", run,
             (unsigned long long)step);
    if (ls_file_read(path, MANIFEST_BYTES_MAX, &text, &size, &ignored) != LS_OK)
        return false;
    json_t *manifest = json_loadb(text, size, JSON_DISABLE_EOF_CHECK, NULL);
    free(text);
    *kept = (struct ls_kept){
        .step = step,
        .seconds =
            json_number_value(json_object_get(json_object_get(manifest, "state"), "seconds")),
        .world_size = (int)json_integer_value(json_object_get(manifest, "world_size")),
        .parameters = values_of(json_object_get(manifest, "parameters"))};
    const char *said =
        json_string_value(json_object_get(json_object_get(manifest, "state"), "config"));
    if (said) {
        free(*config);
        *config = ls_strdup(said);
    }
    size_t i;
    const json_t *file;
    json_array_foreach(json_object_get(manifest, "files"), i, file) kept->bytes +=
        (uint64_t)json_integer_value(json_object_get(file, "bytes"));
    const bool good = manifest != NULL;
    json_decref(manifest);
    return good;
}

static void read_checkpoints(struct ls_record *record) {
    uint64_t *steps = NULL;
    int count = 0;
    struct ls_error ignored;
    if (ls_checkpoint_list(record->history.run, &steps, &count, &ignored) != LS_OK)
        return;
    record->kept = ls_calloc((size_t)count + 1, sizeof *record->kept);
    for (int i = 0; i < count; i++)
        record->kept_count += read_kept(record->history.run, steps[i],
                                        &record->kept[record->kept_count], &record->config);
    free(steps);
}

static enum ls_status read_record(struct ls_record *record, const char *run,
                                  struct ls_error *error) {
    enum ls_status status = ls_history_read(&record->history, run, error);
    if (status != LS_OK && status != LS_INVALID)
        return status;
    if (status == LS_INVALID)
        record->history_problem = ls_strdup(error->text);
    read_checkpoints(record);
    status = read_config(record, error);
    if (status == LS_OK)
        status = read_result(record, error);
    if (status != LS_OK)
        return status;
    if (!record->history.count && !record->config && !record->result)
        return ls_fail(error, LS_INVALID, "%s", record->history_problem);
    read_ranks(record);
    record->starts = ls_starts_read(record->history.run);
    return LS_OK;
}

enum ls_status ls_records_read(struct ls_record **records, char *const *runs, int count,
                               struct ls_error *error) {
    enum ls_status status = LS_OK;
    *records = ls_calloc((size_t)count, sizeof **records);
    for (int i = 0; i < count && status == LS_OK; i++)
        status = read_record(&(*records)[i], runs[i], error);
    struct ls_history **each = ls_calloc((size_t)count, sizeof *each);
    for (int i = 0; i < count; i++)
        each[i] = &(*records)[i].history;
    if (status == LS_OK)
        ls_histories_tell_apart(each, count);
    free(each);
    return status;
}

void ls_records_free(struct ls_record *records, int count) {
    for (int i = 0; records && i < count; i++) {
        struct ls_record *record = &records[i];
        ls_history_clear(&record->history);
        ls_settings_clear(&record->settings);
        free(record->history_problem);
        free(record->config);
        free(record->kept);
        json_decref(record->result);
        json_decref(record->ranks);
        json_decref(record->starts);
    }
    free(records);
}

const json_t *ls_record_part(const struct ls_record *record, int role) {
    const json_t *part = json_object_get(record->result, ls_part_name(role));
    return json_is_object(part) ? part : NULL;
}

bool ls_record_outdated(const struct ls_record *record) {
    const struct ls_history *history = &record->history;
    return record->result && history->count &&
           (uint64_t)json_integer_value(json_object_get(record->result, "steps")) <
               history->lines[history->count - 1].step;
}

static bool anybody_has(const struct ls_record *records, int count, const char *key) {
    for (int r = 0; r < count; r++)
        if (ls_settings_find(&records[r].settings, key))
            return true;
    return false;
}

/* Whether the key is an option of a layer or loss that run `r` does not have at all: then only the
 * layer itself is named. */
static bool inside_missing(const struct ls_record *records, int count, int r, const char *key) {
    char scope[1024];
    snprintf(scope, sizeof scope, "%s", key);
    for (char *dot; (dot = strrchr(scope, '.'));) {
        *dot = '\0';
        if (!ls_settings_find(&records[r].settings, scope) && anybody_has(records, count, scope))
            return true;
    }
    return false;
}

int ls_records_compare(const struct ls_record *records, int count, ls_record_difference *difference,
                       void *context) {
    const char **values = ls_calloc((size_t)count, sizeof *values);
    int found = 0;
    for (int r = 0; r < count; r++)
        for (int i = 0; i < records[r].settings.count; i++) {
            const char *key = records[r].settings.items[i].key;
            bool known = false, differs = false, inner = false;
            for (int k = 0; k < count; k++) {
                values[k] = ls_settings_find(&records[k].settings, key);
                known = known || (k < r && values[k]);
                differs = differs || !values[k] || !values[0] || strcmp(values[k], values[0]) != 0;
                inner = inner || (!values[k] && inside_missing(records, count, k, key));
            }
            if (known || !differs || inner)
                continue;
            found++;
            difference(context, key, values);
        }
    free(values);
    return found;
}

/* Of a key like "test.accuracy", or of the run as a whole. */
static double result_of(const struct ls_record *record, int role, const char *key) {
    const json_t *value =
        json_object_get(role < 0 ? record->result : ls_record_part(record, role), key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

void ls_records_results(const struct ls_record *records, int count, ls_record_result *result,
                        void *context) {
    static const char *const whole[] = {"steps", "epochs", "seconds", "samples_per_s",
                                        "world_size"};
    double *values = ls_calloc((size_t)count, sizeof *values);
    const char *key;
    json_t *value;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        for (int r = 0; r < count; r++)
            values[r] = result_of(&records[r], -1, whole[i]);
        result(context, whole[i], values);
    }
    for (int role = 0; role < LS_PARTS; role++)
        for (int r = 0; r < count; r++)
            json_object_foreach((json_t *)(uintptr_t)ls_record_part(&records[r], role), key,
                                value) {
                char name[LS_METRIC_NAME_MAX + 16];
                bool known = false;
                for (int k = 0; k < count; k++) {
                    values[k] = result_of(&records[k], role, key);
                    known =
                        known || (k < r && json_object_get(ls_record_part(&records[k], role), key));
                }
                if (known || !(json_is_number(value) || json_is_null(value)))
                    continue;
                snprintf(name, sizeof name, "%s.%s", ls_part_name(role), key);
                result(context, name, values);
            }
    free(values);
}
