/* Each optimiser over 50 steps, against textbook formulas in double and against PyTorch 1.13. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/optim/average.h"
#include "core/optim/optimizer.h"
#include "tests/support/support.h"

enum { STEPS = 50, FIGURES = 4, ELEMENTS_MAX = 512 };

/* From torch.optim (SGD, RMSprop, Adagrad, Adam, AdamW with the options below), in Python:
 *   p = torch.tensor([(i * 13 % 29 - 14) / 16 for i in range(4)], requires_grad=True); o =
 * OPTIMIZER([p]) for t in range(1, 51): p.grad = torch.tensor([((i * 37 + t * 11) % 101 - 50) / 64
 * for i in range(4)]); o.step() print(p) */
static const struct example {
    struct ls_optimizer_options options;
    double torch[FIGURES];
    const char *states[3];
} examples[] = {
    {{.name = LS_SGD, .learning_rate = 0.05, .weight_decay = 0.01},
     {-0.7834036, -0.09449572, 0.7513648, -0.1696896},
     {0}},
    {{.name = LS_MOMENTUM, .learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.01},
     {-0.4970916, -0.1340264, 0.8284047, 0.09257971},
     {"momentum"}},
    {{.name = LS_NESTEROV, .learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.01},
     {-0.447518, -0.1586142, 0.8197467, 0.1380744},
     {"momentum"}},
    {{.name = LS_RMSPROP,
      .learning_rate = 0.01,
      .decay_rate = 0.95,
      .epsilon = 1e-6,
      .weight_decay = 0.01},
     {-0.8248711, -0.1435923, 0.7012647, -0.2221026},
     {"moment2"}},
    {{.name = LS_RMSPROP,
      .learning_rate = 0.01,
      .decay_rate = 0.95,
      .epsilon = 1e-6,
      .rmsprop_momentum = 0.5},
     {-0.8068016, -0.2115535, 0.658803, -0.2040816},
     {"moment2", "momentum"}},
    {{.name = LS_RMSPROP,
      .learning_rate = 0.01,
      .decay_rate = 0.95,
      .epsilon = 1e-6,
      .centred = true},
     {-0.8345447, -0.1516933, 0.7068233, -0.2252186},
     {"moment2", "moment1"}},
    {{.name = LS_RMSPROP,
      .learning_rate = 0.01,
      .decay_rate = 0.95,
      .epsilon = 1e-6,
      .centred = true,
      .rmsprop_momentum = 0.5},
     {-0.8030716, -0.2247627, 0.6519854, -0.2034387},
     {"moment2", "moment1", "momentum"}},
    {{.name = LS_ADAGRAD, .learning_rate = 0.1, .epsilon = 1e-8, .weight_decay = 0.01},
     {-0.7640758, -0.2095712, 0.6643273, -0.1914737},
     {"sum_of_squares"}},
    {{.name = LS_ADAM,
      .learning_rate = 0.02,
      .beta1 = 0.9,
      .beta2 = 0.99,
      .epsilon = 1e-7,
      .weight_decay = 0.01},
     {-0.7744691, -0.09172629, 0.7280594, -0.1718777},
     {"moment1", "moment2"}},
    {{.name = LS_ADAMW,
      .learning_rate = 0.02,
      .beta1 = 0.9,
      .beta2 = 0.99,
      .epsilon = 1e-7,
      .weight_decay = 0.1},
     {-0.7142249, -0.08537696, 0.6726171, -0.1568865},
     {"moment1", "moment2"}},
    /* PyTorch has none: these are held against the papers' formulas alone */
    {{.name = LS_LARS, .learning_rate = 2, .momentum = 0.9, .weight_decay = 0.01, .trust = 0.02},
     {NAN},
     {"momentum"}},
    {{.name = LS_LAMB,
      .learning_rate = 0.01,
      .beta1 = 0.9,
      .beta2 = 0.99,
      .epsilon = 1e-6,
      .weight_decay = 0.1},
     {NAN},
     {"moment1", "moment2"}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static float initial(int64_t i) {
    return (float)(i * 13 % 29 - 14) / 16;
}

static float gradient(int64_t i, int step) {
    return (float)((i * 37 + step * 11) % 101 - 50) / 64;
}

static struct ls_parameter *add(struct ls_parameter_set *set, const char *name,
                                struct ls_shape shape, enum ls_parameter_kind kind, bool decay) {
    struct ls_parameter description = {
        .shape = shape, .kind = kind, .decay = decay, .momentum = 0.25};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
    return added;
}

struct bench {
    struct ls_parameter_set *set;
    const struct ls_parameter *weight, *bias, *statistic, *constant;
    float *parameters, *sums;
};

static struct bench bench_create(int64_t rows) {
    struct bench b = {.set = ls_parameters_create()};
    b.weight = add(b.set, "weight", LS_SHAPE(rows, 48), LS_PARAMETER_WEIGHT, true);
    b.bias = add(b.set, "bias", LS_SHAPE(48), LS_PARAMETER_WEIGHT, false);
    b.statistic = add(b.set, "mean", LS_SHAPE(48), LS_PARAMETER_STATISTIC, false);
    b.constant = add(b.set, "scale", LS_SHAPE(48), LS_PARAMETER_CONSTANT, false);
    ls_parameters_layout(b.set);
    b.parameters = aligned_alloc(64, (size_t)b.set->total * sizeof(float));
    b.sums = ls_calloc((size_t)b.set->total, sizeof(float));
    for (int64_t i = 0; i < b.set->total; i++)
        b.parameters[i] = initial(i);
    return b;
}

static void bench_destroy(struct bench *b) {
    ls_parameters_destroy(b->set);
    free(b->parameters);
    free(b->sums);
}

/* Sums over a batch of weight 4, so that the mean is exact. */
static struct ls_update next_update(struct bench *b, const struct ls_optimizer_options *o,
                                    int step) {
    for (int64_t i = 0; i < b->set->total; i++)
        b->sums[i] = 4 * gradient(i, step);
    return (struct ls_update){.step = (uint64_t)step,
                              .learning_rate = o->learning_rate,
                              .weight = 4,
                              .microbatches = 2,
                              .clip_factor = 1};
}

/* A part of a slice, as a thread has it. */
struct part {
    struct ls_optimizer *optimizer;
    int64_t begin; /* of the slice */
    int64_t first, end;
};

/* A step of all parts, which cover the buffer in order, as a worker takes it; `last` parts of them
 * are updated. */
static void step_parts(const struct part *parts, int count, int last, struct bench *b,
                       struct ls_update update) {
    double parameters[16], steps[16];
    int64_t blocks = 0;
    for (int i = 0; i < count && ls_optimizer_measures(parts[i].optimizer); i++) {
        update.first = parts[i].first;
        update.end = parts[i].end;
        ls_optimizer_measure(parts[i].optimizer, &update, b->parameters, b->sums + parts[i].begin,
                             (struct ls_measures){parameters + blocks, steps + blocks});
        blocks += ls_norm_blocks(b->set, parts[i].first, parts[i].end);
        ck_assert_int_le(blocks, 16);
    }
    for (int i = 0; i < count && blocks; i++)
        ls_optimizer_trust(parts[i].optimizer, (struct ls_range){0, b->set->total},
                           (struct ls_measures){parameters, steps});
    for (int i = count - last; i < count; i++) {
        update.first = parts[i].first;
        update.end = parts[i].end;
        ls_optimizer_step(parts[i].optimizer, &update, b->parameters, b->sums + parts[i].begin);
    }
}

static void step_all(struct ls_optimizer *optimizer, struct bench *b,
                     const struct ls_update *update) {
    step_parts(&(struct part){optimizer, 0, 0, b->set->total}, 1, 1, b, *update);
}

/* What lars and lamb multiply the rate of the elements [0, count) by: You et al. 2017, equation 6
 * and 2020, algorithm 2. */
static double trust(const struct ls_optimizer_options *o, int t, const double *p, double (*s)[3],
                    int64_t count) {
    double own = 0, step = 0;
    for (int64_t i = 0; i < count; i++) {
        const double g = (double)gradient(i, t);
        const double m = s[i][0] + (1 - o->beta1) * (g - s[i][0]);
        const double v = s[i][1] + (1 - o->beta2) * (g * g - s[i][1]);
        const double r =
            m / (1 - pow(o->beta1, t)) / (sqrt(v / (1 - pow(o->beta2, t))) + o->epsilon) +
            o->weight_decay * p[i];
        own += p[i] * p[i];
        step += o->name == LS_LAMB ? r * r : g * g;
    }
    if (o->name == LS_LARS)
        return o->trust * sqrt(own) / (sqrt(step) + o->weight_decay * sqrt(own));
    return o->name == LS_LAMB ? sqrt(own / step) : 1;
}

/* One element by the textbook, at a rate; s: its state, zero at first. */
static double reference(const struct ls_optimizer_options *o, int t, double lr, double decay,
                        double p, double g, double s[3]) {
    if (o->name == LS_ADAMW)
        p -= lr * decay * p;
    else if (o->name != LS_LAMB)
        g += decay * p;
    switch ((enum ls_optimizer_kind)o->name) {
    case LS_SGD:
        return p - lr * g;
    case LS_MOMENTUM:
        s[0] = o->momentum * s[0] + g;
        return p - lr * s[0];
    case LS_NESTEROV:
        s[0] = o->momentum * s[0] + g;
        return p - lr * (g + o->momentum * s[0]);
    case LS_RMSPROP:
        s[0] += (1 - o->decay_rate) * (g * g - s[0]);
        s[1] += (1 - o->decay_rate) * (g - s[1]);
        s[2] = o->rmsprop_momentum * s[2] +
               g / (sqrt(s[0] - (o->centred ? s[1] * s[1] : 0)) + o->epsilon);
        return p - lr * s[2];
    case LS_ADAGRAD:
        s[0] += g * g;
        return p - lr * g / (sqrt(s[0]) + o->epsilon);
    case LS_ADAM:
    case LS_ADAMW:
        s[0] += (1 - o->beta1) * (g - s[0]);
        s[1] += (1 - o->beta2) * (g * g - s[1]);
        return p - lr * s[0] / (1 - pow(o->beta1, t)) /
                       (sqrt(s[1] / (1 - pow(o->beta2, t))) + o->epsilon);
    case LS_LARS:
        s[0] = o->momentum * s[0] + lr * g;
        return p - s[0];
    case LS_LAMB:
        s[0] += (1 - o->beta1) * (g - s[0]);
        s[1] += (1 - o->beta2) * (g * g - s[1]);
        return p - lr * (s[0] / (1 - pow(o->beta1, t)) /
                             (sqrt(s[1] / (1 - pow(o->beta2, t))) + o->epsilon) +
                         decay * p);
    }
    return NAN;
}

START_TEST(steps_equal_the_textbook_and_pytorch) {
    for (int e = 0; e < EXAMPLES; e++) {
        const struct ls_optimizer_options *o = &examples[e].options;
        struct bench b = bench_create(3);
        struct ls_optimizer *optimizer =
            ls_optimizer_create(o, b.set, 0, b.set->total, ls_variant_best());
        double expected[ELEMENTS_MAX], state[ELEMENTS_MAX][3] = {{0}};
        ck_assert_int_le(b.set->total, ELEMENTS_MAX);
        for (int64_t i = 0; i < b.set->total; i++)
            expected[i] = (double)initial(i);
        for (int t = 1; t <= STEPS; t++) {
            const struct ls_update update = next_update(&b, o, t);
            const double share = trust(o, t, expected, state, b.bias->offset);
            step_all(optimizer, &b, &update);
            for (int64_t i = 0; i < b.statistic->offset; i++) {
                const bool weight = i < b.bias->offset; /* a bias neither decays nor is measured */
                expected[i] = reference(o, t, o->learning_rate * (weight ? share : 1),
                                        weight ? o->weight_decay : 0, expected[i],
                                        (double)gradient(i, t), state[i]);
            }
        }
        for (int64_t i = 0; i < b.statistic->offset; i++)
            ck_assert_msg(fabs((double)b.parameters[i] - expected[i]) < 2e-5,
                          "optimiser %d, element %d: %.9g, the textbook has %.9g", o->name, (int)i,
                          (double)b.parameters[i], expected[i]);
        for (int i = 0; i < FIGURES && !isnan(examples[e].torch[0]); i++)
            ck_assert_msg(fabs((double)b.parameters[i] - examples[e].torch[i]) < 5e-6,
                          "optimiser %d, element %d: %.9g, PyTorch has %.9g", o->name, i,
                          (double)b.parameters[i], examples[e].torch[i]);
        ls_optimizer_destroy(optimizer);
        bench_destroy(&b);
    }
}
END_TEST

START_TEST(state_arrays_have_names_and_start_at_zero) {
    for (int e = 0; e < EXAMPLES; e++) {
        struct bench b = bench_create(3);
        struct ls_optimizer *optimizer =
            ls_optimizer_create(&examples[e].options, b.set, 48, b.set->total, LS_F32_PORTABLE);
        const int count = ls_optimizer_state_count(optimizer);
        ck_assert_int_eq(count, !!examples[e].states[0] + !!examples[e].states[1] +
                                    !!examples[e].states[2]);
        for (int s = 0; s < count; s++) {
            ck_assert_str_eq(ls_optimizer_state_name(optimizer, s), examples[e].states[s]);
            for (int64_t i = 0; i < b.set->total - 48; i++)
                ck_assert(ls_optimizer_state(optimizer, s)[i] == 0);
        }
        ls_optimizer_destroy(optimizer);
        bench_destroy(&b);
    }
}
END_TEST

START_TEST(any_cut_and_any_instruction_set_give_the_same_bits) {
    for (int e = 0; e < EXAMPLES; e++)
        for (int v = 0; v < LS_F64; v++) {
            if (!ls_variant_supported((enum ls_variant)v))
                continue;
            const struct ls_optimizer_options *o = &examples[e].options;
            struct bench whole = bench_create(173), cut = bench_create(173);
            const int64_t total = whole.set->total,
                          at = 4096 + 32, /* units of the weight: its rows 0 .. 85, 86 .. 171 */
                next = 2 * at;
            struct ls_optimizer *all = ls_optimizer_create(o, whole.set, 0, total, LS_F32_PORTABLE);
            struct ls_optimizer *left = ls_optimizer_create(o, cut.set, 0, at, (enum ls_variant)v);
            struct ls_optimizer *right =
                ls_optimizer_create(o, cut.set, at, total, (enum ls_variant)v);
            const struct part parts[] = {
                {left, 0, 0, at}, {right, at, at, next}, {right, at, next, total}};
            for (int t = 1; t <= STEPS; t++) {
                struct ls_update update = next_update(&whole, o, t);
                step_all(all, &whole, &update);
                update = next_update(&cut, o, t);
                update.stream = t % 2;
                step_parts(parts, 3, 3, &cut, update);
            }
            ck_assert_mem_eq(whole.parameters, cut.parameters, (size_t)total * sizeof(float));
            const struct ls_update update = next_update(&whole, o, STEPS + 1);
            step_all(all, &whole, &update);
            next_update(&cut, o, STEPS + 1);
            step_parts(parts, 3, 1, &cut, update); /* the last part alone is updated */
            ck_assert_mem_eq(whole.parameters + next, cut.parameters + next,
                             (size_t)(total - next) * sizeof(float));
            ck_assert(memcmp(whole.parameters + at, cut.parameters + at, 48 * sizeof(float)));
            ls_optimizer_destroy(all);
            ls_optimizer_destroy(left);
            ls_optimizer_destroy(right);
            bench_destroy(&whole);
            bench_destroy(&cut);
        }
}
END_TEST

START_TEST(statistics_take_their_ordered_mean_and_constants_stay) {
    struct bench b = bench_create(3);
    struct ls_optimizer *optimizer =
        ls_optimizer_create(&examples[8].options, b.set, 0, b.set->total, ls_variant_best());
    const struct ls_update update = next_update(&b, &examples[8].options, 1);
    ls_optimizer_step(optimizer, &update, b.parameters, b.sums);
    for (int64_t i = b.statistic->offset; i < b.constant->offset; i++)
        ck_assert(b.parameters[i] == initial(i) + 0.25f * (b.sums[i] / 2));
    for (int64_t i = b.constant->offset; i < b.set->total; i++)
        ck_assert(b.parameters[i] == initial(i));
    /* several nodes learned it: each adds once per microbatch */
    const float before = b.parameters[b.statistic->offset];
    for (int i = 0; i < b.set->count; i++)
        b.set->items[i]->uses = b.set->items[i] == b.statistic ? 3 : 0;
    ls_optimizer_step(optimizer, &update, b.parameters, b.sums);
    ck_assert(b.parameters[b.statistic->offset] ==
              before + 0.25f * (b.sums[b.statistic->offset] / 6));
    ls_optimizer_destroy(optimizer);
    bench_destroy(&b);
}
END_TEST

START_TEST(clipping_limits_each_element_then_the_length) {
    struct bench b = bench_create(3);
    const struct ls_optimizer_options o = {.name = LS_SGD, .learning_rate = 1, .clip_value = 0.25};
    struct ls_optimizer *optimizer =
        ls_optimizer_create(&o, b.set, 0, b.set->total, ls_variant_best());
    struct ls_update update = next_update(&b, &o, 1);
    update.clip_factor = 0.5;
    ls_optimizer_step(optimizer, &update, b.parameters, b.sums);
    for (int64_t i = 0; i < b.statistic->offset; i++)
        ck_assert(b.parameters[i] ==
                  initial(i) - 0.5f * fminf(fmaxf(gradient(i, 1), -0.25f), 0.25f));
    b.sums[0] = NAN;
    ls_optimizer_step(optimizer, &update, b.parameters, b.sums);
    ck_assert_msg(isnan(b.parameters[0]), "clipping hid a NaN");
    ls_optimizer_destroy(optimizer);
    bench_destroy(&b);
}
END_TEST

START_TEST(factors_are_those_of_the_last_name_that_fits) {
    struct bench b = bench_create(3);
    const struct ls_optimizer_options o = {
        .name = LS_SGD, .learning_rate = 0.5, .factors = {2, {{"*", 2}, {"weight", 0.5}}}};
    struct ls_optimizer *optimizer =
        ls_optimizer_create(&o, b.set, 0, b.set->total, ls_variant_best());
    const struct ls_update update = next_update(&b, &o, 1);
    ls_optimizer_step(optimizer, &update, b.parameters, b.sums);
    for (int64_t i = 0; i < b.statistic->offset; i++)
        ck_assert(b.parameters[i] ==
                  initial(i) - (i < b.bias->offset ? 0.25f : 1.0f) * gradient(i, 1));
    ls_optimizer_destroy(optimizer);
    bench_destroy(&b);
}
END_TEST

START_TEST(an_average_weighs_the_steps_by_its_decay) {
    enum { COUNT = 37, LAST = 9 };
    float values[COUNT], average[COUNT];
    double sums[COUNT] = {0}, weights = 0;
    for (int64_t i = 0; i < COUNT; i++)
        average[i] = initial(i);
    for (int t = 1; t <= LAST; t++) {
        weights = 0.8 * weights + 1;
        for (int64_t i = 0; i < COUNT; i++) {
            values[i] = gradient(i, t);
            sums[i] = 0.8 * sums[i] + (double)values[i];
        }
        ls_average_step(ls_average_share(0.8, (uint64_t)t), COUNT, values, average);
        for (int64_t i = 0; i < COUNT;
             i++) /* the first step leaves nothing of the initial values */
            ck_assert_double_eq_tol((double)average[i], sums[i] / weights, 1e-6);
    }
}
END_TEST

START_TEST(defaults_and_limits_are_those_of_the_table) {
    struct ls_optimizer_options o;
    ls_fields_reset(ls_optimizer_fields, &o);
    ck_assert(o.name == LS_ADAM && o.learning_rate == 0.001 && o.momentum == 0.9 && o.beta1 == 0.9);
    ck_assert(o.beta2 == 0.999 && o.epsilon == 1e-8 && o.weight_decay == 0 && !o.centred);
    const char *const wrong[][2] = {
        {"name", "adma"},       {"momentum", "1"},           {"epsilon", "0"},
        {"clip_norm", "-1"},    {"factors", "{weight: -1}"}, {"factors", "{weight: 1, weight: 2}"},
        {"learning_rate", "-1"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert(ls_field_parse(ls_fields_find(ls_optimizer_fields, wrong[i][0]), wrong[i][1], &o,
                                 &ls_test_error) == LS_INVALID);
}
END_TEST

LS_SUITE(steps_equal_the_textbook_and_pytorch, state_arrays_have_names_and_start_at_zero,
         any_cut_and_any_instruction_set_give_the_same_bits,
         statistics_take_their_ordered_mean_and_constants_stay,
         clipping_limits_each_element_then_the_length, factors_are_those_of_the_last_name_that_fits,
         an_average_weighs_the_steps_by_its_decay, defaults_and_limits_are_those_of_the_table)
