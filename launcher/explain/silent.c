/* Explanations that say nothing: samples whose attributions are all zero, as Grad-CAM's are where
 * no channel speaks for the value. */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "launcher/explain/explain.h"

bool ls_explain_silent(const struct ls_subject *subject, char *const *arrays, int64_t n) {
    const struct ls_result *result = &subject->results.items[0];
    const int64_t width = ls_shape_count(result->row_shape);
    const float *values = (const float *)(const void *)arrays[0] + n * width;
    if (subject->method->units || result->wide || strcmp(result->name, "attributions") != 0)
        return false;
    for (int64_t i = 0; i < width; i++)
        if (values[i] != 0)
            return false;
    return true;
}

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

/* The activation behind a layer: what it makes is above zero where the layer speaks. NULL: none. */
static const char *find_activation(const struct ls_graph *graph, const struct ls_value *value) {
    static const char *const passed[] = {"batch_norm", "group_norm", "layer_norm", "add", NULL};
    static const char *const wanted[] = {"relu", "leaky_relu", "elu", "gelu", "silu", NULL};
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        bool takes = false;
        for (int k = 0; k < node->input_count; k++)
            takes = takes || node->inputs[k] == value;
        if (takes && is_one_of(node->op->name, wanted))
            return node->name;
        if (takes && is_one_of(node->op->name, passed))
            value = node->output;
    }
    return NULL;
}

void ls_explain_say_silent(const struct ls_subject *subject, int64_t count) {
    const char *name =
        subject->model.layer ? find_activation(subject->model.graph, subject->model.layer) : NULL;
    char hint[LS_NAME_MAX + 64] = "";
    if (!count)
        return;
    if (name)
        snprintf(hint, sizeof hint, ", as --layer %s, the activation behind it", name);
    ls_log(LS_LOG_WARNING,
           "%lld of %lld samples: all attributions are zero, no part speaks for the explained "
           "value%s%s%s",
           (long long)count, (long long)subject->rows,
           subject->model.layer ? "; name another layer than " : "",
           subject->model.layer ? subject->layer : "", hint);
}
