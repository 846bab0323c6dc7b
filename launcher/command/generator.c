#include "launcher/command/generator.h"

#include "core/base/memory.h"

enum ls_status ls_generator_build(struct ls_generator *generator,
                                  const struct ls_generator_options *options,
                                  struct ls_error *error) {
    const struct ls_config *config = &generator->run.config;
    enum ls_variant variant;
    enum ls_status status = ls_config_variant(config, &variant, error);
    if (status != LS_OK)
        return status;
    struct ls_model_options model = ls_config_model(config, variant, options->rows);
    model.feeds = options->feeds;
    model.feed_count = options->feed_count;
    model.inference = model.answers = true;
    model.start_at = options->start_at;
    model.step_positions = options->step_positions;
    generator->parameters = ls_parameters_create();
    status = ls_model_create(&generator->model, &model, config->phase_count - 1,
                             generator->parameters, error);
    if (status != LS_OK)
        return generator->model.failed
                   ? ls_config_layer_error(config, generator->model.failed, error)
                   : status;
    generator->flat = ls_memory_map((size_t)generator->parameters->total * sizeof(float));
    status = ls_saved_run_load(&generator->run, generator->parameters, generator->flat, error);
    if (status == LS_OK)
        ls_graph_prepare(generator->model.graph, generator->flat);
    return status;
}

void ls_generator_close(struct ls_generator *generator) {
    if (generator->flat)
        ls_memory_unmap(generator->flat, (size_t)generator->parameters->total * sizeof(float));
    ls_model_destroy(&generator->model);
    ls_parameters_destroy(generator->parameters);
    ls_saved_run_close(&generator->run);
    *generator = (struct ls_generator){0};
}

void ls_generator_run(struct ls_generator *generator, uint64_t seed, const uint64_t *row_ids,
                      int64_t rows, int64_t position) {
    const struct ls_run run = {.mean_only = true,
                               .rows = rows,
                               .microbatch_rows = rows,
                               .microbatches = 1,
                               .seed = seed,
                               .row_ids = row_ids,
                               .row_first = row_ids[0],
                               .position = position};
    ls_graph_forward(generator->model.graph, &run, NULL);
}
