/* Items of `lockstep bench kernels`: the optimisers' pass over parameters, gradients and state. */
#include <stdio.h>

#include "core/tensor/kernels/table.h"
#include "launcher/command/bench_kernels.h"

static const struct {
    const char *name;
    enum ls_update_rule rule;
    int states;
} rules[] = {
    {"update_sgd_momentum", LS_UPDATE_MOMENTUM, 1},
    {"update_adam", LS_UPDATE_ADAM, 2},
};

static const struct ls_update_factors factors = {.scale = 0.01f,
                                                 .clip_value = INFINITY,
                                                 .clip_factor = 1,
                                                 .shrink = 1,
                                                 .rate = 1e-3f,
                                                 .momentum = 0.9f,
                                                 .keep1 = 0.9f,
                                                 .take1 = 0.1f,
                                                 .keep2 = 0.999f,
                                                 .take2 = 0.001f,
                                                 .root = 1,
                                                 .epsilon = 1e-8f};

struct update {
    const struct ls_kernels *kernels;
    enum ls_update_rule rule;
    struct ls_update_range range;
};

static void run_update(void *context) {
    struct update *u = context;
    u->kernels->update(u->rule, &factors, &u->range);
}

/* The first step from zero state, against the formula in double. */
static double error_of(struct update *u, struct ls_bench_array p, struct ls_bench_array g) {
    double largest = 0;
    struct ls_bench_array before = ls_bench_array(p.count, 1);
    run_update(u);
    for (int64_t i = 0; i < p.count; i++) {
        const double mean = (double)g.data[i] * (double)factors.scale;
        double change = mean;
        if (u->rule == LS_UPDATE_ADAM)
            change = (double)factors.take1 * mean /
                     (sqrt((double)factors.take2 * mean * mean) + (double)factors.epsilon);
        const double expected = (double)before.data[i] - (double)factors.rate * change;
        const double error = fabs((double)p.data[i] - expected);
        largest = error <= largest ? largest : error;
    }
    ls_bench_array_destroy(before);
    return largest;
}

static void bench_update(struct ls_bench *bench, int rule, int64_t count) {
    char shape[32];
    snprintf(shape, sizeof shape, "%dM", (int)(count >> 20));
    if (!ls_bench_wants(bench, rules[rule].name, shape))
        return;
    struct ls_bench_array p = ls_bench_array(count, 1), g = ls_bench_array(count, 2), state[2];
    for (int i = 0; i < 2; i++)
        state[i] = ls_bench_array(count, 0);
    struct update u = {.kernels = bench->kernels,
                       .rule = rules[rule].rule,
                       .range = {.count = count, .parameters = p.data, .sums = g.data}};
    for (int i = 0; i < rules[rule].states; i++)
        u.range.state[i] = state[i].data;
    const struct ls_bench_item item = {
        .kernel = rules[rule].name,
        .shape = shape,
        .bytes = (double)count * sizeof(float) * (3 + 2 * rules[rule].states),
        .elements = (double)count,
        .calls = {{run_update, &u}},
        .error = error_of(&u, p, g),
        .tolerance = 1e-6,
    };
    ls_bench_item(bench, &item);
    ls_bench_array_destroy(p);
    ls_bench_array_destroy(g);
    for (int i = 0; i < 2; i++)
        ls_bench_array_destroy(state[i]);
}

void ls_bench_updates(struct ls_bench *bench) {
    for (int rule = 0; rule < (int)(sizeof rules / sizeof *rules); rule++) {
        bench_update(bench, rule, 1 << 20);
        bench_update(bench, rule, 8 << 20);
    }
}
