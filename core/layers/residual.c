/* residual: y = activation(body(x) + shortcut(x)), and the shortcut without parameters (He et al.
 * 2016). */
#include "core/layers/list.h"

enum { BODY, SHORTCUT };
enum { ACTIVATION_NONE, ACTIVATION_RELU };

struct residual_options {
    int activation;
};

static const char *const activation_names[] = {
    [ACTIVATION_NONE] = "none", [ACTIVATION_RELU] = "relu", NULL};

static const struct ls_field residual_items[] = {
    {.name = "activation",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct residual_options, activation),
     .initial = "relu",
     .choices = activation_names,
     .help = "after the sum"},
};

static struct ls_value *add(struct ls_graph *graph, struct ls_value *body,
                            struct ls_value *shortcut, bool identity) {
    if (ls_shape_equal(body->shape, shortcut->shape))
        return ls_add(graph, body, shortcut);
    char body_text[LS_SHAPE_TEXT_MAX], shortcut_text[LS_SHAPE_TEXT_MAX];
    return ls_graph_fail(graph, "the body ends in %s, %s in %s: %s",
                         ls_shape_print(ls_shape_of_row(body->shape), body_text),
                         identity ? "its input is" : "the shortcut ends",
                         ls_shape_print(ls_shape_of_row(shortcut->shape), shortcut_text),
                         identity ? "give it a shortcut that ends in the body's shape"
                                  : "the two must be equal to be added");
}

static struct ls_value *build_residual(struct ls_builder *builder, struct ls_value *x,
                                       const struct ls_layer_spec *spec) {
    const struct residual_options *options = spec->options;
    struct ls_value *body = ls_layers_build(builder, x, &spec->branches[BODY]);
    ls_graph_push(builder->graph, "shortcut");
    struct ls_value *shortcut = ls_layers_build(builder, x, &spec->branches[SHORTCUT]);
    ls_graph_pop(builder->graph);
    if (!body || !shortcut)
        return NULL;
    struct ls_value *y = add(builder->graph, body, shortcut, !spec->branches[SHORTCUT].count);
    return y && options->activation == ACTIVATION_RELU ? ls_relu(builder->graph, y) : y;
}

static const char *const residual_branches[] = {[BODY] = "body", [SHORTCUT] = "shortcut", NULL};

const struct ls_layer ls_layer_residual = {
    .name = "residual",
    .help = "the body's output plus the input, or plus the shortcut's output (He et al. 2016)",
    .fields = LS_LAYER_FIELDS(residual_items),
    .options_size = sizeof(struct residual_options),
    .branches = residual_branches,
    .build = build_residual,
};

struct shortcut_options {
    int64_t stride, channels;
};

static const struct ls_field shortcut_items[] = {
    {.name = "stride",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct shortcut_options, stride),
     .initial = "1",
     .min = 1,
     .max = 1024,
     .unit = "pixels",
     .help = "takes every so many pixels"},
    {.name = "channels",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct shortcut_options, channels),
     .initial = "0",
     .min = 0,
     .max = 1 << 20,
     .help = "channels afterwards, zeros on both sides; 0: as many as before"},
};

static struct ls_value *build_shortcut(struct ls_builder *builder, struct ls_value *x,
                                       const struct ls_layer_spec *spec) {
    const struct shortcut_options *options = spec->options;
    if (!ls_layer_expects(builder->graph, x, 3, 3, "images [height, width, channels]"))
        return NULL;
    return ls_shortcut(builder->graph, x, options->stride,
                       options->channels ? options->channels : ls_shape_last(x->shape));
}

const struct ls_layer ls_layer_shortcut = {
    .name = "shortcut",
    .help = "images thinned out and padded with channels of zeros: no parameters (He et al. 2016, "
            "option A)",
    .fields = LS_LAYER_FIELDS(shortcut_items),
    .options_size = sizeof(struct shortcut_options),
    .build = build_shortcut,
};
