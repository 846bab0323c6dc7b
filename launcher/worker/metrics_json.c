#include "launcher/worker/metrics_json.h"

#include <stdio.h>

#include "core/tasks/classes.h"
#include "io/json.h"

/* The k-th column of targets, if there are as many as classes. */
static const char *target_name(const struct ls_schema *schema, int classes, int k) {
    const char *name = NULL;
    int targets = 0;
    for (int c = 0; c < schema->count; c++)
        if (schema->columns[c].role == LS_ROLE_TARGET && targets++ == k)
            name = schema->columns[c].name;
    return targets == classes ? name : NULL;
}

const char *ls_class_name(const struct ls_data *data, int classes, int k, char text[16]) {
    const struct ls_schema *schema = data && data->schema.count ? &data->schema : NULL;
    const struct ls_schema_column *words = schema ? ls_schema_classes(schema) : NULL;
    const char *name = words && words->word_count == classes ? words->words[k]
                       : schema                              ? target_name(schema, classes, k)
                                                             : NULL;
    snprintf(text, 16, "%d", k);
    return name ? name : text;
}

static json_t *print_class(struct ls_class_counts counts) {
    const struct ls_class_scores scores = ls_classes_score(counts);
    return json_pack("{s:f s:f s:f s:I}", "precision", scores.precision, "recall", scores.recall,
                     "f1", scores.f1, "support", (json_int_t)counts.labelled);
}

static json_t *print_classes(const struct ls_metrics *metrics, const struct ls_data *data) {
    json_t *object = json_object();
    char text[16];
    for (int k = 0; k < metrics->classes; k++)
        json_object_set_new(object, ls_class_name(data, metrics->classes, k, text),
                            print_class(metrics->counts[k]));
    return object;
}

static json_t *print_confusion(const struct ls_metrics *metrics) {
    json_t *rows = json_array();
    for (int i = 0; i < metrics->classes; i++) {
        json_t *row = json_array();
        for (int j = 0; j < metrics->classes; j++)
            json_array_append_new(
                row, json_integer((json_int_t)metrics->confusion[i * metrics->classes + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t *ls_metrics_json(const struct ls_metrics *metrics, const struct ls_data *data) {
    json_t *object = json_object();
    for (int i = 0; i < metrics->count; i++)
        json_object_set_new(object, metrics->items[i].name,
                            ls_json_number(metrics->items[i].value));
    if (metrics->classes && metrics->counts)
        json_object_set_new(object, "classes", print_classes(metrics, data));
    if (metrics->classes && metrics->confusion)
        json_object_set_new(object, "confusion", print_confusion(metrics));
    return object;
}
