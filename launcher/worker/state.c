#include "launcher/worker/state.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/numerics.h"

static json_t *print_sums(const double *sums, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, isfinite(sums[i]) ? json_real(sums[i]) : json_null());
    return array;
}

char *ls_state_print(const struct ls_state *state, const char *config_text) {
    json_t *object = json_pack(
        "{s:i s:s s:I s:I s:I s:I s:f s:[III] s:I s:o s:o s:b s:f s:I s:I s:I s:b}",
        "numerics_version", LS_NUMERICS_VERSION, "config", config_text, "step",
        (json_int_t)state->step, "epoch", (json_int_t)state->epoch, "index",
        (json_int_t)state->index, "schedule_steps", (json_int_t)state->schedule_steps, "seconds",
        state->seconds, "rows", (json_int_t)state->rows[0], (json_int_t)state->rows[1],
        (json_int_t)state->rows[2], "metrics_bytes", (json_int_t)state->metrics_bytes, "window",
        print_sums(state->window, state->sum_count), "running",
        print_sums(state->running, state->sum_count), "has_best", state->has_best, "best",
        state->best, "best_epoch", (json_int_t)state->best_epoch, "best_step",
        (json_int_t)state->best_step, "epochs_without", (json_int_t)state->epochs_without,
        "early_stopped", state->early_stopped);
    LS_ASSERT(object, "a state that does not print: config of %zu bytes", strlen(config_text));
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
    LS_ASSERT(text, "a state that does not print: step %llu", (unsigned long long)state->step);
    json_decref(object);
    return text;
}

void ls_state_create_sums(struct ls_state *state, int count) {
    LS_ASSERT(count <= LS_STATE_SUMS_MAX, "%d sums of metrics, at most %d", count,
              LS_STATE_SUMS_MAX);
    state->sum_count = count;
    state->window = ls_calloc((size_t)count + 1, sizeof *state->window);
    state->running = ls_calloc((size_t)count + 1, sizeof *state->running);
}

void ls_state_clear(struct ls_state *state) {
    free(state->window);
    free(state->running);
    *state = (struct ls_state){0};
}

static void parse_sums(const json_t *array, double *sums) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *sum = json_array_get(array, i);
        sums[i] = json_is_number(sum) ? json_number_value(sum) : (double)NAN;
    }
}

enum ls_status ls_state_parse(const char *text, struct ls_state *state, char **config_text,
                              struct ls_error *error) {
    *state = (struct ls_state){0};
    json_error_t reason;
    json_t *object = json_loads(text, 0, &reason);
    if (!object)
        return ls_fail(error, LS_DAMAGED, "the state is no JSON: line %d: %s", reason.line,
                       reason.text);

    int numerics = 0, has_best = 0, early_stopped = 0;
    const char *config = NULL;
    json_t *window = NULL, *running = NULL;
    json_int_t step, epoch, index, schedule_steps, metrics_bytes, best_epoch, best_step,
        epochs_without, rows[LS_STATE_PARTS] = {0};
    const int failed = json_unpack_ex(
        object, &reason, 0,
        "{s:i s:s s:I s:I s:I s:I s:F s?[III] s:I s:o s:o s:b s:F s:I s:I s:I s:b}",
        "numerics_version", &numerics, "config", &config, "step", &step, "epoch", &epoch, "index",
        &index, "schedule_steps", &schedule_steps, "seconds", &state->seconds, "rows", &rows[0],
        &rows[1], &rows[2], "metrics_bytes", &metrics_bytes, "window", &window, "running", &running,
        "has_best", &has_best, "best", &state->best, "best_epoch", &best_epoch, "best_step",
        &best_step, "epochs_without", &epochs_without, "early_stopped", &early_stopped);
    enum ls_status status = LS_OK;
    if (failed) {
        status = ls_fail(error, LS_DAMAGED, "the state is not one of lockstep's: %s", reason.text);
    } else if (numerics != LS_NUMERICS_VERSION) {
        status = ls_fail(error, LS_INVALID,
                         "the checkpoint was written with numerics version %d, this program has "
                         "%d: the run would "
                         "not end in the same bits\ncontinue with the older program, or start "
                         "again with --restart",
                         numerics, LS_NUMERICS_VERSION);
    } else if (json_array_size(window) > LS_STATE_SUMS_MAX ||
               json_array_size(window) != json_array_size(running)) {
        status =
            ls_fail(error, LS_DAMAGED,
                    "the state has %zu and %zu metric sums, expected as many of both, at most %d",
                    json_array_size(window), json_array_size(running), LS_STATE_SUMS_MAX);
    } else {
        ls_state_create_sums(state, (int)json_array_size(window));
        parse_sums(window, state->window);
        parse_sums(running, state->running);
        state->step = (uint64_t)step;
        state->epoch = (uint64_t)epoch;
        state->index = index;
        state->schedule_steps = schedule_steps;
        for (int i = 0; i < LS_STATE_PARTS; i++)
            state->rows[i] = (uint64_t)rows[i];
        state->metrics_bytes = (uint64_t)metrics_bytes;
        state->has_best = has_best;
        state->best_epoch = (uint64_t)best_epoch;
        state->best_step = (uint64_t)best_step;
        state->epochs_without = epochs_without;
        state->early_stopped = early_stopped;
        *config_text = ls_strdup(config);
    }
    json_decref(object);
    return status;
}
