#include "launcher/worker/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "io/file.h"
#include "io/json.h"
#include "launcher/worker/metrics_json.h"
#include "launcher/worker/progress.h"

enum { PATH_SIZE = 4096, RESULT_BYTES_MAX = 1 << 24 };

static const char *const part_names[3] = {"train", "validation", "test"};

static json_t *print_metrics(const struct ls_metrics *metrics, const struct ls_data *data) {
    return metrics ? ls_metrics_json(metrics, data) : json_null();
}

static void result_path(const char *run, char path[PATH_SIZE]) {
    snprintf(path, PATH_SIZE, "%s/result.json", run);
}

enum ls_status ls_result_write(const char *run, const struct ls_result *result,
                               struct ls_error *error) {
    char digest[LS_HASH_TEXT_MAX], path[PATH_SIZE];
    ls_hash_text(result->parameters_digest, digest);
    json_t *object = json_pack(
        "{s:s s:I s:I s:I s:I s:o s:o s:i s:s s:s}", "status", result->status, "steps",
        (json_int_t)result->steps, "epochs", (json_int_t)result->epochs, "resumed_from_step",
        (json_int_t)result->resumed_from_step, "steps_this_run", (json_int_t)result->steps_this_run,
        "seconds", ls_json_number(result->seconds), "samples_per_s",
        ls_json_number(result->samples_per_s), "world_size", result->world_size,
        "parameters_digest", digest, "parameters_digest_hash", LS_HASH_NAME);
    for (int i = 0; i < 3; i++)
        json_object_set_new(object, part_names[i], print_metrics(result->parts[i], result->data));
    if (result->best.metric)
        json_object_set_new(object, "best",
                            json_pack("{s:I s:I s:s s:o}", "epoch", (json_int_t)result->best.epoch,
                                      "step", (json_int_t)result->best.step, "metric",
                                      result->best.metric, "value",
                                      ls_json_number(result->best.value)));
    if (result->start)
        json_object_set_new(object, "start", json_loads(result->start, 0, NULL));
    if (result->message)
        json_object_set_new(object, "message", json_string(result->message));
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    LS_ASSERT(text, "a result that does not print, step %llu", (unsigned long long)result->steps);
    result_path(run, path);
    const size_t length = strlen(text);
    text[length] = '\n'; /* instead of the NUL */
    const enum ls_status status = ls_file_write(path, text, length + 1, error);
    free(text);
    return status;
}

json_t *ls_result_read(const char *run, struct ls_error *error) {
    char path[PATH_SIZE], *bytes;
    uint64_t count;
    result_path(run, path);
    if (ls_file_read(path, RESULT_BYTES_MAX, &bytes, &count, error) != LS_OK)
        return NULL;
    json_error_t reason;
    json_t *object = json_loadb(bytes, count, 0, &reason);
    free(bytes);
    if (!object)
        (void)!ls_fail(error, LS_DAMAGED, "%s:%d:%d: error: %s", path, reason.line, reason.column,
                       reason.text);
    if (!object || json_is_object(object))
        return object;
    json_decref(object);
    (void)!ls_fail(error, LS_DAMAGED, "%s:1:1: error: expected a JSON object", path);
    return NULL;
}

bool ls_result_final(const char *run, uint64_t step, bool limit) {
    struct ls_error error;
    json_t *object = ls_result_read(run, &error);
    if (!object)
        return false;
    const char *status = json_string_value(json_object_get(object, "status"));
    const bool here = (uint64_t)json_integer_value(json_object_get(object, "steps")) == step;
    const bool final = here && status &&
                       (strcmp(status, "done") == 0 || strcmp(status, "early_stopped") == 0 ||
                        (limit && strcmp(status, "stopped") == 0));
    json_decref(object);
    return final;
}

static void print_part(const char *name, const json_t *part) {
    if (!json_is_object(part))
        return;
    printf("  %-11s", name);
    const char *key;
    json_t *value;
    int used = 0;
    json_object_foreach((json_t *)(uintptr_t)part, key, value) {
        char one[LS_METRIC_NAME_MAX + 32];
        if (!json_is_number(value))
            continue;
        const int length = snprintf(one, sizeof one, "  %s %.4f", key, json_number_value(value));
        if (used && used + length > LS_LINE_METRICS)
            break;
        used += printf("%s", one);
    }
    printf("\n");
}

enum ls_status ls_result_print(const char *run, struct ls_error *error) {
    json_t *object = ls_result_read(run, error);
    if (!object)
        return error->status;
    const long long ranks = json_integer_value(json_object_get(object, "world_size"));
    printf("%s: %s after %lld steps (%lld epochs), %.1f s of training, %.0f samples/s on %lld %s\n",
           run, json_string_value(json_object_get(object, "status")),
           (long long)json_integer_value(json_object_get(object, "steps")),
           (long long)json_integer_value(json_object_get(object, "epochs")),
           json_number_value(json_object_get(object, "seconds")),
           json_number_value(json_object_get(object, "samples_per_s")), ranks,
           ranks == 1 ? "rank" : "ranks");
    const json_t *best = json_object_get(object, "best");
    if (best)
        printf("  best         epoch %lld (%s %.4f), which is what was measured\n",
               (long long)json_integer_value(json_object_get(best, "epoch")),
               json_string_value(json_object_get(best, "metric")),
               json_number_value(json_object_get(best, "value")));
    for (int i = 0; i < 3; i++)
        print_part(part_names[i], json_object_get(object, part_names[i]));
    printf("  parameters   %s\n", json_string_value(json_object_get(object, "parameters_digest")));
    json_decref(object);
    return LS_OK;
}
