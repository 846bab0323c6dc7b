#include "launcher/command/trained.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/source.h"

/* The model cannot be made for the given data: where that is since an input is of another shape
 * than what it has learned from, that is all there is to say. */
static enum ls_status fail_unfit(const struct ls_trained *trained, struct ls_error *error) {
    const struct ls_state *state = &trained->run.state;
    const struct ls_data *data = &trained->data;
    char found[LS_SHAPE_TEXT_MAX], wanted[LS_SHAPE_TEXT_MAX];
    for (int i = 0; i < state->feed_count; i++) {
        const struct ls_feed *learned = &state->feeds[i],
                             *given = ls_data_feed(data, learned->name);
        if (given && !given->missing && strcmp(learned->name, "targets") != 0 &&
            !ls_shape_equal(given->shape, learned->shape))
            return ls_fail(error, LS_INVALID,
                           "%s: samples of %s, but the model of this run has learned from %s",
                           learned->name, ls_sample_print(given->shape, found),
                           ls_sample_print(learned->shape, wanted));
    }
    return LS_INVALID;
}

static enum ls_status open_model(struct ls_trained *trained,
                                 const struct ls_trained_options *wanted, struct ls_error *error) {
    const struct ls_worker_options options = {
        .config = &trained->run.config,
        .feeds = trained->data.feeds,
        .feed_count = trained->data.feed_count,
        .answers = wanted->answers,
        .layer = wanted->layer,
    };
    enum ls_status status = ls_worker_create(&trained->worker, &options, error);
    if (status == LS_OK) {
        ls_worker_note_threads(&trained->worker);
        status = ls_saved_run_load(&trained->run, trained->worker.parameters, trained->worker.flat,
                                   error);
    }
    return status == LS_INVALID && trained->given ? fail_unfit(trained, error) : status;
}

static enum ls_status open_data(struct ls_trained *trained,
                                const struct ls_trained_options *options, struct ls_error *error) {
    trained->given = options->file[0] != '\0';
    const struct ls_state *state = &trained->run.state;
    struct ls_data *data = &trained->data;
    const struct ls_given_data given = {.file = options->file,
                                        .run = options->run,
                                        .cache = options->cache,
                                        .schema = state->schema,
                                        .targets = options->targets};
    const struct ls_data_request request = {.run = options->run};
    enum ls_status status = trained->given
                                ? ls_data_open_given(data, &trained->run.config, &given, error)
                                : ls_data_open(data, &trained->run.config, &request, error);
    if (status == LS_OK && !trained->given)
        status = state->schema
                     ? ls_data_take_schema(data, state->schema, LS_SOURCE_TRAIN, true, error)
                     : ls_data_learn_fill(data, error); /* a run of before states told */
    return status == LS_OK ? ls_data_take_centres(data, state->centres, error) : status;
}

enum ls_status ls_trained_open(struct ls_trained *trained, const struct ls_trained_options *options,
                               struct ls_error *error) {
    *trained = (struct ls_trained){0};
    enum ls_status status = ls_saved_run_open(&trained->run, options->run, error);
    if (status == LS_OK && options->threads)
        trained->run.config.compute.threads = options->threads;
    if (status == LS_OK)
        status = open_data(trained, options, error);
    if (status == LS_OK)
        status = open_model(trained, options, error);
    if (status != LS_OK)
        ls_trained_close(trained);
    return status;
}

void ls_trained_close(struct ls_trained *trained) {
    ls_worker_destroy(&trained->worker);
    ls_data_close(&trained->data);
    ls_saved_run_close(&trained->run);
    *trained = (struct ls_trained){0};
}

/* One of the run's parameters, which is of `width` values in whatever shape the losses take it. */
static enum ls_status load_values(const struct ls_trained *trained, const char *name, int64_t width,
                                  float *values, struct ls_error *error) {
    struct ls_parameter_set *set = ls_parameters_create();
    enum ls_status status = ls_saved_run_lay_out(&trained->run, set, error);
    const struct ls_parameter *parameter = status == LS_OK ? ls_parameters_find(set, name) : NULL;
    if (status == LS_OK && (!parameter || ls_parameter_plain_count(parameter) != width))
        status = ls_fail(error, LS_INVALID,
                         "%s: the run's targets are no %lld values of a row, as its outputs are",
                         name, (long long)width);
    if (status == LS_OK)
        status =
            ls_checkpoint_load_one(&trained->run.checkpoint, name, parameter->shape, values, error);
    ls_parameters_destroy(set);
    return status;
}

/* They are no part of a model that only answers. */
enum ls_status ls_trained_load_units(const struct ls_trained *trained, int64_t width,
                                     struct ls_units *units, struct ls_error *error) {
    static const char feed[] = "targets";
    const struct ls_feed_constants names = ls_feed_constants(feed);
    *units = (struct ls_units){0};
    if (!trained->run.config.data.standardise_targets)
        return LS_OK;
    float *means = ls_calloc((size_t)width, sizeof *means);
    units->means = ls_calloc((size_t)width, sizeof *units->means);
    units->scales = ls_calloc((size_t)width, sizeof *units->scales);
    enum ls_status status = load_values(trained, names.mean, width, means, error);
    if (status == LS_OK)
        status = load_values(trained, names.scale, width, units->scales, error);
    for (int64_t i = 0; i < width && status == LS_OK; i++)
        units->means[i] = (double)means[i];
    if (status == LS_OK)
        status = ls_centres_add(trained->run.state.centres, feed, width, units->means,
                                &units->centred, error);
    free(means);
    return status;
}

void ls_units_clear(struct ls_units *units) {
    free(units->means);
    free(units->scales);
    *units = (struct ls_units){0};
}

enum ls_status ls_trained_load(struct ls_trained *trained, int role, struct ls_loader **loader,
                               struct ls_error *error) {
    const struct ls_worker *worker = &trained->worker;
    struct ls_feed_use uses[LS_FEEDS_MAX];
    const struct ls_loader_options options = {
        .part = trained->data.parts[role],
        .batch = trained->run.config.train.batch,
        .microbatches = worker->microbatches,
        .count = worker->microbatches,
        .uses = uses,
        .use_count = ls_data_uses(&trained->data, role, worker, uses),
        .seed = (uint64_t)trained->run.config.seed,
        .augment = {.mask = trained->run.config.augment.mask},
    };
    return ls_loader_create(loader, &options, error);
}
