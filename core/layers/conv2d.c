#include <string.h>

#include "core/layers/list.h"

struct options {
    int64_t filters;
    int64_t kernel[2], stride[2], dilation[2];
    char padding[LS_TEXT_MAX];
    int64_t groups;
    bool bias;
    double bias_init;
    int init;
    double init_scale;
};

static const struct ls_field items[] = {
    {.name = "filters",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, filters),
     .min = 1,
     .max = 1 << 20,
     .help = "output channels"},
    {.name = "kernel",
     .kind = LS_FIELD_PAIR,
     .offset = offsetof(struct options, kernel),
     .initial = "3",
     .min = 1,
     .max = 1024,
     .unit = "pixels",
     .help = "size of the window: one number, or [height, width]"},
    {.name = "stride",
     .kind = LS_FIELD_PAIR,
     .offset = offsetof(struct options, stride),
     .initial = "1",
     .min = 1,
     .max = 1024,
     .unit = "pixels",
     .help = "step of the window"},
    {.name = "padding",
     .kind = LS_FIELD_TEXT,
     .offset = offsetof(struct options, padding),
     .initial = "valid",
     .help = "zeros around the image: valid (none), same (output = input / stride), or pixels per "
             "side"},
    {.name = "dilation",
     .kind = LS_FIELD_PAIR,
     .offset = offsetof(struct options, dilation),
     .initial = "1",
     .min = 1,
     .max = 1024,
     .unit = "pixels",
     .help = "distance of the window's taps"},
    {.name = "groups",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, groups),
     .initial = "1",
     .min = 1,
     .max = 1 << 20,
     .help = "channels are cut into so many groups that do not see each other"},
    {.name = "bias",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, bias),
     .initial = "true",
     .help = "whether a bias is added (a batch_norm behind makes it useless)"},
    {.name = "bias_init",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, bias_init),
     .initial = "0",
     .min = -1e6,
     .max = 1e6,
     .help = "initial value of the biases"},
    LS_LAYER_INITIALISER_FIELDS(struct options, "he_normal"),
};

/* Zeros before and behind so that the output has ceil(size / stride) pixels; an odd one goes
 * behind. */
static void pad_same(int64_t size, int64_t kernel, int64_t stride, int64_t dilation,
                     int64_t padding[2]) {
    const int64_t outputs = (size + stride - 1) / stride;
    const int64_t needed = (outputs - 1) * stride + dilation * (kernel - 1) + 1;
    const int64_t total = needed > size ? needed - size : 0;
    padding[0] = total / 2;
    padding[1] = total - total / 2;
}

/* False if the text is neither a word nor one or two numbers. */
static bool read_padding(const struct options *options, struct ls_shape x, int64_t padding[4]) {
    static const struct ls_field number = {.kind = LS_FIELD_PAIR, .min = 0, .max = 1024};
    int64_t pair[2] = {0, 0};
    struct ls_error error;
    if (!strcmp(options->padding, "same")) {
        for (int axis = 0; axis < 2; axis++)
            pad_same(x.dims[1 + axis], options->kernel[axis], options->stride[axis],
                     options->dilation[axis], padding + 2 * axis);
        return true;
    }
    if (strcmp(options->padding, "valid") != 0 &&
        ls_field_parse(&number, options->padding, pair, &error) != LS_OK)
        return false;
    padding[0] = padding[1] = pair[0];
    padding[2] = padding[3] = pair[1];
    return true;
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 3, 3, "images [height, width, channels]"))
        return NULL;
    const int64_t channels = ls_shape_last(x->shape), groups = options->groups;
    if (channels % groups || options->filters % groups)
        return ls_graph_fail(
            graph, "groups: expected a divisor of %lld channels and %lld filters, found %lld",
            (long long)channels, (long long)options->filters, (long long)groups);
    struct ls_conv2d_options convolution = {.groups = groups};
    memcpy(convolution.stride, options->stride, sizeof convolution.stride);
    memcpy(convolution.dilation, options->dilation, sizeof convolution.dilation);
    if (!read_padding(options, x->shape, convolution.padding))
        return ls_graph_fail(
            graph,
            "padding: expected same, valid, or from 0 to 1024 pixels (3, or \"[3, 5]\" "
            "in quotes), found '%.60s'",
            options->padding);
    struct ls_value *weight = ls_layer_weight(
        graph, "weight",
        LS_SHAPE(options->kernel[0], options->kernel[1], channels / groups, options->filters),
        LS_LAYOUT_PANELS, options->init, options->init_scale);
    struct ls_value *bias =
        options->bias ? ls_layer_vector(graph, "bias", options->filters, options->bias_init) : NULL;
    return ls_conv2d(graph, x, weight, bias, &convolution);
}

const struct ls_layer ls_layer_conv2d = {
    .name = "conv2d",
    .help = "a window of weights moved over images [height, width, channels]",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "filters",
    .build = build,
};
