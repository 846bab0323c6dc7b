/* Layers that draw numbers: noise, gaussian_noise, sample_normal. */
#include "core/layers/list.h"

struct noise_options {
    struct ls_real_list shape;
    int kind; /* enum ls_noise_kind */
};

static const char *const kinds[] = {"normal", "uniform", NULL};

static const struct ls_field noise_items[] = {
    {.name = "shape",
     .kind = LS_FIELD_LIST,
     .offset = offsetof(struct noise_options, shape),
     .min = 1,
     .max = 1 << 30,
     .help = "of a sample: a count of numbers, or like [7, 7, 64]"},
    {.name = "kind",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct noise_options, kind),
     .initial = "normal",
     .choices = kinds,
     .help = "standard normal, or uniform from -1 to 1"},
};

/* Starts a network: what comes before it, if anything does, is not looked at. */
static struct ls_value *build_noise(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct noise_options *options = spec->options;
    struct ls_shape shape;
    (void)x;
    if (!ls_layer_shape(builder->graph, &options->shape, &shape))
        return NULL;
    return ls_noise(builder->graph, shape, (enum ls_noise_kind)options->kind);
}

const struct ls_layer ls_layer_noise = {
    .name = "noise",
    .help = "random numbers for a network to start from, in place of an input",
    .fields = LS_LAYER_FIELDS(noise_items),
    .options_size = sizeof(struct noise_options),
    .main_field = "shape",
    .passes_input = true,
    .build = build_noise,
};

struct gaussian_options {
    double deviation;
};

static const struct ls_field gaussian_items[] = {
    {.name = "deviation",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct gaussian_options, deviation),
     .initial = "0.1",
     .min = 0,
     .max = 1e6,
     .help = "standard deviation of the noise"},
};

static struct ls_value *build_gaussian(struct ls_builder *builder, struct ls_value *x,
                                       const struct ls_layer_spec *spec) {
    const struct gaussian_options *options = spec->options;
    return ls_gaussian_noise(builder->graph, x, options->deviation);
}

const struct ls_layer ls_layer_gaussian_noise = {
    .name = "gaussian_noise",
    .help = "normal noise added in training (denoising autoencoders; Vincent et al. 2010)",
    .fields = LS_LAYER_FIELDS(gaussian_items),
    .options_size = sizeof(struct gaussian_options),
    .main_field = "deviation",
    .build = build_gaussian,
};

static const char *const sample_inputs[] = {"log_variance", NULL};

static struct ls_value *build_sample(struct ls_builder *builder, struct ls_value *x,
                                     const struct ls_layer_spec *spec) {
    struct ls_value *log_variance = ls_layer_input(builder, spec, "log_variance");
    if (!log_variance) /* no-op if the name was unknown: the first error stays */
        return ls_graph_fail(builder->graph, "log_variance: expected the name of the layer that "
                                             "gives it, found none");
    return ls_sample_normal(builder->graph, x, log_variance);
}

const struct ls_layer ls_layer_sample_normal = {
    .name = "sample_normal",
    .help = "a normal draw around a mean (Kingma & Welling 2014); predictions take the mean",
    .inputs = sample_inputs,
    .build = build_sample,
};
