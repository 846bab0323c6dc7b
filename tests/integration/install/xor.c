/* A program outside the tree: its own training loop on liblockstep learns XOR. */
#include <lockstep.h>
#include <stdio.h>
#include <string.h>

static struct ls_value *dense(struct ls_graph *g, char *name, struct ls_value *x, int64_t out) {
    ls_graph_push(g, name);
    struct ls_value *weight = ls_graph_parameter(
        g, "weight", LS_SHAPE(ls_shape_last(x->shape), out), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT,
        true, 0, (struct ls_initialiser){.kind = LS_INIT_GLOROT_UNIFORM});
    ls_graph_pop(g);
    return ls_linear(g, x, weight, NULL);
}
int main(void) {
    static const float in[][3] = {{0, 0, 1}, {0, 1, 1}, {1, 0, 1}, {1, 1, 1}}, to[] = {0, 1, 1, 0};
    static float weights[512], gradients[512];
    struct ls_parameter_set *set = ls_parameters_create();
    const struct ls_graph_options options = {.rows_max = 4, .parameters = set};
    struct ls_graph *g = ls_graph_create(&options);
    struct ls_value *x = ls_graph_input(g, "x", LS_SHAPE(3), LS_TYPE_REAL);
    struct ls_value *t = ls_graph_input(g, "t", LS_SHAPE(1), LS_TYPE_REAL);
    struct ls_value *y = dense(g, "output", ls_tanh(g, dense(g, "hidden", x, 8)), 1);
    ls_graph_set_loss(g, ls_binary_cross_entropy(g, y, t, NULL, NULL));
    ls_graph_keep(g, y);
    struct ls_error error;
    if (ls_graph_plan(g, &error) != LS_OK || set->total > 512)
        return puts(error.text);
    ls_parameters_initialise(set, 1, weights);
    struct ls_optimizer_options sgd = {.name = LS_MOMENTUM, .momentum = 0.9};
    struct ls_optimizer *o = ls_optimizer_create(&sgd, set, 0, set->total, LS_F32_PORTABLE);
    struct ls_run run = {.training = true, .rows = 4, .microbatch_rows = 4, .microbatches = 1};
    for (; run.step < 1000; run.step++) {
        memcpy(x->data, in, sizeof in), memcpy(t->data, to, sizeof to);
        ls_graph_prepare(g, weights), ls_graph_forward(g, &run, gradients);
        ls_graph_backward(g, &run, gradients, NULL, NULL);
        ls_optimizer_step(o, &(struct ls_update){run.step + 1, 0.1, 4, 1, 1}, weights, gradients);
    }
    const float *out = y->data;
    return !printf("%d of 4 right\n", (out[0] < 0) + (out[1] > 0) + (out[2] > 0) + (out[3] < 0));
}
