#include "launcher/import/layout.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/ops/options.h"

static bool is_one_of(const char *name, const char *const *names) {
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* Ops whose output has the elements of their first input where that has them. */
static bool keeps_places(const struct ls_node *node) {
    static const char *const ops[] = {
        "abs",         "add",     "batch_norm",    "clamp",          "dropout",
        "elu",         "exp",     "gelu",          "group_norm",     "layer_norm",
        "leaky_relu",  "log",     "multiply",      "relu",           "rms_norm",
        "scale",       "sigmoid", "silu",          "softplus",       "square",
        "standardise", "tanh",    "stop_gradient", "gaussian_noise", NULL};
    return is_one_of(node->op->name, ops) &&
           ls_shape_equal(node->inputs[0]->shape, node->output->shape);
}

static bool only_renames(const struct ls_node *node) {
    static const char *const ops[] = {"flatten", "reshape", NULL};
    return is_one_of(node->op->name, ops);
}

/* Whether its dimensions were put in another order, so that they are no image's of ours. */
static bool is_transposed(const struct ls_value *value) {
    const struct ls_node *node = value->producer;
    while (node && keeps_places(node))
        node = node->inputs[0]->producer;
    return node && !strcmp(node->op->name, "transpose");
}

/* The image [height, width, channels] that the rows of a value are, whatever shape the value has;
 * rank 0: none that PyTorch would lay out in another way. A sequence out of conv1d is one that is
 * one pixel high. */
static struct ls_shape image_of(const struct ls_value *value) {
    const struct ls_shape shape = value->shape;
    if (is_transposed(value))
        return (struct ls_shape){0};
    if (shape.rank == 4 && shape.dims[3] > 1 && shape.dims[1] * shape.dims[2] > 1)
        return ls_shape_of_row(shape);
    const struct ls_node *node = value->producer;
    if (shape.rank != 3 || !node)
        return (struct ls_shape){0};
    if (keeps_places(node))
        return image_of(node->inputs[0]);
    return only_renames(node) && node->inputs[0]->shape.rank == 4 &&
                   node->inputs[0]->shape.dims[1] == 1
               ? image_of(node->inputs[0])
               : (struct ls_shape){0};
}

/* The order of a flattened image; *image is set. */
static int64_t *order_of(struct ls_shape shape, struct ls_shape *image) {
    if (!shape.rank)
        return NULL;
    const int64_t channels = shape.dims[2], pixels = shape.dims[0] * shape.dims[1];
    int64_t *order = ls_calloc((size_t)(channels * pixels), sizeof *order);
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++)
            order[p * channels + c] = c * pixels + p;
    *image = shape;
    return order;
}

static int64_t *order_behind(const struct ls_value *value, struct ls_shape *image);

/* Rows side by side; NULL if none of them is an image. */
static int64_t *join_orders(const struct ls_node *concat, struct ls_shape *image) {
    const int64_t width = ls_shape_last(concat->output->shape);
    int64_t *all = ls_calloc((size_t)width, sizeof *all), first = 0;
    bool any = false;
    for (int i = 0; i < concat->input_count; i++) {
        const int64_t count = ls_shape_last(concat->inputs[i]->shape);
        int64_t *part = order_behind(concat->inputs[i], image);
        for (int64_t k = 0; k < count; k++)
            all[first + k] = first + (part ? part[k] : k);
        any = any || part;
        first += count;
        free(part);
    }
    if (any)
        return all;
    free(all);
    return NULL;
}

/* Of rows [N, values], by what they are made of. */
static int64_t *order_behind(const struct ls_value *value, struct ls_shape *image) {
    const struct ls_node *node = value->producer;
    if (value->shape.rank != 2 || !node)
        return NULL;
    if (only_renames(node))
        return node->inputs[0]->shape.rank == 2 ? order_behind(node->inputs[0], image)
                                                : order_of(image_of(node->inputs[0]), image);
    if (!strcmp(node->op->name, "concat"))
        return join_orders(node, image);
    return keeps_places(node) ? order_behind(node->inputs[0], image) : NULL;
}

/* The same by what becomes of them. */
static int64_t *order_ahead(const struct ls_graph *graph, const struct ls_value *value,
                            struct ls_shape *image) {
    int64_t *order = NULL;
    for (int i = 0; i < ls_graph_node_count(graph) && value->shape.rank == 2 && !order; i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        if (!node->input_count || node->inputs[0] != value)
            continue;
        if (only_renames(node) && node->output->shape.rank == 4)
            order = order_of(image_of(node->output), image);
        else if (keeps_places(node) || only_renames(node))
            order = order_ahead(graph, node->output, image);
    }
    return order;
}

/* Of rows that something makes, from either side. */
static int64_t *order_around(const struct ls_graph *graph, const struct ls_value *value,
                             struct ls_shape *image) {
    int64_t *order = order_behind(value, image);
    return order ? order : order_ahead(graph, value, image);
}

/* Whether queries and keys of an attention, the outputs of a product, are turned by positions. */
static void note_rotary(struct ls_weight_layout *layout, const struct ls_graph *graph,
                        const struct ls_value *value) {
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        if (strcmp(node->op->name, "rotary") != 0 || node->inputs[0] != value)
            continue;
        const struct ls_rotary_options *options = node->options;
        layout->turning = options->channels;
        layout->head = options->width;
    }
}

/* What input `i` of a node tells about its parameter. */
static void note(struct ls_weight_layout *layout, const struct ls_graph *graph,
                 const struct ls_node *node, int i) {
    static const char *const products[] = {"linear", "conv2d", "conv_transpose2d", "lstm", "gru",
                                           "rnn",    NULL};
    const struct ls_shape shape = node->inputs[i]->shape;
    const bool linear = !strcmp(node->op->name, "linear");
    if (shape.rank > 1 && is_one_of(node->op->name, products)) {
        layout->turned = true;
        layout->matrix = linear;
        if (linear)
            layout->inputs = order_behind(node->inputs[0], &layout->image);
    } else if (shape.rank > 1) { /* a table that linear layers share lies as theirs does */
        layout->turned =
            !strcmp(node->op->name, "embedding") && node->inputs[i]->layout == LS_LAYOUT_PANELS;
    }
    if (linear)
        note_rotary(layout, graph, node->output);
    const bool per_output = ls_shape_last(shape) == ls_shape_last(node->output->shape);
    if (linear && per_output)
        layout->outputs = order_ahead(graph, node->output, &layout->image);
    else if (shape.rank == 1 && per_output && keeps_places(node))
        layout->outputs = order_around(graph, node->output, &layout->image);
}

int ls_weight_index(const struct ls_parameter_set *set, const struct ls_parameter *parameter) {
    int i = 0;
    while (i < set->count && set->items[i] != parameter)
        i++;
    return i < set->count ? i : -1;
}

/* The first use of a parameter that tells something counts. */
static void look_at(struct ls_weight_layout *layouts, const struct ls_parameter_set *set,
                    const struct ls_graph *graph, const struct ls_node *node) {
    for (int i = 1; i < node->input_count; i++) {
        const struct ls_parameter *parameter = node->inputs[i] ? node->inputs[i]->parameter : NULL;
        const int index = parameter ? ls_weight_index(set, parameter) : -1;
        if (index < 0 || layouts[index].turned || layouts[index].outputs)
            continue;
        note(&layouts[index], graph, node, i);
    }
}

struct ls_weight_layout *ls_weight_layouts(const struct ls_parameter_set *parameters,
                                           const struct ls_model *models, int model_count) {
    struct ls_weight_layout *layouts = ls_calloc((size_t)parameters->count + 1, sizeof *layouts);
    for (int m = 0; m < model_count; m++)
        for (int n = 0; n < ls_graph_node_count(models[m].graph); n++)
            look_at(layouts, parameters, models[m].graph, ls_graph_node_at(models[m].graph, n));
    return layouts;
}

void ls_weight_layouts_free(struct ls_weight_layout *layouts, int count) {
    for (int i = 0; i < count && layouts; i++) {
        free(layouts[i].inputs);
        free(layouts[i].outputs);
    }
    free(layouts);
}

struct ls_shape ls_weight_shape(const struct ls_weight_layout *layout, struct ls_shape ours) {
    struct ls_shape theirs = ours;
    const int rank = ours.rank;
    if (!layout->turned)
        return ours;
    theirs.dims[0] = ours.dims[rank - 1];
    theirs.dims[1] = ours.dims[rank - 2];
    for (int i = 0; i < rank - 2; i++)
        theirs.dims[2 + i] = ours.dims[i];
    return theirs;
}
