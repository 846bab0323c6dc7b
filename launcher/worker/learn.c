/* What a run learns before the first step: from another run, if it starts from one, its initial
 * values; from its training data, what missing cells become, what
 * feeds are standardised by, balanced weights of classes. Rank 0 learns it, once in the life of a
 * run, and the others are told; a run that goes on takes it from its checkpoint, where numbers
 * stand among the parameters that never change, and all else in the state. */
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/worker/run_parts.h"
#include "launcher/worker/start.h"

/* Initial values from another run, and by what its feeds were standardised where it gives that. */
static enum ls_status take_start(struct run *run, struct ls_error *error) {
    struct ls_state *state = &run->state;
    const struct ls_worker *worker = &run->worker;
    struct ls_start start;
    enum ls_status status = ls_start_open(&start, &run->data, worker, error);
    if (status == LS_OK)
        status = ls_start_load(&start, worker->parameters, worker->flat, error);
    if (status == LS_OK) {
        char line[1024],
            *centres = ls_start_centres(&start, &run->data, worker->parameters, state->centres);
        free(state->centres);
        state->centres = centres;
        state->start = ls_start_print(&start, worker->parameters);
        ls_start_describe(state->start, line, sizeof line);
        ls_log(LS_LOG_INFO, "start: %s", line);
    }
    ls_start_close(&start);
    return status;
}

/* By rank 0; known: all but what the checkpoint does not say. */
static enum ls_status learn(struct run *run, bool known, struct ls_error *error) {
    struct ls_data *data = &run->data;
    struct ls_state *state = &run->state;
    const struct ls_worker *worker = &run->worker;
    enum ls_status status = LS_OK;
    if (state->schema && data->schema.count)
        status = ls_data_take_schema(data, state->schema, LS_SOURCE_TRAIN, true, error);
    else
        status = ls_data_learn_fill(data, error);
    if (status == LS_OK && !known)
        status = ls_data_standardise(data, worker, error);
    if (status == LS_OK && !known)
        status = ls_data_balance(data, worker, error);
    if (status != LS_OK)
        return status;
    free(state->schema);
    state->schema = data->schema.count ? ls_schema_print(&data->schema) : NULL;
    if (!known)
        state->centres = ls_data_print_centres(data);
    return !known && run->config->start.from[0] ? take_start(run, error) : LS_OK;
}

/* Rank 0's text (or NULL) to all. */
static void share_text(struct run *run, char **text) {
    int64_t bytes = *text ? (int64_t)strlen(*text) + 1 : 0;
    ls_communicator_broadcast(run->communicator, &bytes, sizeof bytes);
    if (!run->leader) {
        free(*text);
        *text = bytes ? ls_calloc((size_t)bytes, 1) : NULL;
    }
    if (bytes)
        ls_communicator_broadcast(run->communicator, *text, bytes);
}

enum ls_status ls_run_learn(struct run *run, bool known, struct ls_error *error) {
    struct ls_worker *worker = &run->worker;
    enum ls_status status = run->leader ? learn(run, known, error) : LS_OK;
    if ((status = ls_communicator_agree(run->communicator, status, error)) != LS_OK)
        return status;
    if (!known) {
        ls_reducer_broadcast(worker->reducer);
        ls_worker_begin_average(worker);
    }
    share_text(run, &run->state.schema);
    share_text(run, &run->state.centres);
    if (run->state.schema)
        status = ls_data_adopt_schema(&run->data, run->state.schema, error);
    if (status == LS_OK)
        status = ls_data_take_centres(&run->data, run->state.centres, error);
    const bool balances = ls_worker_balances(worker);
    for (int p = 0; p < worker->phase_count && balances; p++) /* weights of terms are asked for */
        ls_graph_prepare(worker->shares[0].models[p].graph, worker->flat);
    return ls_communicator_agree(run->communicator, status, error);
}
