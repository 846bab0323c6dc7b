/* sequential, repeat and concat: layers made of layers. */
#include <stdio.h>

#include "core/layers/list.h"

static const char *const body_branch[] = {"body", NULL};

static struct ls_value *build_sequential(struct ls_builder *builder, struct ls_value *x,
                                         const struct ls_layer_spec *spec) {
    return ls_layers_build(builder, x, &spec->branches[0]);
}

const struct ls_layer ls_layer_sequential = {
    .name = "sequential",
    .help = "layers one after the other, under one name",
    .branches = body_branch,
    .build = build_sequential,
};

struct repeat_options {
    int64_t times;
};

static const struct ls_field repeat_items[] = {
    {.name = "times",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct repeat_options, times),
     .min = 1,
     .max = 1024,
     .help = "how often; each time has its own parameters"},
};

static struct ls_value *build_repeat(struct ls_builder *builder, struct ls_value *x,
                                     const struct ls_layer_spec *spec) {
    const struct repeat_options *options = spec->options;
    for (int64_t i = 0; i < options->times && x; i++) {
        char name[32];
        snprintf(name, sizeof name, "block%d", (int)i);
        ls_graph_push(builder->graph, name);
        x = ls_layers_build(builder, x, &spec->branches[0]);
        ls_graph_pop(builder->graph);
    }
    return x;
}

const struct ls_layer ls_layer_repeat = {
    .name = "repeat",
    .help = "the body several times in a row, as block0, block1, ...",
    .fields = LS_LAYER_FIELDS(repeat_items),
    .options_size = sizeof(struct repeat_options),
    .branches = body_branch,
    .build = build_repeat,
};

enum { JOINED_MAX = 32 };

struct concat_options {
    int64_t axis;
};

static const struct ls_field concat_items[] = {
    {.name = "axis",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct concat_options, axis),
     .initial = "-1",
     .min = -1,
     .max = LS_RANK_MAX - 1,
     .help = "dimension that grows, counted from 1; -1: the last (channels)"},
};

static struct ls_value *build_concat(struct ls_builder *builder, struct ls_value *x,
                                     const struct ls_layer_spec *spec) {
    const struct concat_options *options = spec->options;
    const struct ls_layer_list *list = &spec->branches[0];
    struct ls_value *results[JOINED_MAX];
    if (list->count < 1 || list->count > JOINED_MAX)
        return ls_graph_fail(builder->graph, "branches: expected from 1 to %d layers, found %d",
                             JOINED_MAX, list->count);
    if (!ls_layers_build_each(builder, x, list, results))
        return NULL;
    return ls_concat(builder->graph, results, list->count, (int)options->axis);
}

static const char *const concat_branches[] = {"branches", NULL};

const struct ls_layer ls_layer_concat = {
    .name = "concat",
    .help =
        "each of the layers on the same input, their outputs joined (a sequential makes a branch)",
    .fields = LS_LAYER_FIELDS(concat_items),
    .options_size = sizeof(struct concat_options),
    .branches = concat_branches,
    .build = build_concat,
};
