/* What layers share: their parameters, and the check of what they are put on. */
#include "core/layers/layer.h"

const char *const ls_initialiser_names[] = {[LS_INIT_ZEROS] = "zeros",
                                            [LS_INIT_CONSTANT] = "constant",
                                            [LS_INIT_UNIFORM] = "uniform",
                                            [LS_INIT_NORMAL] = "normal",
                                            [LS_INIT_GLOROT_UNIFORM] = "glorot_uniform",
                                            [LS_INIT_GLOROT_NORMAL] = "glorot_normal",
                                            [LS_INIT_HE_UNIFORM] = "he_uniform",
                                            [LS_INIT_HE_NORMAL] = "he_normal",
                                            [LS_INIT_LECUN_UNIFORM] = "lecun_uniform",
                                            [LS_INIT_LECUN_NORMAL] = "lecun_normal",
                                            [LS_INIT_ORTHOGONAL] = "orthogonal",
                                            NULL};

struct ls_value *ls_layer_weight(struct ls_graph *graph, const char *name, struct ls_shape shape,
                                 enum ls_layout layout, struct ls_initialiser init) {
    const bool drawn = init.kind != LS_INIT_ZEROS && init.kind != LS_INIT_CONSTANT;
    if (drawn && !(init.scale > 0))
        return ls_graph_fail(graph, "init_scale: expected a number above 0 with init %s, found %g",
                             ls_initialiser_names[init.kind], init.scale);
    return ls_graph_parameter(graph, name, shape, layout, LS_PARAMETER_WEIGHT, true, 0, init);
}

static struct ls_initialiser constant(double value) {
    return (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = value};
}

struct ls_value *ls_layer_vector(struct ls_graph *graph, const char *name, int64_t count,
                                 double value) {
    return ls_graph_parameter(graph, name, LS_SHAPE(count), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT,
                              false, 0, constant(value));
}

struct ls_value *ls_layer_statistic(struct ls_graph *graph, const char *name, int64_t count,
                                    double value, double momentum) {
    return ls_graph_parameter(graph, name, LS_SHAPE(count), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC,
                              false, momentum, constant(value));
}

bool ls_layer_expects(struct ls_graph *graph, const struct ls_value *x, int dimensions_min,
                      int dimensions_max, const char *what) {
    const int dimensions = x->shape.rank - 1;
    if (dimensions >= dimensions_min && dimensions <= dimensions_max)
        return true;
    char text[LS_SHAPE_TEXT_MAX];
    ls_graph_fail(graph, "expected %s, found samples of shape %s", what,
                  dimensions ? ls_shape_print(ls_shape_of_row(x->shape), text) : "a single number");
    return false;
}
