/* conv2d, conv_transpose2d. */
#include <math.h>
#include <string.h>

#include "core/layers/fields.h"

struct options {
    int64_t filters;
    int64_t kernel[2], stride[2], dilation[2];
    char padding[LS_TEXT_MAX];
    int64_t groups;
    bool bias;
    double bias_init;
    int init;
    double init_scale;
    int64_t output_padding[2]; /* of conv_transpose2d */
};

static const struct ls_field items[] = {
    LS_COUNT_FIELD(struct options, filters, 1 << 20, "output channels"),
    LS_PIXELS_FIELD(struct options, kernel, "3", 1, 1024, LS_WINDOW_HELP),
    LS_PIXELS_FIELD(struct options, stride, "1", 1, 1024, "step of the window"),
    {.name = "padding",
     .kind = LS_FIELD_TEXT,
     .offset = offsetof(struct options, padding),
     .initial = "valid",
     .help = "zeros around the image (conv_transpose2d: pixels cut off around the result): valid "
             "(none), same (output = input / stride, or * stride), or pixels per side"},
    LS_PIXELS_FIELD(struct options, dilation, "1", 1, 1024, "distance of the window's taps"),
    LS_GROUPS_FIELD(struct options),
    LS_BIAS_FIELDS(struct options, LS_CONVOLUTION_BIAS_HELP),
    LS_LAYER_INITIALISER_FIELDS(struct options, "he_normal"),
    /* Last, of conv_transpose2d alone. */
    LS_PIXELS_FIELD(struct options, output_padding, "0", 0, 1023,
                    "more pixels at the bottom and the right, fewer than the stride"),
};
enum { FIELDS = sizeof items / sizeof *items };

void ls_pad_same(int64_t size, int64_t kernel, int64_t stride, int64_t dilation,
                 int64_t padding[2]) {
    const int64_t outputs = (size + stride - 1) / stride;
    const int64_t needed = (outputs - 1) * stride + dilation * (kernel - 1) + 1;
    const int64_t total = needed > size ? needed - size : 0;
    padding[0] = total / 2;
    padding[1] = total - total / 2;
}

/* padding of a convolution of images of that size; false after an error in the graph. */
static bool read_padding(struct ls_graph *graph, const struct options *options,
                         const int64_t size[2], int64_t padding[4]) {
    static const struct ls_field number = {.kind = LS_FIELD_PAIR, .min = 0, .max = 1024};
    int64_t pair[2] = {0, 0};
    struct ls_error error;
    if (!strcmp(options->padding, "same")) {
        for (int axis = 0; axis < 2; axis++)
            ls_pad_same(size[axis], options->kernel[axis], options->stride[axis],
                        options->dilation[axis], padding + 2 * axis);
        return true;
    }
    if (strcmp(options->padding, "valid") != 0 &&
        ls_field_parse(&number, options->padding, pair, &error) != LS_OK) {
        ls_graph_fail(graph,
                      "padding: expected same, valid, or from 0 to 1024 pixels (3, or \"[3, 5]\" "
                      "in quotes), found '%.60s'",
                      options->padding);
        return false;
    }
    padding[0] = padding[1] = pair[0];
    padding[2] = padding[3] = pair[1];
    return true;
}

bool ls_groups_divide(struct ls_graph *graph, const struct ls_value *x, int64_t filters,
                      int64_t groups) {
    const int64_t channels = ls_shape_last(x->shape);
    if (channels % groups == 0 && filters % groups == 0)
        return true;
    ls_graph_fail(graph, "groups: expected a divisor of %lld channels and %lld filters, found %lld",
                  (long long)channels, (long long)filters, (long long)groups);
    return false;
}

/* The options of the op for x, whose windows lie on images of size `factor` times x's; false after
 * an error in the graph. */
static bool read_options(struct ls_graph *graph, const struct options *options,
                         const struct ls_value *x, const int64_t factor[2],
                         struct ls_conv2d_options *to) {
    if (!ls_layer_expects(graph, x, 3, 3, "images [height, width, channels]"))
        return false;
    if (!ls_groups_divide(graph, x, options->filters, options->groups))
        return false;
    *to = (struct ls_conv2d_options){.groups = options->groups};
    memcpy(to->stride, options->stride, sizeof to->stride);
    memcpy(to->dilation, options->dilation, sizeof to->dilation);
    const int64_t size[2] = {x->shape.dims[1] * factor[0], x->shape.dims[2] * factor[1]};
    return read_padding(graph, options, size, to->padding);
}

static struct ls_value *make_bias(struct ls_graph *graph, const struct options *options) {
    return options->bias ? ls_layer_vector(graph, "bias", options->filters, options->bias_init)
                         : NULL;
}

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    struct ls_conv2d_options convolution;
    if (!read_options(graph, options, x, (const int64_t[]){1, 1}, &convolution))
        return NULL;
    struct ls_value *weight =
        ls_layer_weight(graph, "weight",
                        LS_SHAPE(options->kernel[0], options->kernel[1],
                                 ls_shape_last(x->shape) / options->groups, options->filters),
                        LS_LAYOUT_PANELS, LS_LAYER_INITIALISER(options));
    return ls_conv2d(graph, x, weight, make_bias(graph, options), &convolution);
}

const struct ls_layer ls_layer_conv2d = {
    .name = "conv2d",
    .help = "a window of weights moved over images [height, width, channels]",
    .fields = {items, FIELDS - 1},
    .options_size = sizeof(struct options),
    .main_field = "filters",
    .build = build,
};

/* An output sums what the windows over it bring, kernel / stride of them along an axis on average;
 * the weight's shape says it the other way round. */
static struct ls_initialiser transpose_initialiser(const struct options *options,
                                                   int64_t channels) {
    struct ls_initialiser init = LS_LAYER_INITIALISER(options);
    const double taps[2] = {(double)options->kernel[0], (double)options->kernel[1]};
    init.fan_in = (double)(channels / options->groups);
    for (int axis = 0; axis < 2; axis++)
        init.fan_in *= fmax(1, taps[axis] / (double)options->stride[axis]);
    init.fan_out = taps[0] * taps[1] * (double)options->filters;
    return init;
}

/* output_padding along an axis; for `same` the pixels that no window reaches although input *
 * stride are asked for. False after an error in the graph. */
static bool pad_output(struct ls_graph *graph, const struct options *options, int axis,
                       int64_t *padding) {
    const int64_t stride = options->stride[axis];
    const bool same = !strcmp(options->padding, "same");
    *padding = options->output_padding[axis];
    if (*padding >= (same ? 1 : stride)) {
        ls_graph_fail(graph, "output_padding: expected less than the stride %lld%s, found %lld",
                      (long long)stride, same ? " (0 with padding: same)" : "",
                      (long long)*padding);
        return false;
    }
    const int64_t extent = options->dilation[axis] * (options->kernel[axis] - 1) + 1;
    if (same && extent < stride)
        *padding = stride - extent;
    return true;
}

static struct ls_value *build_transpose(struct ls_builder *builder, struct ls_value *x,
                                        const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    struct ls_conv_transpose2d_options transpose;
    if (!read_options(graph, options, x, options->stride, &transpose.convolution))
        return NULL;
    for (int axis = 0; axis < 2; axis++)
        if (!pad_output(graph, options, axis, &transpose.output_padding[axis]))
            return NULL;
    const int64_t channels = ls_shape_last(x->shape);
    struct ls_value *weight =
        ls_layer_weight(graph, "weight",
                        LS_SHAPE(options->kernel[0], options->kernel[1],
                                 options->filters / options->groups, channels),
                        LS_LAYOUT_PANELS, transpose_initialiser(options, channels));
    return ls_conv_transpose2d(graph, x, weight, make_bias(graph, options), &transpose);
}

const struct ls_layer ls_layer_conv_transpose2d = {
    .name = "conv_transpose2d",
    .help = "each pixel of images puts its window of weights on larger images",
    .fields = {items, FIELDS},
    .options_size = sizeof(struct options),
    .main_field = "filters",
    .build = build_transpose,
};
