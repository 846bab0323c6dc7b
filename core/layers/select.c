/* What picks, moves and sums up parts of samples: slice, take, last, repeat_vector, transpose,
 * reduce, one_hot. */
#include <math.h>

#include "core/layers/fields.h"

static const char positions[] = "sequences [positions, ...]";
static const char *const lengths_input[] = {"lengths", NULL};

#define ENTRIES (1 << 30) /* of a dimension, at most */
#define AXIS_HELP "dimension, counted from 1; -1: the last (channels)"

struct slice_options {
    int64_t axis, first, count;
};

static const struct ls_field slice_items[] = {
    LS_INTEGER_FIELD(struct slice_options, axis, "1", -1, LS_RANK_MAX - 1, AXIS_HELP),
    LS_INTEGER_FIELD(struct slice_options, first, "0", -ENTRIES, ENTRIES,
                     "entry to start from; below 0: counted from the end"),
    LS_INTEGER_FIELD(struct slice_options, count, "0", 0, ENTRIES, "entries; 0: all that are left"),
};

static struct ls_value *build_slice(struct ls_builder *builder, struct ls_value *x,
                                    const struct ls_layer_spec *spec) {
    const struct slice_options *options = spec->options;
    const struct ls_slice_options slice = {(int)options->axis, options->first, options->count};
    return ls_slice(builder->graph, x, &slice);
}

const struct ls_layer ls_layer_slice = {
    .name = "slice",
    .help = "some neighbouring entries of a dimension",
    .fields = LS_LAYER_FIELDS(slice_items),
    .options_size = sizeof(struct slice_options),
    .build = build_slice,
};

struct take_options {
    int64_t index;
};

static const struct ls_field take_items[] = {
    LS_INTEGER_FIELD(struct take_options, index, "0", -ENTRIES, ENTRIES,
                     "position, counted from 0; below 0: from the end"),
};

static struct ls_value *build_take(struct ls_builder *builder, struct ls_value *x,
                                   const struct ls_layer_spec *spec) {
    const struct take_options *options = spec->options;
    if (!ls_layer_expects(builder->graph, x, 2, LS_RANK_MAX - 1, positions))
        return NULL;
    return ls_take(builder->graph, x, options->index);
}

const struct ls_layer ls_layer_take = {
    .name = "take",
    .help = "one position of a sequence",
    .fields = LS_LAYER_FIELDS(take_items),
    .options_size = sizeof(struct take_options),
    .main_field = "index",
    .build = build_take,
};

static struct ls_value *build_last(struct ls_builder *builder, struct ls_value *x,
                                   const struct ls_layer_spec *spec) {
    if (!ls_layer_expects(builder->graph, x, 2, LS_RANK_MAX - 1, positions))
        return NULL;
    return ls_last(builder->graph, x, ls_layer_lengths(builder, spec, x->shape.dims[1]));
}

const struct ls_layer ls_layer_last = {
    .name = "last",
    .help = "the last position of a sequence, or the last of its first `lengths`",
    .inputs = lengths_input,
    .build = build_last,
};

struct repeat_vector_options {
    int64_t count;
};

static const struct ls_field repeat_vector_items[] = {
    LS_COUNT_FIELD(struct repeat_vector_options, count, ENTRIES, "positions"),
};

static struct ls_value *build_repeat_vector(struct ls_builder *builder, struct ls_value *x,
                                            const struct ls_layer_spec *spec) {
    const struct repeat_vector_options *options = spec->options;
    return ls_repeat(builder->graph, x, options->count);
}

const struct ls_layer ls_layer_repeat_vector = {
    .name = "repeat_vector",
    .help = "a sequence that has the same numbers at each position",
    .fields = LS_LAYER_FIELDS(repeat_vector_items),
    .options_size = sizeof(struct repeat_vector_options),
    .main_field = "count",
    .build = build_repeat_vector,
};

struct transpose_options {
    struct ls_real_list order;
};

static const struct ls_field transpose_items[] = {
    {.name = "order",
     .kind = LS_FIELD_LIST,
     .offset = offsetof(struct transpose_options, order),
     .min = 1,
     .max = LS_RANK_MAX - 1,
     .help = "of the dimensions, counted from 1: [2, 1] makes [channels, positions] of [positions, "
             "channels]"},
};

static struct ls_value *build_transpose(struct ls_builder *builder, struct ls_value *x,
                                        const struct ls_layer_spec *spec) {
    const struct ls_real_list *list = &((const struct transpose_options *)spec->options)->order;
    struct ls_transpose_options transpose = {.count = list->count};
    for (int i = 0; i < list->count && i < LS_RANK_MAX - 1; i++) {
        if (floor(list->values[i]) < list->values[i])
            return ls_graph_fail(builder->graph, "order: expected whole numbers, found %g",
                                 list->values[i]);
        transpose.order[i] = (int)list->values[i];
    }
    return ls_transpose(builder->graph, x, &transpose);
}

const struct ls_layer ls_layer_transpose = {
    .name = "transpose",
    .help = "the dimensions of a sample in another order",
    .fields = LS_LAYER_FIELDS(transpose_items),
    .options_size = sizeof(struct transpose_options),
    .main_field = "order",
    .build = build_transpose,
};

struct reduce_options {
    int kind;
    int64_t axis;
};

static const char *const reduce_kinds[] = {
    [LS_REDUCE_SUM] = "sum", [LS_REDUCE_MEAN] = "mean", [LS_REDUCE_MAX] = "max", NULL};

static const struct ls_field reduce_items[] = {
    {.name = "kind",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct reduce_options, kind),
     .initial = "mean",
     .choices = reduce_kinds,
     .help = "what is made of the entries"},
    LS_INTEGER_FIELD(struct reduce_options, axis, "1", -1, LS_RANK_MAX - 1, AXIS_HELP),
};

static struct ls_value *build_reduce(struct ls_builder *builder, struct ls_value *x,
                                     const struct ls_layer_spec *spec) {
    const struct reduce_options *options = spec->options;
    const struct ls_reduce_options reduce = {(enum ls_reduce_kind)options->kind,
                                             (int)options->axis};
    struct ls_value *lengths =
        ls_layer_lengths(builder, spec, x->shape.rank > 1 ? x->shape.dims[1] : 1);
    return ls_reduce(builder->graph, x, lengths, &reduce);
}

const struct ls_layer ls_layer_reduce = {
    .name = "reduce",
    .help = "the sum, mean or largest over a dimension, which goes away; with `lengths` over the "
            "first positions alone",
    .fields = LS_LAYER_FIELDS(reduce_items),
    .options_size = sizeof(struct reduce_options),
    .main_field = "kind",
    .inputs = lengths_input,
    .build = build_reduce,
};

struct one_hot_options {
    int64_t count;
};

static const struct ls_field one_hot_items[] = {
    LS_COUNT_FIELD(struct one_hot_options, count, 1 << 24, "indices are 0 .. count-1"),
};

static struct ls_value *build_one_hot(struct ls_builder *builder, struct ls_value *x,
                                      const struct ls_layer_spec *spec) {
    const struct one_hot_options *options = spec->options;
    ls_builder_limit(builder, x, options->count);
    return ls_one_hot(builder->graph, x, options->count);
}

const struct ls_layer ls_layer_one_hot = {
    .name = "one_hot",
    .help = "a 1 at the place that an index names, zeros beside it",
    .fields = LS_LAYER_FIELDS(one_hot_items),
    .options_size = sizeof(struct one_hot_options),
    .main_field = "count",
    .takes_indices = true,
    .build = build_one_hot,
};
