/* One block of linear, batch norm and tanh, three times over: the same parameters each time, or a
 * copy of them for each use. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/accumulate.h"
#include "core/graph/internal.h"
#include "core/graph/ops.h"
#include "tests/support/support.h"

enum { WIDTH = 7, USES = 3, MICROBATCHES = 8, MICROBATCH_ROWS = 3 };

static struct ls_value *vector(struct ls_graph *graph, const char *name, double value,
                               enum ls_parameter_kind kind) {
    return ls_graph_parameter(graph, name, LS_SHAPE(WIDTH), LS_LAYOUT_PLAIN, kind, false, 0.1,
                              (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = value});
}

static struct ls_value *block(struct ls_graph *graph, const char *name, struct ls_value *x) {
    ls_graph_push(graph, name);
    struct ls_value *w = ls_graph_parameter(graph, "weight", LS_SHAPE(WIDTH, WIDTH),
                                            LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT, true, 0,
                                            (struct ls_initialiser){.kind = LS_INIT_ZEROS});
    x = ls_linear(graph, x, w, vector(graph, "bias", 0, LS_PARAMETER_WEIGHT));
    x = ls_batch_norm(graph, x, vector(graph, "gain", 1, LS_PARAMETER_WEIGHT),
                      vector(graph, "offset", 0, LS_PARAMETER_WEIGHT),
                      vector(graph, "mean", 0, LS_PARAMETER_STATISTIC),
                      vector(graph, "variance", 1, LS_PARAMETER_STATISTIC),
                      &(struct ls_norm_options){0});
    ls_graph_pop(graph);
    return ls_tanh(graph, x);
}

struct net {
    struct ls_parameter_set *set;
    struct ls_graph *graph;
    struct ls_value *x, *target, *loss;
    void *flat, *gradients; /* owned; double or float */
    size_t bytes;
};

static double drawn(int stream, int64_t i) {
    return 2 * ls_random_uniform(ls_random_key(1, LS_STREAM_SYNTHETIC, (uint64_t)stream, 0),
                                 (uint64_t)i) -
           1;
}

/* Every parameter of a block has values of its own, whatever the block is called. */
static void fill(struct net *net, bool wide) {
    for (int i = 0; i < net->set->count; i++) {
        const struct ls_parameter *p = net->set->items[i];
        const char *const kind = strrchr(p->name, '.') + 1;
        double plain[WIDTH * WIDTH];
        float small[WIDTH * WIDTH];
        for (int64_t k = 0; k < ls_parameter_plain_count(p); k++) {
            plain[k] = drawn(kind[0], k) + (strcmp(kind, "variance") ? 0 : 2);
            small[k] = (float)plain[k];
        }
        if (wide)
            ls_parameter_store_f64(p, plain, (double *)net->flat + p->offset);
        else
            ls_parameter_store(p, small, (float *)net->flat + p->offset);
    }
    ls_graph_prepare(net->graph, net->flat);
}

static struct net make(struct ls_graph_options options, bool tied) {
    const bool wide = options.variant == LS_F64;
    struct net net = {.set = ls_parameters_create()};
    options.parameters = net.set;
    options.rows_max = options.rows_max ? options.rows_max : MICROBATCH_ROWS;
    net.graph = ls_graph_create(&options);
    net.x = ls_graph_input(net.graph, "x", LS_SHAPE(WIDTH), LS_TYPE_REAL);
    net.target = ls_graph_input(net.graph, "t", LS_SHAPE(WIDTH), LS_TYPE_REAL);
    struct ls_value *y = net.x;
    for (int u = 0; u < USES; u++) {
        char name[8];
        snprintf(name, sizeof name, "use%d", tied ? 0 : u);
        y = block(net.graph, name, y);
    }
    net.loss = ls_squared_error(net.graph, y, net.target, NULL, NULL);
    ls_graph_set_loss(net.graph, net.loss);
    ls_require(ls_graph_plan(net.graph, &ls_test_error));
    net.bytes = (size_t)net.set->total * (wide ? sizeof(double) : sizeof(float));
    net.flat = ls_memory_map(net.bytes);
    net.gradients = ls_memory_map(net.bytes);
    fill(&net, wide);
    return net;
}

static void destroy(struct net *net) {
    ls_memory_unmap(net->flat, net->bytes);
    ls_memory_unmap(net->gradients, net->bytes);
    ls_graph_destroy(net->graph);
    ls_parameters_destroy(net->set);
}

/* Forward of microbatch m. */
static struct ls_run forward(struct net *net, int m, void *gradients) {
    static const uint64_t ids[MICROBATCH_ROWS] = {0};
    const struct ls_run run = {.training = true,
                               .rows = MICROBATCH_ROWS,
                               .microbatch_rows = MICROBATCH_ROWS,
                               .microbatches = 1,
                               .row_ids = ids};
    for (int i = 0; i < MICROBATCH_ROWS * WIDTH; i++) {
        const double x = drawn(1000 + m, i), t = drawn(2000 + m, i);
        if (net->graph->element_size == sizeof(double)) {
            ((double *)net->x->data)[i] = x;
            ((double *)net->target->data)[i] = t;
        } else {
            ((float *)net->x->data)[i] = (float)x;
            ((float *)net->target->data)[i] = (float)t;
        }
    }
    ls_graph_forward(net->graph, &run, gradients);
    return run;
}

static double loss_at(struct net *net, double *element, double value) {
    const double before = *element;
    *element = value;
    ls_graph_prepare(net->graph, net->flat);
    forward(net, 0, net->gradients);
    *element = before;
    double sum = 0;
    for (int i = 0; i < MICROBATCH_ROWS; i++)
        sum += ((const double *)net->loss->data)[2 * i];
    return sum;
}

START_TEST(gradients_have_the_slope_of_the_loss) {
    const double step = 1e-5;
    struct net net = make((struct ls_graph_options){.variant = LS_F64}, true);
    const struct ls_run run = forward(&net, 0, net.gradients);
    ls_graph_backward(net.graph, &run, net.gradients, NULL, NULL);
    double *found = ls_calloc((size_t)net.set->total, sizeof *found);
    memcpy(found, net.gradients, net.bytes);
    int checked = 0;
    for (int i = 0; i < net.set->count; i++) {
        const struct ls_parameter *p = net.set->items[i];
        for (int64_t k = 0; p->kind == LS_PARAMETER_WEIGHT && k < p->count; k++) {
            if (k % (p->layout == LS_LAYOUT_PANELS ? LS_PANEL : p->count) >= WIDTH)
                continue; /* padding */
            double *element = (double *)net.flat + p->offset + k;
            const double slope = (loss_at(&net, element, *element + step) -
                                  loss_at(&net, element, *element - step)) /
                                 (2 * step);
            const double gradient = found[p->offset + k];
            ck_assert_msg(fabs(slope - gradient) < 1e-7 * (1 + fabs(slope)),
                          "%s, element %lld: %.12g, the slope is %.12g", p->name, (long long)k,
                          gradient, slope);
            checked++;
        }
    }
    ck_assert_int_eq(checked, WIDTH * WIDTH + 3 * WIDTH);
    free(found);
    destroy(&net);
}
END_TEST

/* Slot `name` of copy `use`. */
static const float *slot_of(const struct net *net, int use, const char *name) {
    char full[LS_NAME_MAX];
    snprintf(full, sizeof full, "use%d.%s", use, name);
    return (const float *)net->gradients + ls_parameters_find(net->set, full)->offset;
}

/* In the order in which the uses come: backward's from the last on, statistics from the first on;
 * whatever the memory plan. */
START_TEST(a_slot_is_the_sum_of_the_uses_in_their_order) {
    const struct ls_graph_options options[] = {
        {0}, {.no_fusion = true}, {.keep_all = true}, {.rows_max = 3 * MICROBATCH_ROWS}};
    for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
        struct ls_graph_options with = options[o];
        with.variant = ls_variant_best();
        struct net tied = make(with, true), copies = make(with, false);
        struct net *const nets[] = {&tied, &copies};
        for (int n = 0; n < 2; n++) {
            memset(nets[n]->gradients, 0xff, nets[n]->bytes);
            memset(nets[n]->graph->arena, 0xff, nets[n]->graph->arena_bytes);
            const struct ls_run run = forward(nets[n], 0, nets[n]->gradients);
            ls_graph_backward(nets[n]->graph, &run, nets[n]->gradients, NULL, NULL);
        }
        ck_assert(ls_graph_single_microbatch(tied.graph));
        ck_assert(!ls_graph_single_microbatch(copies.graph));
        ck_assert_mem_eq(tied.loss->data, copies.loss->data, 2 * MICROBATCH_ROWS * sizeof(float));
        for (int i = 0; i < tied.set->count; i++) {
            const struct ls_parameter *p = tied.set->items[i];
            const char *name = strrchr(p->name, '.') + 1;
            const bool statistic = p->kind == LS_PARAMETER_STATISTIC;
            ck_assert_int_eq(p->uses, USES);
            const float *found = (const float *)tied.gradients + p->offset;
            const float *a = slot_of(&copies, statistic ? 0 : 2, name);
            const float *b = slot_of(&copies, 1, name);
            const float *c = slot_of(&copies, statistic ? 2 : 0, name);
            for (int64_t k = 0; k < p->count; k++)
                ck_assert_msg(found[k] == (a[k] + b[k]) + c[k], "%s, element %lld: %g, not %g",
                              p->name, (long long)k, (double)found[k],
                              (double)((a[k] + b[k]) + c[k]));
            ck_assert(found[0] != 0);
        }
        destroy(&tied);
        destroy(&copies);
    }
}
END_TEST

/* A rank's microbatches into its one partial, one after the other. */
static void run_rank(struct net *net, int first, int count, float *partial) {
    struct ls_accumulator *accumulator =
        ls_accumulator_create(MICROBATCHES, first, count, 1, net->set->total, &partial);
    for (int i = 0; i < ls_accumulator_pieces(accumulator); i++) {
        float *gradients = ls_accumulator_buffer(accumulator, i);
        memset(gradients, 0xff, net->bytes);
        const struct ls_run run =
            forward(net, ls_accumulator_piece(accumulator, i).node.first, gradients);
        ls_graph_backward(net->graph, &run, gradients, NULL, NULL);
        ls_accumulator_ready(accumulator, i, 0, net->set->total);
    }
    ls_accumulator_destroy(accumulator);
}

START_TEST(the_sum_is_the_same_on_any_number_of_ranks) {
    struct net net = make((struct ls_graph_options){.variant = ls_variant_best()}, true);
    const size_t total = (size_t)net.set->total;
    float *expected = ls_calloc(total, sizeof *expected);
    float *partials[MICROBATCHES];
    for (int r = 0; r < MICROBATCHES; r++)
        partials[r] = ls_calloc(total, sizeof *partials[r]);
    for (int ranks = 1; ranks <= MICROBATCHES; ranks *= 2) {
        const int count = MICROBATCHES / ranks;
        for (int r = 0; r < ranks; r++)
            run_rank(&net, r * count, count, partials[r]);
        for (int stride = 1; stride < ranks; stride *= 2) /* the tree over a power of two */
            for (int r = 0; r + stride < ranks; r += 2 * stride)
                for (size_t k = 0; k < total; k++)
                    partials[r][k] += partials[r + stride][k];
        if (ranks == 1)
            memcpy(expected, partials[0], net.bytes);
        ck_assert_msg(!memcmp(expected, partials[0], net.bytes), "%d ranks", ranks);
    }
    for (int r = 0; r < MICROBATCHES; r++)
        free(partials[r]);
    free(expected);
    destroy(&net);
}
END_TEST

/* A graph of another group, and one that only answers, may run many microbatches at once. */
START_TEST(where_nothing_learns_uses_cost_nothing) {
    const struct ls_graph_options options[] = {{.inference = true}, {.group = 1}};
    for (int o = 0; o < 2; o++) {
        struct ls_graph_options with = options[o];
        with.variant = ls_variant_best();
        struct net net = make(with, true);
        ck_assert(!ls_graph_single_microbatch(net.graph));
        for (int i = 0; i < net.set->count; i++)
            ck_assert_int_eq(net.set->items[i]->uses, 0);
        destroy(&net);
    }
}
END_TEST

LS_SUITE(gradients_have_the_slope_of_the_loss, a_slot_is_the_sum_of_the_uses_in_their_order,
         the_sum_is_the_same_on_any_number_of_ranks, where_nothing_learns_uses_cost_nothing)
