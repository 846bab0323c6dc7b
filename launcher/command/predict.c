/* lockstep predict: a run's model on other data, written to a file. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/layers/layer.h"
#include "io/file.h"
#include "io/predictions.h"
#include "launcher/command/answers.h"
#include "launcher/command/piped.h"
#include "launcher/command/run_options.h"
#include "launcher/command/trained.h"
#include "launcher/exit_codes.h"

struct predict_options {
    char data[LS_TEXT_MAX], layer[LS_TEXT_MAX], out[LS_TEXT_MAX];
    int64_t threads;
    bool logits;
};

static const char usage[] =
    "RUN --data FILE --out FILE.h5|.csv|.npy [--logits] [--layer NAME] [--threads T]";

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
    {.field = {.name = "logits",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct predict_options, logits),
               .initial = "false",
               .help = "writes /logits, too, which the probabilities are made from"}},
    {.field = {.name = "out",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct predict_options, out),
               .help = "the file to write"}},
    LS_OPTION_THREADS(struct predict_options),
};

struct writer {
    struct ls_predictions *predictions;
    enum ls_answer_kind kind;
    bool logits, spread;  /* spread: the one probability of two classes is written as two */
    int64_t width;        /* outputs of a row */
    int64_t last;         /* of those that belong together */
    float *probabilities; /* or the outputs in the units of the data */
    struct ls_units units;
    double *values;   /* the outputs then, in the units of the data */
    int32_t *classes; /* NULL: no classification */
};

/* From standardised targets to those of the data. */
static void restore(struct writer *writer, const float *outputs, int64_t count) {
    const struct ls_units *units = &writer->units;
    for (int64_t i = 0; i < count && units->scales; i++) {
        const int64_t place = i % writer->width;
        const double value =
            (double)outputs[i] / (double)units->scales[place] + units->means[place];
        writer->probabilities[i] = (float)value;
        writer->values[i] = value;
    }
}

/* In the order of the file's sets: see describe_sets. */
static enum ls_status write_rows(void *context, const struct ls_answer *answer,
                                 struct ls_error *error) {
    struct writer *writer = context;
    const void *data[LS_PREDICTIONS_MAX];
    int count = 0;
    const int64_t values = answer->rows * writer->width;
    if (writer->classes) {
        ls_answer_classify(answer->outputs, answer->rows, writer->width, writer->classes);
        data[count++] = writer->classes;
    }
    if (writer->kind == LS_ANSWER_SIGMOID)
        ls_answer_sigmoid(answer->outputs, values, writer->spread, writer->probabilities);
    for (int64_t at = 0; at < values && writer->kind == LS_ANSWER_SOFTMAX; at += writer->last)
        ls_answer_softmax(answer->outputs + at, writer->last, writer->probabilities + at);
    restore(writer, answer->outputs, values);
    data[count++] = writer->units.centred ? (const void *)writer->values
                    : writer->kind == LS_ANSWER_VALUES && !writer->units.scales
                        ? answer->outputs
                        : writer->probabilities;
    if (writer->logits)
        data[count++] = answer->outputs;
    if (answer->layer)
        data[count++] = answer->layer;
    return ls_predictions_append(writer->predictions, data, answer->rows, error);
}

/* Names of a row's values, with `prefix` in front: classes, or what is predicted. *count of them,
 * owned by the caller. */
static char **name_values(const struct ls_schema *schema, bool classes, int64_t width,
                          const char *prefix) {
    char **names = ls_calloc((size_t)width, sizeof *names);
    const struct ls_schema_column *known = ls_schema_classes(schema);
    int column = 0;
    for (int64_t i = 0; i < width; i++) {
        while (column < schema->count && schema->columns[column].role != LS_ROLE_TARGET)
            column++;
        const bool target = !classes && column < schema->count;
        if (classes && known && i < known->word_count)
            LS_ASSERT(asprintf(&names[i], "%s%s", prefix, known->words[i]) >= 0, "out of memory");
        else if (target)
            LS_ASSERT(asprintf(&names[i], "%s%s", prefix, schema->columns[column++].name) >= 0,
                      "out of memory");
        else if (classes || width > 1)
            LS_ASSERT(asprintf(&names[i], "%s%s%" PRId64, prefix, classes ? "" : "target",
                               classes ? i : i + 1) >= 0,
                      "out of memory");
        else
            LS_ASSERT(asprintf(&names[i], "%starget", prefix) >= 0, "out of memory");
    }
    return names;
}

/* All that the file's options borrow. */
struct names {
    char **classes, **outputs, **logits;
    int class_count, output_count, logit_count;
    struct ls_row_names rows;
    char step[24], digest[LS_HASH_TEXT_MAX];
};

static void clear_names(struct names *names) {
    ls_schema_free_names(names->classes, names->class_count);
    ls_schema_free_names(names->outputs, names->output_count);
    ls_schema_free_names(names->logits, names->logit_count);
    ls_row_names_clear(&names->rows);
}

/* Classes, where the model classifies; outputs; logits and the layer, where they were asked for. */
static void describe_sets(const struct ls_trained *trained, const struct ls_model *model,
                          struct writer *writer, struct names *names,
                          struct ls_predictions_options *file) {
    const struct ls_schema *schema = &trained->data.schema;
    struct ls_shape shape = ls_shape_of_row(model->output->shape);
    const bool flat = shape.rank < 2, table = ls_path_ends(file->path, ".csv");
    const bool classes = flat && (writer->kind == LS_ANSWER_SOFTMAX ||
                                  (writer->kind == LS_ANSWER_SIGMOID && writer->width == 1));
    writer->spread = table && classes && writer->width == 1;
    names->class_count = (int)(writer->width > 1 ? writer->width : 2);
    names->output_count = (int)(writer->spread ? 2 : writer->width);
    names->logit_count = (int)writer->width;
    if (flat) {
        const char *prefix = !table || writer->kind == LS_ANSWER_VALUES ? "" : "p_";
        names->classes = name_values(schema, true, names->class_count, "");
        names->outputs =
            name_values(schema, classes && names->output_count > 1, names->output_count, prefix);
        names->logits = name_values(schema, classes && writer->width > 1, names->logit_count,
                                    table ? "logit_" : "");
    }
    if (classes)
        file->sets[file->count++] =
            (struct ls_prediction_set){.name = "classes",
                                       .integer = true,
                                       .names = (const char *const *)names->classes,
                                       .name_count = names->class_count};
    if (writer->logits)
        file->sets[file->count + 1] =
            (struct ls_prediction_set){.name = "logits",
                                       .row_shape = shape,
                                       .names = (const char *const *)names->logits,
                                       .name_count = names->logit_count};
    if (writer->spread)
        shape = LS_SHAPE(2);
    file->sets[file->count++] =
        (struct ls_prediction_set){.name = "outputs",
                                   .row_shape = shape,
                                   .wide = writer->units.centred,
                                   .names = (const char *const *)names->outputs,
                                   .name_count = names->output_count};
    file->count += writer->logits;
    if (model->layer)
        file->sets[file->count++] = (struct ls_prediction_set){
            .name = "layer", .row_shape = ls_shape_of_row(model->layer->shape)};
}

/* Where the predictions come from. */
static void describe_origin(const struct ls_trained *trained, const struct predict_options *wanted,
                            const char *run, struct writer *writer, struct names *names,
                            struct ls_predictions_options *file) {
    const struct ls_worker *worker = &trained->worker;
    snprintf(names->step, sizeof names->step, "%" PRIu64, trained->run.state.step);
    ls_hash_text(ls_parameters_digest(worker->parameters, worker->flat), names->digest);
    const struct ls_prediction_note notes[] = {
        {"run", run},
        {"step", names->step},
        {"digest", names->digest},
        {"input", wanted->data},
        {"outputs", writer->kind == LS_ANSWER_VALUES ? "values" : "probabilities"}};
    file->note_count = (int)(sizeof notes / sizeof *notes);
    memcpy(file->notes, notes, sizeof notes);
    const struct ls_schema_column *id = ls_schema_role(&trained->data.schema, LS_ROLE_ID);
    file->row_names = &names->rows;
    file->id_name = id ? id->name : "id";
}

static enum ls_status run_model(struct ls_trained *trained,
                                const struct ls_predictions_options *file, struct writer *writer,
                                struct ls_error *error) {
    struct ls_loader *loader;
    enum ls_status status = ls_trained_load(trained, LS_SOURCE_TEST, &loader, error);
    if (status != LS_OK)
        return status;
    status = ls_predictions_create(&writer->predictions, file, error);
    if (status == LS_OK) {
        struct ls_error ignored;
        status = ls_worker_predict(&trained->worker, loader, write_rows, writer, error);
        const enum ls_status closed = ls_predictions_close(writer->predictions, status == LS_OK,
                                                           status == LS_OK ? error : &ignored);
        if (status == LS_OK)
            status = closed;
    }
    ls_loader_destroy(loader);
    return status;
}

static enum ls_status predict(struct ls_trained *trained, const struct predict_options *wanted,
                              const char *run, struct ls_error *error) {
    const struct ls_worker *worker = &trained->worker;
    const struct ls_model *model = &worker->models[ls_worker_answering(worker)];
    const size_t batch = (size_t)trained->run.config.train.batch;
    struct writer writer = {.width = ls_shape_row_count(model->output->shape),
                            .last = ls_shape_last(ls_shape_of_row(model->output->shape)),
                            .logits = wanted->logits};
    struct ls_predictions_options file = {.path = wanted->out,
                                          .rows = trained->data.parts[LS_SOURCE_TEST].count};
    struct names names = {0};
    writer.kind = ls_answer_of(&trained->run.config, writer.last);
    if (wanted->logits && writer.kind == LS_ANSWER_VALUES)
        return ls_fail(error, LS_INVALID,
                       "--logits: the outputs of this run's model are values, not classes");
    enum ls_status status =
        ls_row_names_load(&names.rows, trained->data.datasets[LS_SOURCE_TEST], error);
    if (status != LS_OK)
        return status;
    if (writer.kind == LS_ANSWER_VALUES)
        status = ls_trained_load_units(trained, writer.width, &writer.units, error);
    describe_sets(trained, model, &writer, &names, &file);
    describe_origin(trained, wanted, run, &writer, &names, &file);
    writer.probabilities = ls_calloc(batch * (size_t)writer.width * 2, sizeof(float));
    if (writer.units.scales)
        writer.values = ls_calloc(batch * (size_t)writer.width, sizeof *writer.values);
    if (file.sets[0].integer)
        writer.classes = ls_calloc(batch, sizeof *writer.classes);
    if (status == LS_OK)
        status = run_model(trained, &file, &writer, error);
    free(writer.probabilities);
    free(writer.values);
    ls_units_clear(&writer.units);
    free(writer.classes);
    clear_names(&names);
    if (status == LS_OK)
        printf("%s: %llu rows, outputs of step %llu\n", wanted->out, (unsigned long long)file.rows,
               (unsigned long long)trained->run.state.step);
    return status;
}

static enum ls_status check_options(const struct predict_options *wanted, struct ls_error *error) {
    if (wanted->data[0] && wanted->out[0])
        return ls_predictions_check(wanted->out, error);
    return ls_fail(
        error, LS_INVALID,
        "predict: %s is missing\nusage: lockstep predict %s\nsee `lockstep help predict`",
        wanted->data[0] ? "--out FILE" : "--data FILE", usage);
}

static int run_predict(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct predict_options *wanted = given;
    struct ls_error error;
    struct ls_trained trained = {0};
    struct ls_piped piped = {0};
    enum ls_status status = check_options(wanted, &error);
    if (status == LS_OK)
        status = ls_piped_take(&piped, wanted->data, &error);
    const struct ls_trained_options what = {.run = arguments[0],
                                            .file = piped.source,
                                            .cache = piped.folder[0] ? piped.folder : NULL,
                                            .answers = true,
                                            .layer = wanted->layer[0] ? wanted->layer : NULL,
                                            .threads = wanted->threads};
    if (status == LS_OK)
        status = ls_trained_open(&trained, &what, &error);
    ls_piped_remove(&piped); /* what is open stays readable */
    if (status == LS_OK) {
        status = predict(&trained, wanted, arguments[0], &error);
        ls_trained_close(&trained);
    }
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_predict = {
    .name = "predict",
    .usage = usage,
    .help = "a run's model on other data",
    .details =
        "FILE.h5 has /outputs (probabilities, where classes or labels are learned), /classes "
        "and /ids; FILE.csv a line\n"
        "for each row; FILE.npy the outputs. --data with - in place of a file reads standard "
        "input; alone it is csv.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_predict,
    .options_size = sizeof(struct predict_options),
};
