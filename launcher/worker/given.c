#include "launcher/worker/given.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/run_parts.h"
#include "launcher/worker/start.h"

void ls_given_clear(struct ls_given *given) {
    for (int i = 0; i < given->count; i++)
        free(given->items[i].plain);
    free(given->items);
    free(given->start);
    free(given->centres);
    *given = (struct ls_given){0};
}

static void take_values(struct run *run, const struct ls_given *given) {
    struct ls_worker *worker = &run->worker;
    for (int i = 0; i < given->count; i++) {
        const struct ls_parameter *parameter =
            ls_parameters_find(worker->parameters, given->items[i].name);
        LS_ASSERT(parameter && ls_parameter_plain_count(parameter) == given->items[i].count,
                  "%lld values for the parameter %s", (long long)given->items[i].count,
                  given->items[i].name);
        ls_parameter_store(parameter, given->items[i].plain, worker->flat + parameter->offset);
    }
    ls_reducer_broadcast(worker->reducer);
    ls_worker_begin_average(worker);
}

/* What is taken off feeds belongs to their means. */
static void take_centres(struct run *run, const struct ls_given *given) {
    const char *feeds[LS_FEEDS_MAX];
    int count = 0;
    for (int f = 0; f < run->data.feed_count; f++) {
        const struct ls_feed_constants names = ls_feed_constants(run->data.feeds[f].name);
        for (int i = 0; i < given->count; i++)
            if (!strcmp(given->items[i].name, names.mean))
                feeds[count++] = run->data.feeds[f].name;
    }
    char *merged = ls_centres_merge(run->state.centres, given->centres, feeds, count);
    free(run->state.centres);
    run->state.centres = merged;
}

enum ls_status ls_run_begin_with(struct ls_communicator *communicator,
                                 const struct ls_run_request *request, const struct ls_given *given,
                                 struct ls_error *error) {
    char *config_text = ls_config_print(request->config);
    struct run run = {.request = request,
                      .config = request->config,
                      .communicator = communicator,
                      .leader = true,
                      .began = ls_seconds()};
    run.save = (struct ls_save){.run = request->run,
                                .incarnation = request->incarnation,
                                .config_text = config_text,
                                .keep = (int)request->config->checkpoint.keep};
    LS_ASSERT(ls_communicator_size(communicator) == 1, "%d ranks, expected one",
              ls_communicator_size(communicator));
    enum ls_status status = ls_run_open(&run, error);
    if (status == LS_OK)
        status = ls_run_restore(&run, error);
    if (status == LS_OK) {
        take_values(&run, given);
        take_centres(&run, given);
        run.state.start = ls_strdup(given->start);
        status = ls_run_save(&run, true, error);
    }
    ls_run_close(&run);
    free(config_text);
    return status;
}
