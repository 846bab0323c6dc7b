/* FOLDER/METHOD.h5, with the pictures that go with it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/predictions.h"
#include "launcher/explain/explain.h"

enum { NOTE_MAX = 4096, NOTES = 16 };

struct ls_explain_file {
    const struct ls_subject *subject;
    char path[LS_TEXT_MAX + 64];
    struct ls_predictions *predictions;
    struct ls_predictions_options *options; /* owned */
    char notes[NOTES][NOTE_MAX];
    struct ls_explain_pictures *pictures; /* owned; NULL: there are none */
    struct ls_tally *tally;               /* owned; NULL: there is nothing to count */
    char *arrays[LS_RESULTS_MAX];         /* borrowed: the last results of the method */
};

const char *ls_explain_path(const struct ls_subject *subject, const char *ending,
                            char path[LS_TEXT_MAX + 64]) {
    snprintf(path, LS_TEXT_MAX + 64, "%s/%s.%s", subject->wanted->out, subject->method->name,
             ending);
    return path;
}

static void add_set(struct ls_predictions_options *options, struct ls_prediction_set set) {
    LS_ASSERT(options->count < LS_PREDICTIONS_MAX, "%d sets", options->count);
    options->sets[options->count++] = set;
}

/* Of several, /baseline is the mean. */
static void describe_baselines(const struct ls_subject *subject,
                               struct ls_predictions_options *options) {
    const struct ls_shape row = ls_shape_of_row(subject->model.explained->shape);
    struct ls_shape all = {.rank = row.rank + 1, .dims = {subject->explainer.baseline_count}};
    memcpy(all.dims + 1, row.dims, (size_t)row.rank * sizeof *row.dims);
    add_set(options,
            (struct ls_prediction_set){.name = "baselines", .single = true, .row_shape = all});
    add_set(options,
            (struct ls_prediction_set){.name = "baseline_samples",
                                       .single = true,
                                       .integer = true,
                                       .wide = true,
                                       .row_shape = LS_SHAPE(subject->explainer.baseline_count)});
}

/* Those of the method, then what all have: in the order of ls_explain_file_append. */
static void describe_sets(const struct ls_subject *subject,
                          struct ls_predictions_options *options) {
    for (int i = 0; i < subject->results.count; i++) {
        const struct ls_result *result = &subject->results.items[i];
        add_set(options, (struct ls_prediction_set){.name = result->name,
                                                    .row_shape = result->row_shape,
                                                    .integer = result->integer,
                                                    .wide = result->wide,
                                                    .single = result->single});
    }
    if (!subject->method->units) {
        const struct ls_prediction_set common[LS_EXPLAIN_COMMON] = {
            {.name = "outputs"},
            {.name = "predicted", .integer = true},
            {.name = "elements", .integer = true},
            {.name = "samples", .integer = true, .wide = true}};
        for (int i = 0; i < LS_EXPLAIN_COMMON; i++)
            add_set(options, common[i]);
    }
    if (subject->baseline_values)
        add_set(options, (struct ls_prediction_set){
                             .name = "baseline",
                             .single = true,
                             .row_shape = ls_shape_of_row(subject->model.explained->shape)});
    if (subject->baselines)
        describe_baselines(subject, options);
}

static void print_options(const struct ls_subject *subject, char text[NOTE_MAX]) {
    if (subject->method->concepts) {
        ls_concepts_print(subject, true, text, NOTE_MAX);
        return;
    }
    const struct ls_fields *fields = &subject->method->fields;
    char value[LS_FIELD_PRINT_MAX];
    text[0] = '\0';
    for (int i = 0; i < fields->count; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, NOTE_MAX - used, "%s%s=%s", i ? " " : "", fields->items[i].name,
                 ls_field_print(&fields->items[i], subject->options, value, sizeof value));
    }
}

static void note(struct ls_explain_file *file, const char *name, const char *text) {
    struct ls_predictions_options *options = file->options;
    LS_ASSERT(options->note_count < NOTES, "%d notes", options->note_count);
    char *to = file->notes[options->note_count];
    snprintf(to, NOTE_MAX, "%s", text);
    options->notes[options->note_count++] = (struct ls_prediction_note){name, to};
}

static void describe_origin(struct ls_explain_file *file) {
    const struct ls_subject *subject = file->subject;
    const struct ls_worker *worker = &subject->trained.worker;
    char text[NOTE_MAX], digest[LS_HASH_TEXT_MAX];
    note(file, "method", subject->method->name);
    print_options(subject, text);
    note(file, "options", text);
    note(file, "run", subject->run);
    snprintf(text, sizeof text, "%" PRIu64, subject->trained.run.state.step);
    note(file, "step", text);
    ls_hash_text(ls_parameters_digest(worker->parameters, worker->flat), digest);
    note(file, "digest", digest);
    note(file, "weights", subject->wanted->weights);
    note(file, "data", subject->wanted->data);
    note(file, "part", subject->trained.given ? "data" : ls_part_name(subject->role));
    note(file, "input", subject->trained.data.feeds[subject->feed].name);
    note(file, "target", subject->wanted->target);
    note(file, "explained",
         subject->target.classifies ? "logit"
         : subject->units.scales    ? "output, in the units of the targets"
                                    : "output");
    note(file, "layer",
         subject->embedding[0] && !subject->layer[0] ? subject->embedding : subject->layer);
    if (subject->method->concepts)
        note(file, "concepts", ls_concepts_print(subject, false, text, sizeof text));
    if (subject->baseline_values)
        note(file, "baseline", ls_baseline_names[subject->baseline]);
    snprintf(text, sizeof text, "%lld", (long long)subject->wanted->seed);
    note(file, "seed", text);
}

static void free_file(struct ls_explain_file *file) {
    ls_explain_pictures_destroy(file->pictures);
    ls_tally_destroy(file->tally);
    free(file->options);
    free(file);
}

enum ls_status ls_explain_file_create(struct ls_explain_file **made, struct ls_subject *subject,
                                      struct ls_error *error) {
    struct ls_explain_file *file = *made = ls_calloc(1, sizeof *file);
    file->subject = subject;
    ls_explain_path(subject, "h5", file->path);
    file->options = ls_calloc(1, sizeof *file->options);
    file->options->path = file->path;
    file->options->rows = (uint64_t)subject->rows;
    describe_sets(subject, file->options);
    describe_origin(file);
    file->pictures = ls_explain_pictures_create(subject);
    file->tally = ls_tally_create(subject);
    const enum ls_status status = ls_predictions_create(&file->predictions, file->options, error);
    if (status != LS_OK) {
        free_file(file);
        *made = NULL;
    }
    return status;
}

enum ls_status ls_explain_file_append(struct ls_explain_file *file, char *const *arrays,
                                      int64_t rows, struct ls_error *error) {
    const struct ls_subject *subject = file->subject;
    const void *data[LS_PREDICTIONS_MAX];
    int count = subject->results.count + (subject->method->units ? 0 : LS_EXPLAIN_COMMON);
    for (int i = 0; i < count; i++)
        data[i] = arrays[i];
    if (subject->baseline_values)
        data[count++] = subject->baseline_values;
    if (subject->baselines) {
        data[count++] = subject->baselines;
        data[count++] = subject->baseline_ids;
    }
    memcpy(file->arrays, arrays, (size_t)subject->results.count * sizeof *arrays);
    if (file->tally)
        ls_tally_add(file->tally, arrays, rows);
    if (file->pictures)
        ls_explain_pictures_keep(file->pictures, arrays, rows);
    return ls_predictions_append(file->predictions, data, rows, error);
}

enum ls_status ls_explain_file_close(struct ls_explain_file *file, bool keep,
                                     struct ls_error *error) {
    enum ls_status status = ls_predictions_close(file->predictions, keep, error);
    char path[LS_TEXT_MAX + 64];
    if (keep && status == LS_OK && file->pictures)
        status = ls_explain_pictures_write(file->pictures, error);
    bool sheet = false;
    if (keep && status == LS_OK && file->subject->method->layer == LS_LAYER_PROTOTYPES)
        status = ls_prototypes_write(file->subject, file->arrays,
                                     ls_explain_path(file->subject, "png", path), &sheet, error);
    if (keep && status == LS_OK)
        printf("%s: %" PRId64 " %s, step %" PRIu64 "%s%s\n", file->path, file->subject->rows,
               file->subject->method->units ? "rows" : "samples",
               file->subject->trained.run.state.step, file->pictures || sheet ? "; " : "",
               file->pictures ? ls_explain_path(file->subject, "svg", path)
               : sheet        ? path
                              : "");
    if (keep && status == LS_OK && file->tally)
        ls_tally_print(file->tally);
    free_file(file);
    return status;
}
