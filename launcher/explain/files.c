/* FOLDER/METHOD.h5, with the pictures that go with it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/predictions.h"
#include "launcher/explain/names.h"

enum { NOTE_MAX = 4096, NOTES = 24, PICTURES = 2 };
static const char *const endings[PICTURES] = {"svg", "png"};

struct ls_explain_file {
    const struct ls_subject *subject;
    char path[LS_TEXT_MAX + 64], pictures_at[PICTURES][LS_TEXT_MAX + 64];
    const char *shown_in[PICTURES]; /* those paths */
    struct ls_names names;
    struct ls_predictions *predictions;
    struct ls_predictions_options *options; /* owned */
    char notes[NOTES][NOTE_MAX];
    struct ls_explain_pictures *pictures; /* owned; NULL: there are none */
    struct ls_tally *tally;               /* owned; NULL: there is nothing to count */
    int64_t silent;                       /* samples whose attributions are zero */
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

/* Of what samples have besides: a model of numbers predicts no class. */
enum { PREDICTED = 1 };
static bool is_written(const struct ls_subject *subject, int common) {
    return common != PREDICTED || subject->target.classifies;
}

size_t ls_explain_row_bytes(const struct ls_subject *subject, int array) {
    static const size_t common[LS_EXPLAIN_COMMON] = {sizeof(float), sizeof(int32_t),
                                                     sizeof(int32_t), sizeof(int64_t)};
    if (array >= subject->results.count)
        return common[array - subject->results.count];
    const struct ls_result *result = &subject->results.items[array];
    return (size_t)ls_shape_count(result->row_shape) * (result->wide ? 8 : 4);
}

/* A number of each column of the inputs, and not by chance as many values of a layer. */
static bool is_by_column(const struct ls_subject *subject, const struct ls_result *result) {
    const struct ls_explain_method *method = subject->method;
    if (result->integer || result->single)
        return false;
    if (method->units && method->judges) /* rows are columns */
        return result->row_shape.rank == 0;
    return ls_shape_equal(result->row_shape, ls_explainer_shape(&subject->explainer)) &&
           (!strcmp(result->name, "attributions") || method->layer == LS_LAYER_UNUSED ||
            method->layer == LS_LAYER_OUTPUT);
}

static bool is_class(const char *name) {
    static const char *const of[] = {"predicted", "classes_before", "classes_after", "labels",
                                     "nearest_classes"};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (!strcmp(name, of[i]))
            return true;
    return false;
}

static void name_columns(const struct ls_names *names, struct ls_prediction_set *set) {
    set->names = (const char *const *)names->columns;
    set->name_count = names->column_count;
    set->names_as = "columns";
}

/* Of integers what they stand for, of others what the columns are called. */
static void name_set(const struct ls_explain_file *file, const struct ls_result *result,
                     struct ls_prediction_set *set) {
    const struct ls_subject *subject = file->subject;
    const bool concepts = !strcmp(set->name, "concepts") || !strcmp(set->name, "concepts_set");
    if (is_class(set->name)) {
        set->names = (const char *const *)file->names.classes;
        set->name_count = file->names.class_count;
    } else if (result && is_by_column(subject, result))
        name_columns(&file->names, set);
    else if (concepts && subject->concepts_named) {
        set->names = (const char *const *)subject->concept_names;
        set->name_count = (int)subject->concepts.count;
        set->names_as = "columns";
    }
}

/* Of several, /baseline is the mean. */
static void describe_baselines(const struct ls_explain_file *file) {
    const struct ls_subject *subject = file->subject;
    const struct ls_shape row = ls_shape_of_row(subject->model.explained->shape);
    struct ls_shape all = {.rank = row.rank + 1, .dims = {subject->explainer.baseline_count}};
    struct ls_prediction_set mean = {.name = "baseline", .single = true, .row_shape = row};
    memcpy(all.dims + 1, row.dims, (size_t)row.rank * sizeof *row.dims);
    struct ls_prediction_set each = {.name = "baselines", .single = true, .row_shape = all};
    name_columns(&file->names, &mean);
    name_columns(&file->names, &each);
    add_set(file->options, mean);
    if (!subject->baselines)
        return;
    add_set(file->options, each);
    add_set(file->options,
            (struct ls_prediction_set){.name = "baseline_samples",
                                       .single = true,
                                       .integer = true,
                                       .wide = true,
                                       .row_shape = LS_SHAPE(subject->explainer.baseline_count)});
}

/* Those of the method, then what all have: in the order of ls_explain_file_append. */
static void describe_sets(const struct ls_explain_file *file) {
    static const struct ls_prediction_set common[LS_EXPLAIN_COMMON] = {
        {.name = "outputs"},
        {.name = "predicted", .integer = true},
        {.name = "elements", .integer = true},
        {.name = "samples", .integer = true, .wide = true}};
    const struct ls_subject *subject = file->subject;
    for (int i = 0; i < subject->results.count; i++) {
        const struct ls_result *result = &subject->results.items[i];
        struct ls_prediction_set set = {.name = result->name,
                                        .row_shape = result->row_shape,
                                        .integer = result->integer,
                                        .wide = result->wide,
                                        .single = result->single};
        name_set(file, result, &set);
        add_set(file->options, set);
    }
    for (int i = 0; i < LS_EXPLAIN_COMMON && !subject->method->units; i++) {
        struct ls_prediction_set set = common[i];
        name_set(file, NULL, &set);
        if (is_written(subject, i))
            add_set(file->options, set);
    }
    if (subject->baseline_values)
        describe_baselines(file);
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
    if (!subject->method->units || subject->method->judges) {
        snprintf(text, sizeof text, "%" PRIu64, subject->count);
        note(file, "samples", text);
        snprintf(text, sizeof text, "%" PRIu64 ":%" PRIu64, subject->first,
                 subject->first + subject->count);
        note(file, "range", text);
    }
    if (subject->method->judges)
        note(file, "metric", subject->target.classifies ? "accuracy" : "R^2");
    note(file, "target", subject->wanted->target);
    if (ls_names_position(subject, text)[0])
        note(file, "position", ls_names_position(subject, text));
    if (!subject->method->units)
        note(file, "elements", ls_names_elements(subject, text, sizeof text));
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
    ls_names_clear(&file->names);
    free(file->options);
    free(file);
}

enum ls_status ls_explain_file_create(struct ls_explain_file **made, struct ls_subject *subject,
                                      struct ls_error *error) {
    struct ls_explain_file *file = *made = ls_calloc(1, sizeof *file);
    file->subject = subject;
    ls_explain_path(subject, "h5", file->path);
    for (int i = 0; i < PICTURES; i++)
        file->shown_in[i] = ls_explain_path(subject, endings[i], file->pictures_at[i]);
    ls_names_load(&file->names, subject);
    file->options = ls_calloc(1, sizeof *file->options);
    file->options->path = file->path;
    file->options->rows = (uint64_t)subject->rows;
    file->options->shown_in = file->shown_in;
    file->options->shown_in_count = PICTURES;
    describe_sets(file);
    describe_origin(file);
    file->pictures = ls_explain_pictures_create(subject, &file->names);
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
    int count = 0;
    for (int i = 0; i < subject->results.count; i++)
        data[count++] = arrays[i];
    for (int i = 0; i < LS_EXPLAIN_COMMON && !subject->method->units; i++)
        if (is_written(subject, i))
            data[count++] = arrays[subject->results.count + i];
    if (subject->baseline_values)
        data[count++] = subject->baseline_values;
    if (subject->baselines) {
        data[count++] = subject->baselines;
        data[count++] = subject->baseline_ids;
    }
    for (int64_t n = 0; n < rows; n++)
        file->silent += ls_explain_silent(subject, arrays, n);
    if (file->tally)
        ls_tally_add(file->tally, arrays, rows);
    if (file->pictures)
        ls_explain_pictures_keep(file->pictures, arrays, rows);
    return ls_predictions_append(file->predictions, data, rows, error);
}

enum ls_status ls_explain_file_close(struct ls_explain_file *file, bool keep,
                                     struct ls_error *error) {
    enum ls_status status = ls_predictions_close(file->predictions, keep, error);
    if (keep && status == LS_OK && file->pictures)
        status = ls_explain_pictures_write(file->pictures, error);
    if (keep && status == LS_OK) {
        printf("%s: %" PRId64 " %s, step %" PRIu64 "%s%s\n", file->path, file->subject->rows,
               file->subject->method->units ? "rows" : "samples",
               file->subject->trained.run.state.step, file->pictures ? "; " : "",
               file->pictures ? file->pictures_at[0] : "");
        ls_explain_say_silent(file->subject, file->silent);
        if (file->tally)
            ls_tally_print(file->tally);
    }
    free_file(file);
    return status;
}
