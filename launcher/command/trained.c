#include "launcher/command/trained.h"

#include <stdlib.h>
#include <string.h>

#include "io/checkpoint.h"
#include "io/source.h"
#include "launcher/worker/state.h"

static enum ls_status open_given(struct ls_trained *trained, const char *file, bool targets,
                                 struct ls_error *error) {
    char path[LS_TEXT_MAX];
    enum ls_status status =
        ls_source_resolve(file, LS_SOURCE_TEST, ls_data_folder(), true, path, error);
    const struct ls_config *config = &trained->config;
    const struct ls_dataset_options options = {
        .path = path,
        .inputs = config->data.inputs[0] ? config->data.inputs : NULL,
        .targets = !targets                  ? ""
                   : config->data.targets[0] ? config->data.targets
                                             : NULL,
    };
    if (status == LS_OK)
        status = ls_dataset_open(&trained->given, &options, error);
    if (status == LS_OK)
        trained->data.input_shape = ls_dataset_info(trained->given).input_shape;
    return status;
}

static enum ls_status open_model(struct ls_trained *trained, const struct ls_checkpoint *checkpoint,
                                 struct ls_error *error) {
    const struct ls_worker_options options = {
        .config = &trained->config,
        .input_shape = trained->data.input_shape,
        .input_integer = ls_config_takes_indices(&trained->config),
    };
    enum ls_status status = ls_worker_create(&trained->worker, &options, error);
    if (status == LS_OK)
        ls_worker_note_threads(&trained->worker);
    if (status == LS_OK)
        status = ls_check_targets(trained->given ? trained->given
                                                 : trained->data.datasets[LS_SOURCE_TRAIN],
                                  &trained->config, &trained->worker.model, error);
    if (status != LS_OK)
        return status;
    const struct ls_checkpoint_arrays arrays = {
        .parameters = trained->worker.parameters,
        .end = trained->worker.parameters->total,
        .count = 1,
        .names = {"parameters"},
        .data = {trained->worker.flat},
    };
    status = ls_checkpoint_load(checkpoint, &arrays, error);
    char shape[LS_SHAPE_TEXT_MAX];
    return status != LS_INVALID || !trained->given
               ? status
               : ls_fail_context(error, "samples of %s do not fit the model of this run: ",
                                 ls_shape_print(trained->data.input_shape, shape));
}

enum ls_status ls_trained_open(struct ls_trained *trained, const struct ls_trained_options *options,
                               struct ls_error *error) {
    const char *run = options->run;
    *trained = (struct ls_trained){0};
    struct ls_checkpoint checkpoint = {0};
    bool found = false;
    enum ls_status status = ls_checkpoint_newest(run, false, &checkpoint, &found, error);
    if (status == LS_OK && !found)
        status = ls_fail(error, LS_INVALID,
                         "%s: has no checkpoint; is it a run directory of lockstep?", run);
    struct ls_state state;
    char *text = NULL;
    if (status == LS_OK)
        status = ls_state_parse(checkpoint.state, &state, &text, error);
    if (status == LS_OK)
        status =
            ls_config_parse(&trained->config, text, strlen(text), checkpoint.path, NULL, 0, error);
    if (status == LS_OK && options->threads)
        trained->config.compute.threads = options->threads;
    if (status == LS_OK)
        status = options->file[0] ? open_given(trained, options->file, options->targets, error)
                                  : ls_data_open(&trained->data, &trained->config, true, error);
    if (status == LS_OK)
        status = open_model(trained, &checkpoint, error);
    trained->step = checkpoint.step;
    ls_checkpoint_clear(&checkpoint);
    free(text);
    if (status != LS_OK)
        ls_trained_close(trained);
    return status;
}

void ls_trained_close(struct ls_trained *trained) {
    ls_worker_destroy(&trained->worker);
    if (trained->given)
        ls_dataset_close(trained->given);
    ls_data_close(&trained->data);
    ls_config_clear(&trained->config);
    *trained = (struct ls_trained){0};
}

enum ls_status ls_trained_load(struct ls_trained *trained, const struct ls_part *part,
                               struct ls_loader **loader, struct ls_error *error) {
    const struct ls_worker *worker = &trained->worker;
    const struct ls_loader_options options = {
        .part = *part,
        .batch = trained->config.train.batch,
        .microbatches = worker->microbatches,
        .count = worker->microbatches,
        .input_integer = ls_config_takes_indices(&trained->config),
        .input_limit = ls_model_index_limit(&worker->model),
        .target_integer = ls_task_target_integer(worker->task),
        .classes = ls_task_classes(worker->task),
    };
    return ls_loader_create(loader, &options, error);
}
