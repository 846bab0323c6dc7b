#include "launcher/explain/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/column_names.h"
#include "io/file.h"
#include "launcher/worker/class_names.h"

/* The run's words of a column; none: an empty vocabulary. */
static void load_words(const struct ls_subject *subject, const char *column,
                       struct ls_vocabulary *words) {
    char path[LS_TEXT_MAX];
    struct ls_error ignored;
    bool found = false;
    if (!ls_file_exists(ls_vocabulary_path(subject->run, path)))
        return;
    if (ls_vocabularies_load(words, path, column, &found, &ignored) == LS_OK && !found)
        (void)!ls_vocabularies_load(words, path, NULL, &found, &ignored);
}

/* Those that the data gives, or the tokens that are answered. */
static void load_classes(struct ls_names *names, const struct ls_subject *subject) {
    const struct ls_data *data = &subject->trained.data;
    const struct ls_feed *targets = ls_data_feed(data, "targets");
    const int count = (int)ls_target_count(&subject->explainer, &subject->target);
    bool named;
    names->classes = ls_class_names(data, "targets", names->class_count = count, &named);
    if (named)
        return;
    ls_schema_free_names(names->classes, count);
    names->classes = NULL;
    struct ls_vocabulary words = {0};
    if (targets && subject->target.classifies)
        load_words(subject, data->options[subject->role][targets - data->feeds].column, &words);
    if (words.count == count) {
        names->classes = ls_calloc((size_t)count, sizeof *names->classes);
        for (int k = 0; k < count; k++)
            names->classes[k] = ls_strdup(words.texts[k]);
    }
    ls_vocabulary_clear(&words);
}

/* As the dataset says it, or what the run knows of its table. */
static void load_columns(struct ls_names *names, const struct ls_subject *subject) {
    const struct ls_data *data = &subject->trained.data;
    const struct ls_feed *feed = &data->feeds[subject->feed];
    const struct ls_part *part = &data->parts[subject->role];
    struct ls_error ignored;
    if (feed->shape.rank < 1 || subject->model.explained->type != LS_TYPE_REAL ||
        subject->embedding[0])
        return;
    if (ls_column_names(ls_dataset_path(part->dataset),
                        data->options[subject->role][subject->feed].column, &names->columns,
                        &names->column_count, &ignored) == LS_OK &&
        !names->columns && data->schema.count && !strcmp(feed->name, "inputs"))
        names->column_count = ls_schema_inputs(&data->schema, &names->columns, NULL);
    if (names->column_count == ls_shape_last(feed->shape))
        return;
    ls_schema_free_names(names->columns, names->column_count);
    names->columns = NULL;
    names->column_count = 0;
}

void ls_names_load(struct ls_names *names, const struct ls_subject *subject) {
    const struct ls_data *data = &subject->trained.data;
    *names = (struct ls_names){0};
    load_words(subject, data->options[subject->role][subject->feed].column, &names->words);
    load_classes(names, subject);
    load_columns(names, subject);
}

void ls_names_clear(struct ls_names *names) {
    ls_vocabulary_clear(&names->words);
    ls_schema_free_names(names->classes, names->classes ? names->class_count : 0);
    ls_schema_free_names(names->columns, names->column_count);
    *names = (struct ls_names){0};
}

const char *ls_names_class(const struct ls_names *names, int64_t k, char number[32]) {
    if (names->classes && k >= 0 && k < names->class_count)
        return !strcmp(names->classes[k], "\n")  ? "end of line"
               : !strcmp(names->classes[k], " ") ? "blank"
                                                 : names->classes[k];
    snprintf(number, 32, "%" PRId64, k);
    return number;
}

int64_t ls_subject_positions(const struct ls_subject *subject) {
    const struct ls_shape row = ls_shape_of_row(subject->model.output->shape);
    return subject->target.classifies ? ls_shape_count(row) / ls_shape_last(row) : 1;
}

const char *ls_names_position(const struct ls_subject *subject, char text[32]) {
    const int64_t position = subject->target.position;
    snprintf(text, 32, "%" PRId64, position);
    return ls_subject_positions(subject) == 1 ? "" : position < 0 ? "last" : text;
}

const char *ls_names_elements(const struct ls_subject *subject, char *text, size_t size) {
    const struct ls_shape row = ls_shape_of_row(subject->model.output->shape);
    const int64_t outputs = ls_shape_count(row), classes = ls_shape_last(row);
    if (!subject->target.classifies && outputs > 1)
        snprintf(text, size, "output; -1: the mean of all %" PRId64, outputs);
    else if (!subject->target.classifies)
        snprintf(text, size, "output");
    else if (classes > 1)
        snprintf(text, size, "%s", outputs > classes ? "position * classes + class" : "class");
    else
        snprintf(text, size, "%s: the one logit, of class 0 its negative",
                 outputs > 1 ? "position" : "0");
    return text;
}

const char *ls_names_number(const struct ls_names *names, int64_t k, char text[LS_TEXT_MAX]) {
    char number[32];
    snprintf(text, LS_TEXT_MAX, "%" PRId64, k);
    const char *name = ls_names_class(names, k, number);
    if (strcmp(name, text) != 0)
        snprintf(text, LS_TEXT_MAX, "%" PRId64 " (%.200s)", k, name);
    return text;
}

const char *ls_names_explained(const struct ls_names *names, const struct ls_subject *subject,
                               char *text, size_t size) {
    const struct ls_target *target = &subject->target;
    const int64_t outputs = ls_target_count(&subject->explainer, target);
    char class[LS_TEXT_MAX], position[32];
    if (target->kind == LS_TARGET_CLASS)
        snprintf(text, size, "%s %s", target->classifies ? "the logit of class" : "output",
                 ls_names_number(names, target->class, class));
    else if (target->classifies)
        snprintf(text, size, "the logit of the %s",
                 target->kind == LS_TARGET_LABEL ? "label" : "predicted class");
    else if (outputs > 1)
        snprintf(text, size, "the mean of %" PRId64 " outputs", outputs);
    else
        snprintf(text, size, "the output");
    const size_t used = strlen(text);
    if (ls_subject_positions(subject) == 1)
        snprintf(text + used, size - used, "%s",
                 subject->units.scales ? ", in the units of the targets" : "");
    else if (target->position < 0)
        snprintf(text + used, size - used, " at the last position");
    else
        snprintf(text + used, size - used, " at position %s", ls_names_position(subject, position));
    return text;
}
