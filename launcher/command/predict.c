/* lockstep predict: a run's model on other data, written to an HDF5 file. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/predictions.h"
#include "launcher/command/run_options.h"
#include "launcher/command/trained.h"
#include "launcher/exit_codes.h"

struct predict_options {
    char data[LS_TEXT_MAX], layer[LS_TEXT_MAX], out[LS_TEXT_MAX];
    int64_t threads;
};

static const char usage[] = "RUN --data FILE --out FILE.h5 [--layer NAME] [--threads T]";

static const struct ls_option options[] = {
    {.field = {.name = "data",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct predict_options, data),
               .help = "a data source as in a config; targets are not needed"}},
    {.field = {.name = "layer",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct predict_options, layer),
               .initial = "",
               .help =
                   "writes /layer, too: the values of this layer of the model (linear1, relu1)"}},
    {.field = {.name = "out",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct predict_options, out),
               .help = "the HDF5 file to write: /outputs, and /classes of a classification"}},
    LS_OPTION_THREADS(struct predict_options),
};

struct writer {
    struct ls_predictions *predictions;
    int64_t width;   /* outputs of a row */
    int32_t *labels; /* NULL: no classification */
};

/* The largest logit, the first of equals; with one output, whether it is positive. */
static void classify(const float *outputs, int64_t rows, int64_t width, int32_t *labels) {
    for (int64_t r = 0; r < rows; r++, outputs += width) {
        int32_t best = width == 1 ? outputs[0] > 0 : 0;
        for (int32_t k = 1; k < width; k++)
            best = outputs[k] > outputs[best] ? k : best;
        labels[r] = best;
    }
}

/* Whether the model's answer is its largest output: a loss that classifies judges it. */
static bool classifies(const struct ls_config *config) {
    for (int i = 0; i < config->losses.count; i++) {
        const struct ls_layer_spec *spec = &config->losses.items[i];
        if (ls_loss_find(spec->layer->name)->classifies && !ls_layer_spec_refers(spec, "from"))
            return true;
    }
    return config->task.kind == LS_TASK_CLASSIFICATION;
}

/* In the order of the file's datasets: see describe_file. */
static enum ls_status write_rows(void *context, const struct ls_answer *answer,
                                 struct ls_error *error) {
    struct writer *writer = context;
    const void *data[LS_PREDICTIONS_MAX] = {answer->outputs};
    int count = 1;
    if (writer->labels) {
        classify(answer->outputs, answer->rows, writer->width, writer->labels);
        data[count++] = writer->labels;
    }
    if (answer->layer)
        data[count++] = answer->layer;
    return ls_predictions_append(writer->predictions, data, answer->rows, error);
}

/* Outputs; classes, where the model classifies; the layer, where one was asked for. */
static struct ls_predictions_options describe_file(const struct ls_trained *trained,
                                                   const struct ls_model *model, const char *path) {
    const struct ls_shape shape = ls_shape_of_row(model->output->shape);
    struct ls_predictions_options file = {
        .path = path,
        .rows = trained->data.parts[LS_SOURCE_TEST].count,
        .count = 1,
        .sets = {{.name = "outputs", .row_shape = shape}},
    };
    if (classifies(&trained->run.config) && shape.rank == 1)
        file.sets[file.count++] = (struct ls_prediction_set){.name = "classes", .integer = true};
    if (model->layer)
        file.sets[file.count++] = (struct ls_prediction_set){
            .name = "layer", .row_shape = ls_shape_of_row(model->layer->shape)};
    return file;
}

static enum ls_status predict(struct ls_trained *trained, const char *path,
                              struct ls_error *error) {
    struct ls_worker *worker = &trained->worker;
    const struct ls_model *model = &worker->models[ls_worker_answering(worker)];
    struct ls_loader *loader;
    enum ls_status status = ls_trained_load(trained, LS_SOURCE_TEST, &loader, error);
    if (status != LS_OK)
        return status;
    const struct ls_predictions_options file = describe_file(trained, model, path);
    struct writer writer = {.width = ls_shape_row_count(model->output->shape)};
    if (file.count > 1 && file.sets[1].integer)
        writer.labels = ls_calloc((size_t)trained->run.config.train.batch, sizeof *writer.labels);
    status = ls_predictions_create(&writer.predictions, &file, error);
    if (status == LS_OK) {
        struct ls_error ignored;
        status = ls_worker_predict(worker, loader, write_rows, &writer, error);
        const enum ls_status closed = ls_predictions_close(writer.predictions, status == LS_OK,
                                                           status == LS_OK ? error : &ignored);
        if (status == LS_OK)
            status = closed;
    }
    free(writer.labels);
    ls_loader_destroy(loader);
    if (status == LS_OK)
        printf("%s: %llu rows, outputs of step %llu\n", path, (unsigned long long)file.rows,
               (unsigned long long)trained->run.state.step);
    return status;
}

static enum ls_status check_options(const struct predict_options *wanted, struct ls_error *error) {
    if (wanted->data[0] && wanted->out[0])
        return LS_OK;
    return ls_fail(
        error, LS_INVALID,
        "predict: %s is missing\nusage: lockstep predict %s\nsee `lockstep help predict`",
        wanted->data[0] ? "--out FILE.h5" : "--data FILE", usage);
}

static int run_predict(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct predict_options *wanted = given;
    struct ls_error error;
    struct ls_trained trained;
    enum ls_status status = check_options(wanted, &error);
    const struct ls_trained_options what = {.run = arguments[0],
                                            .file = wanted->data,
                                            .answers = true,
                                            .layer = wanted->layer[0] ? wanted->layer : NULL,
                                            .threads = wanted->threads};
    if (status == LS_OK)
        status = ls_trained_open(&trained, &what, &error);
    if (status != LS_OK)
        return ls_command_fail(&error);
    status = predict(&trained, wanted->out, &error);
    ls_trained_close(&trained);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_predict = {
    .name = "predict",
    .usage = usage,
    .help = "a run's model on other data",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_predict,
    .options_size = sizeof(struct predict_options),
};
