/* A program outside the tree: its own training loop on liblockstep learns XOR. */
#include <lockstep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ls_value *layer(struct ls_graph *g, const char *name, struct ls_value *x, int64_t in,
                              int64_t out) {
    const struct ls_initialiser init = {LS_INIT_GLOROT_UNIFORM, 0}, zeros = {LS_INIT_ZEROS, 0};
    ls_graph_push(g, name);
    struct ls_value *w = ls_graph_parameter(g, "weight", LS_SHAPE(in, out), LS_LAYOUT_PANELS,
                                            LS_PARAMETER_WEIGHT, true, 0, init);
    struct ls_value *b = ls_graph_parameter(g, "bias", LS_SHAPE(out), LS_LAYOUT_PLAIN,
                                            LS_PARAMETER_WEIGHT, false, 0, zeros);
    ls_graph_pop(g);
    return ls_linear(g, x, w, b);
}

int main(void) {
    static const float inputs[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, targets[4] = {0, 1, 1, 0};
    static const uint64_t rows[4] = {0, 1, 2, 3};
    struct ls_parameter_set *set = ls_parameters_create();
    const struct ls_graph_options options = {
        .variant = ls_variant_best(), .rows_max = 4, .parameters = set};
    struct ls_graph *g = ls_graph_create(&options);
    struct ls_value *x = ls_graph_input(g, "x", LS_SHAPE(2), LS_TYPE_REAL);
    struct ls_value *t = ls_graph_input(g, "t", LS_SHAPE(1), LS_TYPE_REAL);
    struct ls_value *y = layer(g, "output", ls_tanh(g, layer(g, "hidden", x, 2, 8)), 8, 1);
    struct ls_value *loss = ls_binary_cross_entropy(g, y, t);
    ls_graph_set_loss(g, loss);
    ls_graph_keep(g, y);
    struct ls_error error;
    if (ls_graph_plan(g, &error) != LS_OK)
        return fprintf(stderr, "%s\n", error.text), 1;

    float *weights = calloc((size_t)set->total, sizeof *weights),
          *gradients = calloc((size_t)set->total, sizeof *gradients);
    struct ls_optimizer_options adam;
    ls_fields_reset(ls_optimizer_fields, &adam);
    adam.name = LS_ADAM;
    struct ls_optimizer *optimizer =
        ls_optimizer_create(&adam, set, 0, set->total, options.variant);
    ls_parameters_initialise(set, 1, weights);
    struct ls_run run = {
        .training = true, .rows = 4, .microbatch_rows = 4, .microbatches = 1, .row_ids = rows};
    memcpy(x->data, inputs, sizeof inputs);
    for (; run.step < 500; run.step++) {
        memcpy(x->data, inputs, sizeof inputs);
        memcpy(t->data, targets, sizeof targets);
        ls_graph_prepare(g, weights);
        ls_graph_forward(g, &run, gradients);
        ls_graph_backward(g, &run, gradients, NULL, NULL);
        ls_optimizer_step(optimizer, &(struct ls_update){run.step + 1, 0.05, 4, 1, 1}, weights,
                          gradients);
    }
    int right = 0;
    for (int i = 0; i < 4; i++)
        right += (((float *)y->data)[i] > 0) == (targets[i] > 0.5f);
    printf("%d of 4 right\n", right);
    return right != 4;
}
