#include "core/layers/list.h"

struct options {
    double rate;
};

static const struct ls_field items[] = {
    {.name = "rate",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, rate),
     .initial = "0.5",
     .min = 0,
     .max = 0.99,
     .help = "share of the numbers that are set to 0 in training"},
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    return ls_dropout(builder->graph, x, options->rate);
}

const struct ls_layer ls_layer_dropout = {
    .name = "dropout",
    .help = "zeros at random in training, the rest scaled up (Srivastava et al. 2014)",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "rate",
    .build = build,
};
