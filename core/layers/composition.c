/* sequential, repeat, concat, add and multiply: layers made of layers. */
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
    .passes_input = true,
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
    for (int64_t i = 0; i < options->times && !ls_graph_failed(builder->graph); i++) {
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
    .passes_input = true,
    .build = build_repeat,
};

enum { JOINED_MAX = LS_REFERENCES_MAX };

/* What is joined: named values, or what each of the branches makes of x. 0 after an error. */
static int build_parts(struct ls_builder *builder, struct ls_value *x,
                       const struct ls_layer_spec *spec, struct ls_value **parts) {
    const struct ls_layer_list *list = &spec->branches[0];
    const int named = ls_layer_inputs(builder, spec, "of", parts);
    if (named && list->count)
        ls_graph_fail(builder->graph, "branches and of: expected one of the two");
    else if (!named && (list->count < 1 || list->count > JOINED_MAX))
        ls_graph_fail(builder->graph,
                      "expected from 1 to %d names in `of`, or layers in branches; found %d",
                      JOINED_MAX, list->count);
    if (ls_graph_failed(builder->graph))
        return 0;
    if (named)
        return named;
    return ls_layers_build_each(builder, x, list, parts) ? list->count : 0;
}

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
    struct ls_value *parts[JOINED_MAX];
    const int count = build_parts(builder, x, spec, parts);
    return count ? ls_concat(builder->graph, parts, count, (int)options->axis) : NULL;
}

static const char *const part_branches[] = {"branches", NULL};
static const char *const part_inputs[] = {"of", NULL};

const struct ls_layer ls_layer_concat = {
    .name = "concat",
    .help = "values joined along an axis: those named in `of`, or what each of the branches makes "
            "of the same input (a sequential makes a branch)",
    .fields = LS_LAYER_FIELDS(concat_items),
    .options_size = sizeof(struct concat_options),
    .branches = part_branches,
    .inputs = part_inputs,
    .passes_input = true,
    .build = build_concat,
};

/* Folds the parts from left to right. */
static struct ls_value *
build_fold(struct ls_builder *builder, struct ls_value *x, const struct ls_layer_spec *spec,
           struct ls_value *(*fold)(struct ls_graph *, struct ls_value *, struct ls_value *)) {
    struct ls_value *parts[JOINED_MAX];
    const int count = build_parts(builder, x, spec, parts);
    struct ls_value *y = count ? parts[0] : NULL;
    for (int i = 1; i < count && y; i++)
        y = fold(builder->graph, y, parts[i]);
    return y;
}

static struct ls_value *build_add(struct ls_builder *builder, struct ls_value *x,
                                  const struct ls_layer_spec *spec) {
    return build_fold(builder, x, spec, ls_add);
}

const struct ls_layer ls_layer_add = {
    .name = "add",
    .help = "the sum of values of one shape: those named in `of`, or of the branches",
    .branches = part_branches,
    .inputs = part_inputs,
    .passes_input = true,
    .build = build_add,
};

static struct ls_value *build_multiply(struct ls_builder *builder, struct ls_value *x,
                                       const struct ls_layer_spec *spec) {
    return build_fold(builder, x, spec, ls_multiply);
}

const struct ls_layer ls_layer_multiply = {
    .name = "multiply",
    .help = "the product, element by element: of the values named in `of`, or of the branches",
    .branches = part_branches,
    .inputs = part_inputs,
    .passes_input = true,
    .build = build_multiply,
};
