/* Functions of one number, and softmax over the last dimension. */
#include "core/layers/fields.h"

#define ACTIVATION(layer, record, help_text)                                                       \
    static struct ls_value *build_##layer(struct ls_builder *builder, struct ls_value *x,          \
                                          const struct ls_layer_spec *spec) {                      \
        (void)spec;                                                                                \
        return record(builder->graph, x);                                                          \
    }                                                                                              \
    const struct ls_layer ls_layer_##layer = {                                                     \
        .name = #layer, .help = help_text, .build = build_##layer}

#define PLAIN_ACTIVATION(function, help_text) ACTIVATION(function, ls_##function, help_text)

PLAIN_ACTIVATION(relu, "max(x, 0)");
PLAIN_ACTIVATION(silu, "x sigmoid(x)");
PLAIN_ACTIVATION(softplus, "log(1 + exp(x))");
PLAIN_ACTIVATION(sigmoid, "1 / (1 + exp(-x))");
PLAIN_ACTIVATION(tanh, "hyperbolic tangent");
PLAIN_ACTIVATION(softmax, "shares that add up to 1, over the last dimension (losses take logits: "
                          "not needed at the end of a classifier)");
PLAIN_ACTIVATION(log_softmax, "logarithm of softmax");
PLAIN_ACTIVATION(exp, "exponential function");
ACTIVATION(log, ls_logarithm, "natural logarithm, of numbers above 0");
PLAIN_ACTIVATION(square, "x^2");
PLAIN_ACTIVATION(abs, "absolute value");
PLAIN_ACTIVATION(stop_gradient, "the same numbers; the layers before it learn nothing from those "
                                "behind it");

struct gelu_options {
    int approximation;
};

static const char *const gelu_approximations[] = {
    [LS_GELU_ERF] = "erf", [LS_GELU_TANH] = "tanh", NULL};

static const struct ls_field gelu_items[] = {
    {.name = "approximation",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct gelu_options, approximation),
     .initial = "erf",
     .choices = gelu_approximations,
     .help = "erf: the normal distribution function itself; tanh: the paper's approximation, which "
             "many published models have"},
};

static struct ls_value *build_gelu(struct ls_builder *builder, struct ls_value *x,
                                   const struct ls_layer_spec *spec) {
    const struct gelu_options *options = spec->options;
    return options->approximation == LS_GELU_TANH ? ls_gelu_tanh(builder->graph, x)
                                                  : ls_gelu(builder->graph, x);
}

const struct ls_layer ls_layer_gelu = {
    .name = "gelu",
    .help = "x times the normal distribution function of x (Hendrycks & Gimpel 2016)",
    .fields = LS_LAYER_FIELDS(gelu_items),
    .options_size = sizeof(struct gelu_options),
    .main_field = "approximation",
    .build = build_gelu,
};

struct leaky_relu_options {
    double slope;
};

static const struct ls_field leaky_relu_items[] = {
    LS_REAL_FIELD(struct leaky_relu_options, slope, "0.01", 0, 1, "of the negative side"),
};

static struct ls_value *build_leaky_relu(struct ls_builder *builder, struct ls_value *x,
                                         const struct ls_layer_spec *spec) {
    const struct leaky_relu_options *options = spec->options;
    return ls_leaky_relu(builder->graph, x, options->slope);
}

const struct ls_layer ls_layer_leaky_relu = {
    .name = "leaky_relu",
    .help = "x, or slope x where x is negative",
    .fields = LS_LAYER_FIELDS(leaky_relu_items),
    .options_size = sizeof(struct leaky_relu_options),
    .main_field = "slope",
    .build = build_leaky_relu,
};

struct elu_options {
    double alpha;
};

static const struct ls_field elu_items[] = {
    LS_REAL_FIELD(struct elu_options, alpha, "1", 0, 1e6, "minus the limit on the negative side"),
};

static struct ls_value *build_elu(struct ls_builder *builder, struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    const struct elu_options *options = spec->options;
    return ls_elu(builder->graph, x, options->alpha);
}

const struct ls_layer ls_layer_elu = {
    .name = "elu",
    .help = "x, or alpha (exp(x) - 1) where x is negative (Clevert et al. 2016)",
    .fields = LS_LAYER_FIELDS(elu_items),
    .options_size = sizeof(struct elu_options),
    .main_field = "alpha",
    .build = build_elu,
};

struct clamp_options {
    double low, high;
};

static const struct ls_field clamp_items[] = {
    LS_REAL_FIELD(struct clamp_options, low, NULL, 0, 0, "the smallest number that comes out"),
    LS_REAL_FIELD(struct clamp_options, high, NULL, 0, 0, "the largest"),
};

static struct ls_value *build_clamp(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct clamp_options *options = spec->options;
    if (options->low > options->high)
        return ls_graph_fail(builder->graph, "low: expected a number up to high, %g, found %g",
                             options->high, options->low);
    return ls_clamp(builder->graph, x, options->low, options->high);
}

const struct ls_layer ls_layer_clamp = {
    .name = "clamp",
    .help = "numbers cut off at two limits",
    .fields = LS_LAYER_FIELDS(clamp_items),
    .options_size = sizeof(struct clamp_options),
    .build = build_clamp,
};

struct scale_options {
    double factor, shift;
};

static const struct ls_field scale_items[] = {
    LS_REAL_FIELD(struct scale_options, factor, NULL, 0, 0, "what x is multiplied by"),
    LS_REAL_FIELD(struct scale_options, shift, "0", 0, 0, "what is added then"),
};

static struct ls_value *build_scale(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct scale_options *options = spec->options;
    return ls_scale(builder->graph, x, options->factor, options->shift);
}

const struct ls_layer ls_layer_scale = {
    .name = "scale",
    .help = "factor x + shift, with numbers that are not learned",
    .fields = LS_LAYER_FIELDS(scale_items),
    .options_size = sizeof(struct scale_options),
    .main_field = "factor",
    .build = build_scale,
};
