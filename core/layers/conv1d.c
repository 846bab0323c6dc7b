/* conv1d: a convolution along sequences, as one of images that are one pixel high. */
#include "core/layers/fields.h"

enum { SAME, VALID, CAUSAL };

static const char *const paddings[] = {
    [SAME] = "same", [VALID] = "valid", [CAUSAL] = "causal", NULL};

struct options {
    int64_t filters, kernel, stride, dilation, groups;
    int padding;
    bool bias;
    double bias_init;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    LS_COUNT_FIELD(struct options, filters, 1 << 20, "output channels"),
    LS_INTEGER_FIELD(struct options, kernel, "3", 1, 1024, "positions that a window sees"),
    LS_INTEGER_FIELD(struct options, stride, "1", 1, 1024, "step of the window"),
    {.name = "padding",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, padding),
     .initial = "same",
     .choices = paddings,
     .help = "zeros beside the sequence: same (output = input / stride), valid (none), causal (all "
             "before it: no position sees a later one)"},
    LS_INTEGER_FIELD(struct options, dilation, "1", 1, 1024, "distance of the window's taps"),
    LS_GROUPS_FIELD(struct options),
    LS_BIAS_FIELDS(struct options, LS_CONVOLUTION_BIAS_HELP),
    LS_LAYER_INITIALISER_FIELDS(struct options, "he_normal"),
};

static void pad(const struct options *options, int64_t positions, int64_t padding[2]) {
    padding[0] = padding[1] = 0;
    if (options->padding == SAME)
        ls_pad_same(positions, options->kernel, options->stride, options->dilation, padding);
    else if (options->padding == CAUSAL)
        padding[0] = options->dilation * (options->kernel - 1);
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 2, 2, "sequences [positions, channels]") ||
        !ls_groups_divide(graph, x, options->filters, options->groups))
        return NULL;
    const bool alone = options->kernel == 1 && options->stride == 1; /* each position */
    if (ls_graph_step_positions(graph) > 0 && !alone)
        return ls_graph_fail(graph, "it looks at several positions of a sequence, and what is "
                                    "generated comes one position at a time");
    const int64_t positions = x->shape.dims[1], channels = x->shape.dims[2];
    struct ls_conv2d_options convolution = {.stride = {1, options->stride},
                                            .dilation = {1, options->dilation},
                                            .groups = options->groups};
    pad(options, positions, convolution.padding + 2);
    struct ls_value *weight = ls_layer_weight(
        graph, "weight", LS_SHAPE(1, options->kernel, channels / options->groups, options->filters),
        LS_LAYOUT_PANELS, LS_LAYER_INITIALISER(options));
    struct ls_value *bias =
        options->bias ? ls_layer_vector(graph, "bias", options->filters, options->bias_init) : NULL;
    struct ls_value *image = ls_reshape(graph, x, LS_SHAPE(1, positions, channels));
    struct ls_value *y = ls_conv2d(graph, image, weight, bias, &convolution);
    return ls_reshape(graph, y, LS_SHAPE(-1, options->filters));
}

const struct ls_layer ls_layer_conv1d = {
    .name = "conv1d",
    .help = "a window of weights moved along sequences [positions, channels]",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "filters",
    .build = build,
};
