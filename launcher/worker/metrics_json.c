#include "launcher/worker/metrics_json.h"

#include <stdio.h>

#include "core/tasks/classes.h"
#include "io/json.h"
#include "launcher/worker/class_names.h"

static json_t *print_class(struct ls_class_counts counts) {
    const struct ls_class_scores scores = ls_classes_score(counts);
    return json_pack("{s:f s:f s:f s:I}", "precision", scores.precision, "recall", scores.recall,
                     "f1", scores.f1, "support", (json_int_t)counts.labelled);
}

static json_t *print_classes(const struct ls_judged *judged, char *const *names) {
    json_t *object = json_object();
    for (int k = 0; k < judged->classes; k++)
        json_object_set_new(object, names[k], print_class(judged->counts[k]));
    return object;
}

static json_t *print_confusion(const struct ls_judged *judged) {
    const int count = judged->classes;
    json_t *rows = json_array();
    for (int i = 0; i < count; i++) {
        json_t *row = json_array();
        for (int j = 0; j < count; j++)
            json_array_append_new(row, json_integer((json_int_t)judged->confusion[i * count + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void add_judged(json_t *object, const struct ls_judged *judged, const struct ls_data *data) {
    char key[LS_METRIC_NAME_MAX + 16];
    char **names = ls_class_names(data, judged->target, judged->classes, NULL);
    snprintf(key, sizeof key, "%sclasses", judged->prefix);
    if (judged->counts)
        json_object_set_new(object, key, print_classes(judged, names));
    snprintf(key, sizeof key, "%sconfusion", judged->prefix);
    if (judged->confusion)
        json_object_set_new(object, key, print_confusion(judged));
    ls_schema_free_names(names, judged->classes);
}

json_t *ls_metrics_json(const struct ls_metrics *metrics, const struct ls_data *data) {
    json_t *object = json_object();
    for (int i = 0; i < metrics->count; i++)
        json_object_set_new(object, metrics->items[i].name,
                            ls_json_number(metrics->items[i].value));
    for (int i = 0; i < metrics->judged_count; i++)
        add_judged(object, &metrics->judged[i], data);
    return object;
}
