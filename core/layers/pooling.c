/* max_pool, average_pool, global_average_pool, upsample. */
#include <string.h>

#include "core/layers/fields.h"

static const char images[] = "images [height, width, channels]";

struct options {
    int64_t window[2], stride[2], padding[2];
};

static const struct ls_field items[] = {
    LS_PIXELS_FIELD(struct options, window, "2", 1, 1024, LS_WINDOW_HELP),
    LS_PIXELS_FIELD(struct options, stride, "0", 0, 1024, "step of the window; 0: its size"),
    LS_PIXELS_FIELD(struct options, padding, "0", 0, 1024,
                    "pixels around the image that take no part"),
};

static struct ls_pool_options pool_options(const struct options *options) {
    struct ls_pool_options pool;
    memcpy(pool.window, options->window, sizeof pool.window);
    memcpy(pool.stride, options->stride, sizeof pool.stride);
    memcpy(pool.padding, options->padding, sizeof pool.padding);
    return pool;
}

static struct ls_value *build_max(struct ls_builder *builder, struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    const struct ls_pool_options pool = pool_options(spec->options);
    if (!ls_layer_expects(builder->graph, x, 3, 3, images))
        return NULL;
    return ls_max_pool(builder->graph, x, &pool);
}

const struct ls_layer ls_layer_max_pool = {
    .name = "max_pool",
    .help = "the largest value of each window, per channel",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "window",
    .build = build_max,
};

static struct ls_value *build_average(struct ls_builder *builder, struct ls_value *x,
                                      const struct ls_layer_spec *spec) {
    const struct ls_pool_options pool = pool_options(spec->options);
    if (!ls_layer_expects(builder->graph, x, 3, 3, images))
        return NULL;
    return ls_average_pool(builder->graph, x, &pool);
}

const struct ls_layer ls_layer_average_pool = {
    .name = "average_pool",
    .help = "the mean of each window, per channel",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "window",
    .build = build_average,
};

static struct ls_value *build_global(struct ls_builder *builder, struct ls_value *x,
                                     const struct ls_layer_spec *spec) {
    (void)spec;
    if (!ls_layer_expects(builder->graph, x, 3, 3, images))
        return NULL;
    return ls_global_average_pool(builder->graph, x);
}

const struct ls_layer ls_layer_global_average_pool = {
    .name = "global_average_pool",
    .help = "the mean of each channel over the whole image",
    .build = build_global,
};

struct upsample_options {
    int64_t factor[2];
};

static const struct ls_field upsample_items[] = {
    {.name = "factor",
     .kind = LS_FIELD_PAIR,
     .offset = offsetof(struct upsample_options, factor),
     .initial = "2",
     .min = 1,
     .max = 1024,
     .help = "times as high and wide: one number, or [height, width]"},
};

static struct ls_value *build_upsample(struct ls_builder *builder, struct ls_value *x,
                                       const struct ls_layer_spec *spec) {
    const struct upsample_options *options = spec->options;
    struct ls_upsample_options upsample;
    memcpy(upsample.factor, options->factor, sizeof upsample.factor);
    if (!ls_layer_expects(builder->graph, x, 3, 3, images))
        return NULL;
    return ls_upsample(builder->graph, x, &upsample);
}

const struct ls_layer ls_layer_upsample = {
    .name = "upsample",
    .help = "larger images, each pixel repeated",
    .fields = LS_LAYER_FIELDS(upsample_items),
    .options_size = sizeof(struct upsample_options),
    .main_field = "factor",
    .build = build_upsample,
};
