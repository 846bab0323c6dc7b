/* from_last and add_level: a forecast as the difference to the last value that was seen. Without it
 * a recurrent network hardly beats repeating that value (Zeng et al. 2023 call it NLinear). */
#include <stdio.h>
#include <string.h>

#include "core/layers/fields.h"

/* x - its last position. That position is kept under the layer's name and ".last". */
static struct ls_value *build_from_last(struct ls_builder *builder, struct ls_value *x,
                                        const struct ls_layer_spec *spec) {
    (void)spec;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 2, 2, "sequences [positions, channels]"))
        return NULL;
    struct ls_value *last = ls_last(graph, x, NULL);
    if (!last)
        return NULL;
    ls_graph_push(graph, "last");
    ls_builder_name(builder, last);
    ls_graph_pop(graph);
    return ls_subtract(graph, x, ls_repeat(graph, last, x->shape.dims[1]));
}

const struct ls_layer ls_layer_from_last = {
    .name = "from_last",
    .help = "each sequence minus its last position, which add_level adds again behind the model",
    .build = build_from_last,
};

struct options {
    int64_t first_channel;
};

static const struct ls_field items[] = {
    LS_INTEGER_FIELD(struct options, first_channel, "-1", -1, 1 << 30,
                     "of the level, for the first channel of x; -1: both have the same channels"),
};

/* What the layer from_last that `level` names took away: NAME.last. NULL after an error. */
static struct ls_value *find_level(struct ls_builder *builder, const struct ls_layer_spec *spec) {
    const char *given = ls_layer_spec_reference(spec, "level");
    if (!given)
        return ls_graph_fail(builder->graph, "level: expected the name of a from_last layer");
    struct ls_reference last = {.key = "level"};
    struct ls_layer_spec named = *spec;
    snprintf(last.name, sizeof last.name, "%.*s.last", LS_NAME_MAX - 8, given);
    named.references = &last;
    named.reference_count = 1;
    return ls_layer_input(builder, &named, "level");
}

static struct ls_value *build_add_level(struct ls_builder *builder, struct ls_value *x,
                                        const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    struct ls_graph *graph = builder->graph;
    if (!ls_layer_expects(graph, x, 1, 2, "[channels] or [positions, channels]"))
        return NULL;
    struct ls_value *level = find_level(builder, spec);
    if (!level)
        return NULL;
    const int64_t channels = ls_shape_last(x->shape), all = ls_shape_last(level->shape);
    if (options->first_channel < 0 && channels != all)
        return ls_graph_fail(graph,
                             "first_channel: expected which of the level's %lld channels the %lld "
                             "channels of x start with, found none",
                             (long long)all, (long long)channels);
    if (options->first_channel >= 0)
        level = ls_slice(graph, level,
                         &(struct ls_slice_options){
                             .axis = -1, .first = options->first_channel, .count = channels});
    if (x->shape.rank == 3)
        level = ls_repeat(graph, level, x->shape.dims[1]);
    return ls_add(graph, x, level);
}

static const char *const level_input[] = {"level", NULL};

const struct ls_layer ls_layer_add_level = {
    .name = "add_level",
    .help = "x plus what the from_last layer `level` took away, at each position",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "level",
    .inputs = level_input,
    .build = build_add_level,
};
