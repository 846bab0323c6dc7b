/* What a method is used on: a feed of the run's model, and a layer, by name or by the method's
 * rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/explain/explain.h"
#include "launcher/command/options.h"

const struct ls_model *ls_subject_scout(const struct ls_subject *subject) {
    const struct ls_worker *worker = &subject->trained.worker;
    return &worker->models[ls_worker_answering(worker)];
}

/* The feed that is explained, among those that the model reads. */
enum ls_status ls_subject_find_feed(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_model *model = ls_subject_scout(subject);
    const struct ls_feed *feeds = subject->trained.data.feeds;
    const char *wanted = subject->wanted->input, *names[LS_FEEDS_MAX];
    const char *name = wanted[0] ? wanted : "inputs";
    int count = 0, found = -1;
    for (int i = 0; i < model->input_count; i++) {
        if (!model->inputs[i].value->data)
            continue; /* nobody reads it */
        names[count++] = feeds[model->inputs[i].feed].name;
        if (!strcmp(names[count - 1], name) || (!wanted[0] && count == 1))
            found = model->inputs[i].feed;
    }
    char hint[160];
    if (!count)
        return ls_fail(error, LS_INVALID, "explain: the model of this run takes no data");
    if (wanted[0] && (found < 0 || strcmp(feeds[found].name, wanted) != 0))
        return ls_fail(error, LS_INVALID, "--input: the model takes no feed '%.60s'%s", wanted,
                       ls_did_you_mean(wanted, names, count, "", hint, sizeof hint));
    subject->feed = found;
    return LS_OK;
}

/* Where the feed is indices, the layer that makes numbers of them. */
enum ls_status ls_subject_find_embedding(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_model *model = ls_subject_scout(subject);
    const struct ls_value *input = NULL;
    for (int i = 0; i < model->input_count; i++)
        if (model->inputs[i].feed == subject->feed)
            input = model->inputs[i].value;
    if (!input || input->type == LS_TYPE_REAL || !subject->method->gradients)
        return LS_OK;
    for (int i = 0; i < ls_graph_node_count(model->graph); i++) {
        const struct ls_node *node = ls_graph_node_at(model->graph, i);
        if (strcmp(node->op->name, "embedding") != 0 || node->inputs[0] != input)
            continue;
        const struct ls_parameter *table = node->inputs[1]->parameter;
        const struct ls_worker *worker = &subject->trained.worker;
        float *plain = ls_calloc((size_t)ls_shape_count(table->shape), sizeof *plain);
        ls_parameter_fetch(table, worker->flat + table->offset, plain);
        subject->table = plain;
        if (table->layout == LS_LAYOUT_PANELS) { /* [width, words]: that of an output layer */
            const int64_t width = table->shape.dims[0], words = table->shape.dims[1];
            subject->table = ls_calloc((size_t)(width * words), sizeof *plain);
            for (int64_t k = 0; k < width * words; k++)
                subject->table[k % words * width + k / words] = plain[k];
            free(plain);
        }
        snprintf(subject->embedding, sizeof subject->embedding, "%s", node->name);
        return LS_OK;
    }
    return ls_fail(error, LS_INVALID,
                   "%s: the feed %s is indices, and no embedding makes numbers of them",
                   subject->method->name, subject->trained.data.feeds[subject->feed].name);
}

static bool is_convolution(const struct ls_node *node) {
    return !strcmp(node->op->name, "conv2d") || !strcmp(node->op->name, "conv_transpose2d");
}

static bool has_weights(const struct ls_node *node) {
    for (int k = 0; k < node->input_count; k++)
        if (node->inputs[k] && node->inputs[k]->parameter)
            return true;
    return false;
}

/* The path of the layer that the rule means; NULL: the model has none. */
static const char *find_by_rule(const struct ls_graph *graph, enum ls_layer_rule rule) {
    const char *found = NULL;
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        const struct ls_value *before = node->input_count ? node->inputs[0] : NULL;
        if (rule == LS_LAYER_LAST_CONVOLUTION && is_convolution(node))
            found = node->name;
        if (rule == LS_LAYER_LAST_HIDDEN && has_weights(node) && before && before->producer &&
            strcmp(before->producer->op->name, "standardise") != 0) /* that is the input yet */
            found = before->name;
        if (rule == LS_LAYER_FIRST_WEIGHTS && !found &&
            (is_convolution(node) || !strcmp(node->op->name, "linear")))
            found = node->name;
    }
    return found;
}

/* The layer that has prototypes: the model that answers may do without it, but not without its
 * parameter. */
static const char *find_prototypes(struct ls_subject *subject) {
    static const char end[] = ".prototypes";
    const struct ls_parameter_set *set = subject->trained.worker.parameters;
    for (int i = 0; i < set->count; i++) {
        const char *name = set->items[i]->name;
        const size_t length = strlen(name);
        if (length > strlen(end) && !strcmp(name + length - strlen(end), end)) {
            snprintf(subject->layer, sizeof subject->layer, "%.*s", (int)(length - strlen(end)),
                     name);
            return subject->layer;
        }
    }
    return NULL;
}

/* Whether a parameter is called by the layer's name. */
static bool has_own_weights(const struct ls_subject *subject, const char *layer) {
    const struct ls_parameter_set *set = subject->trained.worker.parameters;
    const size_t length = strlen(layer);
    for (int i = 0; i < set->count; i++)
        if (!strncmp(set->items[i]->name, layer, length) && set->items[i]->name[length] == '.' &&
            set->items[i]->shape.rank > 1)
            return true;
    return false;
}

/* The layer that the method looks at: the one that is named, or that of its rule. */
enum ls_status ls_subject_find_layer(struct ls_subject *subject, struct ls_error *error) {
    static const char *const missing[] = {[LS_LAYER_LAST_CONVOLUTION] = "convolution",
                                          [LS_LAYER_LAST_HIDDEN] =
                                              "layer before its last one with weights",
                                          [LS_LAYER_FIRST_WEIGHTS] = "convolution or linear layer",
                                          [LS_LAYER_PROTOTYPES] = "layer prototypes"};
    const struct ls_explain_method *method = subject->method;
    const char *wanted = subject->wanted->layer;
    if (method->layer == LS_LAYER_UNUSED && wanted[0])
        return ls_fail(error, LS_INVALID, "--layer: %s looks at no layer", method->name);
    if (wanted[0] && method->layer == LS_LAYER_FIRST_WEIGHTS && !has_own_weights(subject, wanted))
        return ls_fail(error, LS_INVALID, "%s: the layer '%.200s' has no weights of its own",
                       method->name, wanted);
    if (!wanted[0] && (method->layer == LS_LAYER_UNUSED || method->layer == LS_LAYER_OUTPUT))
        return LS_OK;
    if (method->layer == LS_LAYER_CONCEPTS)
        return ls_subject_find_concepts(subject, error);
    const char *found = wanted[0] ? wanted
                        : method->layer == LS_LAYER_PROTOTYPES
                            ? find_prototypes(subject)
                            : find_by_rule(ls_subject_scout(subject)->graph, method->layer);
    if (!found)
        return ls_fail(error, LS_INVALID, "%s: the model has no %s; name a layer with --layer",
                       method->name, missing[method->layer]);
    if (found != subject->layer)
        snprintf(subject->layer, sizeof subject->layer, "%.*s", LS_NAME_MAX - 1, found);
    return LS_OK;
}
