#include "launcher/worker/state.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/numerics.h"
#include "io/json.h"

static json_t *print_sums(const double *sums, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, ls_json_number(sums[i]));
    return array;
}

static json_t *print_feeds(const struct ls_state *state) {
    json_t *array = json_array();
    for (int i = 0; i < state->feed_count; i++) {
        const struct ls_feed *feed = &state->feeds[i];
        json_t *shape = json_array();
        for (int d = 0; d < feed->shape.rank; d++)
            json_array_append_new(shape, json_integer(feed->shape.dims[d]));
        json_array_append_new(array,
                              json_pack("{s:s s:o s:b s:I s:i}", "name", feed->name, "shape", shape,
                                        "integer", feed->integer, "limit", (json_int_t)feed->limit,
                                        "scaling", (int)feed->scaling));
    }
    return array;
}

static json_t *print_identities(const struct ls_state *state) {
    json_t *array = json_array();
    for (int i = 0; i < LS_STATE_PARTS; i++) {
        const struct ls_identity *data = &state->data[i];
        char digest[LS_HASH_TEXT_MAX];
        ls_hash_text(data->digest, digest);
        json_array_append_new(array, json_pack("{s:I s:I s:s}", "rows", (json_int_t)data->rows,
                                               "bytes", (json_int_t)data->bytes, "digest", digest));
    }
    return array;
}

/* [epochs, reductions] of each phase; NULL where there was never anything to count. */
static json_t *print_plateaus(const struct ls_state *state) {
    bool any = false;
    json_t *array = json_array();
    for (int p = 0; p < LS_PHASES_MAX; p++) {
        const struct ls_plateau *plateau = &state->plateaus[p];
        any = any || plateau->epochs || plateau->reductions;
        json_array_append_new(array, json_pack("[I, I]", (json_int_t)plateau->epochs,
                                               (json_int_t)plateau->reductions));
    }
    if (any)
        return array;
    json_decref(array);
    return NULL;
}

char *ls_state_print(const struct ls_state *state, const char *config_text) {
    json_t *object = json_pack(
        "{s:i s:s s:I s:I s:I s:I s:f s:[III] s:I s:o s:o s:b s:f s:I s:I s:I s:b s:o}",
        "numerics_version", LS_NUMERICS_VERSION, "config", config_text, "step",
        (json_int_t)state->step, "epoch", (json_int_t)state->epoch, "index",
        (json_int_t)state->index, "schedule_steps", (json_int_t)state->schedule_steps, "seconds",
        state->seconds, "rows", (json_int_t)state->rows[0], (json_int_t)state->rows[1],
        (json_int_t)state->rows[2], "metrics_bytes", (json_int_t)state->metrics_bytes, "window",
        print_sums(state->window, state->sum_count), "running",
        print_sums(state->running, state->sum_count), "has_best", state->has_best, "best",
        state->best, "best_epoch", (json_int_t)state->best_epoch, "best_step",
        (json_int_t)state->best_step, "epochs_without", (json_int_t)state->epochs_without,
        "early_stopped", state->early_stopped, "feeds", print_feeds(state));
    LS_ASSERT(object, "a state that does not print: config of %zu bytes", strlen(config_text));
    json_object_set_new(object, "data", print_identities(state));
    json_object_set_new(object, "other_data", json_boolean(state->other_data));
    if (state->schema)
        json_object_set_new(object, "schema", json_loads(state->schema, 0, NULL));
    if (state->centres)
        json_object_set_new(object, "centres", json_loads(state->centres, 0, NULL));
    json_t *plateaus = print_plateaus(state);
    if (plateaus)
        json_object_set_new(object, "plateaus", plateaus);
    if (state->start)
        json_object_set_new(object, "start", json_loads(state->start, 0, NULL));
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
    free(state->schema);
    free(state->centres);
    free(state->start);
    *state = (struct ls_state){0};
}

/* null: a sum that is no number. */
static bool are_sums(const json_t *array) {
    bool good = json_is_array(array);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *sum = json_array_get(array, i);
        good = good && (json_is_number(sum) || json_is_null(sum));
    }
    return good;
}

static void parse_sums(const json_t *array, double *sums) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *sum = json_array_get(array, i);
        sums[i] = json_is_number(sum) ? json_number_value(sum) : (double)NAN;
    }
}

/* What no run can have been in. */
static enum ls_status check_numbers(const json_t *object, struct ls_error *error) {
    static const char *const names[] = {"step",           "epoch",     "index",
                                        "schedule_steps", "seconds",   "metrics_bytes",
                                        "best_epoch",     "best_step", "epochs_without"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const double value = json_number_value(json_object_get(object, names[i]));
        if (!(value >= 0))
            return ls_fail(error, LS_DAMAGED, "the state has the %s %g, expected 0 or more",
                           names[i], value);
    }
    static const char *const later[] = {"step", "epoch"}, *const earlier[] = {"best_step",
                                                                              "best_epoch"};
    for (int i = 0; i < 2; i++) {
        const json_int_t most = json_integer_value(json_object_get(object, later[i]));
        const json_int_t value = json_integer_value(json_object_get(object, earlier[i]));
        if (value > most)
            return ls_fail(error, LS_DAMAGED,
                           "the state has the %s %" JSON_INTEGER_FORMAT
                           ", but the %s %" JSON_INTEGER_FORMAT,
                           earlier[i], value, later[i], most);
    }
    return LS_OK;
}

static bool parse_shape(const json_t *array, struct ls_shape *shape) {
    bool good = json_is_array(array) && json_array_size(array) <= LS_RANK_MAX;
    shape->rank = good ? (int)json_array_size(array) : 0;
    for (int d = 0; d < shape->rank && good; d++) {
        shape->dims[d] = json_integer_value(json_array_get(array, (size_t)d));
        good = shape->dims[d] > 0;
    }
    return good;
}

/* Checkpoints of before do not say. */
static void parse_identities(const json_t *array, struct ls_state *state) {
    for (size_t i = 0; i < LS_STATE_PARTS && json_array_size(array) == LS_STATE_PARTS; i++) {
        const json_t *data = json_array_get(array, i);
        const char *digest = json_string_value(json_object_get(data, "digest"));
        state->data[i] = (struct ls_identity){
            .rows = (uint64_t)json_integer_value(json_object_get(data, "rows")),
            .bytes = (uint64_t)json_integer_value(json_object_get(data, "bytes")),
            .digest = digest ? strtoull(digest, NULL, 16) : 0};
    }
}

/* The text of a member that states may lack; NULL: it does. Owned by the caller. */
static char *print_member(const json_t *object, const char *name, size_t flags) {
    const json_t *member = json_object_get(object, name);
    return member ? json_dumps(member, flags) : NULL;
}

/* NULL: nothing was counted. */
static enum ls_status parse_plateaus(const json_t *array, struct ls_state *state,
                                     struct ls_error *error) {
    for (size_t p = 0; p < json_array_size(array); p++) {
        json_int_t epochs, reductions;
        if (p == LS_PHASES_MAX ||
            json_unpack(json_array_get(array, p), "[I, I]", &epochs, &reductions) || epochs < 0 ||
            reductions < 0)
            return ls_fail(error, LS_DAMAGED,
                           "the state has a plateau %zu that is none of lockstep's", p);
        state->plateaus[p] = (struct ls_plateau){epochs, reductions};
    }
    return LS_OK;
}

/* NULL: the run began before states told. */
static enum ls_status parse_feeds(const json_t *array, struct ls_state *state,
                                  struct ls_error *error) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct ls_feed *feed = &state->feeds[state->feed_count];
        const char *name;
        json_t *shape;
        json_int_t limit;
        int integer, scaling;
        if (state->feed_count == LS_FEEDS_MAX ||
            json_unpack(json_array_get(array, i), "{s:s s:o s:b s:I s:i}", "name", &name, "shape",
                        &shape, "integer", &integer, "limit", &limit, "scaling", &scaling) ||
            strlen(name) >= sizeof feed->name || scaling < 0 || scaling > LS_FEED_PER_CHANNEL ||
            !parse_shape(shape, &feed->shape))
            return ls_fail(error, LS_DAMAGED, "the state has a feed %zu that is none of lockstep's",
                           i);
        strcpy(feed->name, name);
        feed->integer = integer;
        feed->limit = limit;
        feed->scaling = (enum ls_feed_scaling)scaling;
        state->feed_count++;
    }
    return LS_OK;
}

enum ls_status ls_state_parse(const char *text, struct ls_state *state, char **config_text,
                              struct ls_error *error) {
    *state = (struct ls_state){0};
    json_error_t reason;
    json_t *object = json_loads(text, 0, &reason);
    if (!object)
        return ls_fail(error, LS_DAMAGED, "the state is no JSON: line %d: %s", reason.line,
                       reason.text);

    int has_best = 0, early_stopped = 0;
    const char *config = NULL;
    json_t *window = NULL, *running = NULL, *feeds = NULL;
    json_int_t step, epoch, index, schedule_steps, metrics_bytes, best_epoch, best_step,
        epochs_without, rows[LS_STATE_PARTS] = {0};
    const int failed = json_unpack_ex(
        object, &reason, 0,
        "{s:i s:s s:I s:I s:I s:I s:F s?[III] s:I s:o s:o s:b s:F s:I s:I s:I s:b s?o}",
        "numerics_version", &state->numerics, "config", &config, "step", &step, "epoch", &epoch,
        "index", &index, "schedule_steps", &schedule_steps, "seconds", &state->seconds, "rows",
        &rows[0], &rows[1], &rows[2], "metrics_bytes", &metrics_bytes, "window", &window, "running",
        &running, "has_best", &has_best, "best", &state->best, "best_epoch", &best_epoch,
        "best_step", &best_step, "epochs_without", &epochs_without, "early_stopped", &early_stopped,
        "feeds", &feeds);
    enum ls_status status = LS_OK;
    if (failed) {
        status = ls_fail(error, LS_DAMAGED, "the state is not one of lockstep's: %s", reason.text);
    } else if (!are_sums(window) || !are_sums(running)) {
        status = ls_fail(error, LS_DAMAGED, "the state has a metric sum that is no number");
    } else if (check_numbers(object, error) != LS_OK) {
        status = error->status;
    } else if (json_array_size(window) > LS_STATE_SUMS_MAX ||
               json_array_size(window) != json_array_size(running)) {
        status =
            ls_fail(error, LS_DAMAGED,
                    "the state has %zu and %zu metric sums, expected as many of both, at most %d",
                    json_array_size(window), json_array_size(running), LS_STATE_SUMS_MAX);
    } else if ((status = parse_plateaus(json_object_get(object, "plateaus"), state, error)) ==
                   LS_OK &&
               (status = parse_feeds(feeds, state, error)) == LS_OK) {
        ls_state_create_sums(state, (int)json_array_size(window));
        parse_sums(window, state->window);
        parse_sums(running, state->running);
        parse_identities(json_object_get(object, "data"), state);
        state->schema = print_member(object, "schema", JSON_INDENT(1));
        state->centres = print_member(object, "centres", JSON_SORT_KEYS);
        state->start = print_member(object, "start", 0);
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
        state->other_data = json_is_true(json_object_get(object, "other_data"));
        *config_text = ls_strdup(config);
    }
    json_decref(object);
    return status;
}
