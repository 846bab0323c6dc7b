/* flatten and reshape: the same elements under another shape. */
#include <math.h>

#include "core/layers/list.h"

static struct ls_value *build_flatten(struct ls_builder *builder, struct ls_value *x,
                                      const struct ls_layer_spec *spec) {
    (void)spec;
    return ls_flatten(builder->graph, x);
}

const struct ls_layer ls_layer_flatten = {
    .name = "flatten",
    .help = "one row of numbers per sample",
    .build = build_flatten,
};

bool ls_layer_shape(struct ls_graph *graph, const struct ls_real_list *list,
                    struct ls_shape *shape) {
    *shape = (struct ls_shape){.rank = list->count};
    if (list->count < 1 || list->count >= LS_RANK_MAX) {
        ls_graph_fail(graph, "shape: expected from 1 to %d dimensions, found %d", LS_RANK_MAX - 1,
                      list->count);
        return false;
    }
    for (int i = 0; i < list->count; i++) {
        const double size = list->values[i];
        if (floor(size) < size || (size > -1 && size < 1)) {
            ls_graph_fail(graph, "shape: expected whole dimensions above 0, or -1, found %g", size);
            return false;
        }
        shape->dims[i] = (int64_t)size;
    }
    return true;
}

struct options {
    struct ls_real_list shape;
};

static const struct ls_field items[] = {
    {.name = "shape",
     .kind = LS_FIELD_LIST,
     .offset = offsetof(struct options, shape),
     .min = -1,
     .max = 1 << 30,
     .help = "of a sample, like [7, 7, 64]; one -1 is worked out"},
};

static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    struct ls_shape shape;
    if (!ls_layer_shape(builder->graph, &((const struct options *)spec->options)->shape, &shape))
        return NULL;
    return ls_reshape(builder->graph, x, shape);
}

const struct ls_layer ls_layer_reshape = {
    .name = "reshape",
    .help = "the same numbers under another shape",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "shape",
    .build = build,
};
