#include "launcher/export/export.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

static enum ls_status load_schema(struct ls_exported *exported, struct ls_error *error) {
    const struct ls_saved_run *saved = &exported->saved;
    return saved->state.schema ? ls_schema_parse(&exported->schema, saved->state.schema,
                                                 saved->checkpoint.path, error)
                               : LS_OK;
}

/* What answers, laid out as the models of all phases were. */
static enum ls_status build(struct ls_exported *exported, struct ls_error *error) {
    struct ls_saved_run *saved = &exported->saved;
    exported->parameters = ls_parameters_create();
    enum ls_status status = ls_saved_run_lay_out(saved, exported->parameters, error);
    if (status == LS_OK) {
        exported->feed_count = ls_saved_run_feeds(saved, exported->feeds);
        struct ls_model_options options =
            ls_saved_run_model(saved, exported->feeds, exported->feed_count);
        options.answers = true;
        options.borrows_arena = false;
        status = ls_model_create(&exported->model, &options, saved->config.phase_count - 1,
                                 exported->parameters, error);
    }
    if (status != LS_OK)
        return ls_fail_context(error, "the model of %s cannot be built again: ", exported->run);
    exported->flat = ls_memory_map((size_t)exported->parameters->total * sizeof(float));
    status = ls_saved_run_load(saved, exported->parameters, exported->flat, error);
    if (status == LS_OK)
        ls_graph_prepare(exported->model.graph, exported->flat);
    return status;
}

enum ls_status ls_exported_open(struct ls_exported *exported, const char *from,
                                struct ls_error *error) {
    *exported = (struct ls_exported){0};
    enum ls_status status = ls_saved_run_choose(&exported->saved, from, exported->run, error);
    if (status == LS_OK)
        status = load_schema(exported, error);
    return status == LS_OK ? build(exported, error) : status;
}

void ls_exported_close(struct ls_exported *exported) {
    ls_model_destroy(&exported->model);
    if (exported->flat)
        ls_memory_unmap(exported->flat, (size_t)exported->parameters->total * sizeof(float));
    ls_parameters_destroy(exported->parameters);
    ls_schema_clear(&exported->schema);
    ls_saved_run_close(&exported->saved);
    *exported = (struct ls_exported){0};
}
