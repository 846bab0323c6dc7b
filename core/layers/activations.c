/* Functions of one number, and softmax over the last dimension. */
#include "core/layers/list.h"

#define PLAIN_ACTIVATION(function, help_text)                                                      \
    static struct ls_value *build_##function(struct ls_builder *builder, struct ls_value *x,       \
                                             const struct ls_layer_spec *spec) {                   \
        (void)spec;                                                                                \
        return ls_##function(builder->graph, x);                                                   \
    }                                                                                              \
    const struct ls_layer ls_layer_##function = {                                                  \
        .name = #function, .help = help_text, .build = build_##function}

PLAIN_ACTIVATION(relu, "max(x, 0)");
PLAIN_ACTIVATION(gelu, "x times the normal distribution function of x (Hendrycks & Gimpel 2016)");
PLAIN_ACTIVATION(silu, "x sigmoid(x)");
PLAIN_ACTIVATION(softplus, "log(1 + exp(x))");
PLAIN_ACTIVATION(sigmoid, "1 / (1 + exp(-x))");
PLAIN_ACTIVATION(tanh, "hyperbolic tangent");
PLAIN_ACTIVATION(softmax, "shares that add up to 1, over the last dimension (losses take logits: "
                          "not needed at the end of a classifier)");
PLAIN_ACTIVATION(log_softmax, "logarithm of softmax");

struct leaky_relu_options {
    double slope;
};

static const struct ls_field leaky_relu_items[] = {
    {.name = "slope",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct leaky_relu_options, slope),
     .initial = "0.01",
     .min = 0,
     .max = 1,
     .help = "of the negative side"},
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
    {.name = "alpha",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct elu_options, alpha),
     .initial = "1",
     .min = 0,
     .max = 1e6,
     .help = "minus the limit on the negative side"},
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
