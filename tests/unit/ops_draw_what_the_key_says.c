/* noise, gaussian_noise and sample_normal: their draws are functions of seed, node, step, row and
 * position, and of nothing else. */
#include <math.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

enum { ROWS = 40, WIDTH = 301 };

static const struct ls_op_case normal = {
    .name = "normal",
    .options = &(const struct ls_noise_options){.row_shape = LS_CASE_SHAPE(WIDTH)},
    .options_size = sizeof(struct ls_noise_options),
    .rows = ROWS,
    .microbatches = 4};
static const struct ls_op_case uniform = {
    .name = "uniform",
    .options = &(const struct ls_noise_options){.row_shape = LS_CASE_SHAPE(WIDTH),
                                                .kind = LS_NOISE_UNIFORM},
    .options_size = sizeof(struct ls_noise_options),
    .rows = ROWS,
    .microbatches = 4};
static const struct ls_op_case noisy = {
    .name = "noisy",
    .options = &(const struct ls_gaussian_noise_options){.deviation = 0.5},
    .options_size = sizeof(struct ls_gaussian_noise_options),
    .input_count = 1,
    .inputs = {{.shape = LS_CASE_SHAPE(ROWS, WIDTH), .low = -1, .high = 1}},
    .microbatches = 4};
static const struct ls_op_case sample = {
    .name = "sample",
    .input_count = 2,
    .inputs = {{.shape = LS_CASE_SHAPE(ROWS, WIDTH), .low = -1, .high = 1},
               {.shape = LS_CASE_SHAPE(ROWS, WIDTH), .low = -1, .high = 1}},
    .microbatches = 4,
    .evaluation = true};

/* The draw for a position of the trial's runs: seed 3, the graph's first node, step 5. */
static double drawn(uint64_t row, int position) {
    return (double)(float)ls_random_normal(ls_random_key(3, 0, 5, row), (uint64_t)position);
}

static struct trial *run(enum ls_op_id id, const struct ls_op_case *example,
                         enum ls_variant variant) {
    struct trial *trial = trial_create(id, example, variant, false);
    trial_run(trial, 0, 4, true);
    return trial;
}

START_TEST(noise_goes_by_the_position_in_the_global_batch) {
    struct trial *trial = run(LS_OP_noise, &normal, ls_variant_best());
    for (int i = 0; i < ROWS * WIDTH; i++)
        ck_assert_msg(trial->result[i] == drawn((uint64_t)(i / WIDTH), i % WIDTH),
                      "element %d is %a", i, trial->result[i]);
    trial_destroy(trial);
}
END_TEST

START_TEST(noise_is_the_same_in_double) {
    struct trial *one = run(LS_OP_noise, &normal, LS_F64);
    struct trial *other = run(LS_OP_noise, &normal, LS_F32_PORTABLE);
    ck_assert_mem_eq(one->result, other->result, ROWS * WIDTH * sizeof(double));
    trial_destroy(one);
    trial_destroy(other);
}
END_TEST

START_TEST(uniform_noise_fills_its_range) {
    struct trial *trial = run(LS_OP_noise, &uniform, ls_variant_best());
    double low = 1, high = -1, sum = 0, squares = 0;
    for (int i = 0; i < ROWS * WIDTH; i++) {
        low = fmin(low, trial->result[i]);
        high = fmax(high, trial->result[i]);
        sum += trial->result[i];
        squares += trial->result[i] * trial->result[i];
    }
    ck_assert(low >= -1 && low < -0.999 && high < 1 && high > 0.999);
    ck_assert_double_eq_tol(sum / (ROWS * WIDTH), 0, 0.021); /* four standard errors */
    ck_assert_double_eq_tol(squares / (ROWS * WIDTH), 1.0 / 3, 0.011);
    trial_destroy(trial);
}
END_TEST

START_TEST(noise_on_an_input_goes_by_its_row) {
    struct trial *trial = run(LS_OP_gaussian_noise, &noisy, LS_F64);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        const double e = drawn(trial->row_ids[i / WIDTH], i % WIDTH);
        ck_assert_double_eq_tol(trial->result[i], trial->values[0][i] + 0.5 * e, 1e-15);
        ck_assert(trial->by_input[0][i] == trial->slopes[i]);
    }
    trial_destroy(trial);
}
END_TEST

START_TEST(an_input_is_left_alone_in_evaluation) {
    struct ls_op_case still = noisy;
    still.evaluation = true;
    struct trial *trial = run(LS_OP_gaussian_noise, &still, ls_variant_best());
    ck_assert_mem_eq(trial->result, trial->values[0], ROWS * WIDTH * sizeof(double));
    trial_destroy(trial);
}
END_TEST

START_TEST(a_sample_is_drawn_in_evaluation_too) {
    struct trial *trial = run(LS_OP_sample_normal, &sample, LS_F64);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        const double e = drawn(trial->row_ids[i / WIDTH], i % WIDTH),
                     deviation = exp(trial->values[1][i] / 2);
        ck_assert_double_eq_tol(trial->result[i], trial->values[0][i] + deviation * e, 1e-14);
        ck_assert_double_eq_tol(trial->by_input[1][i], trial->slopes[i] * e * deviation / 2, 1e-14);
    }
    trial_destroy(trial);
}
END_TEST

START_TEST(a_run_may_ask_for_the_mean) {
    for (int joined = 0; joined < 2; joined++) {
        struct trial *trial = trial_create(LS_OP_sample_normal, &sample, ls_variant_best(), joined);
        trial->mean_only = true;
        trial_run(trial, 0, 4, true);
        ck_assert_mem_eq(trial->result, trial->values[0], ROWS * WIDTH * sizeof(double));
        for (int i = 0; i < ROWS * WIDTH; i++)
            ck_assert(trial->by_input[1][i] == (joined ? trial->side_slopes[1][i] : 0));
        trial_destroy(trial);
    }
}
END_TEST

/* A graph of sequences of `positions`, all at once or (step) one by one. */
struct sequences {
    struct ls_parameter_set *set;
    struct ls_graph *graph;
    struct ls_value *mean, *variance, *output;
};

static struct sequences record_sequences(int64_t positions, int64_t step) {
    struct sequences s = {.set = ls_parameters_create()};
    s.graph = ls_graph_create(&(const struct ls_graph_options){.variant = ls_variant_best(),
                                                               .rows_max = 2,
                                                               .parameters = s.set,
                                                               .inference = true,
                                                               .step_positions = step});
    s.mean = ls_graph_input(s.graph, "mean", LS_SHAPE(positions, 3), LS_TYPE_REAL);
    s.variance = ls_graph_input(s.graph, "variance", LS_SHAPE(positions, 3), LS_TYPE_REAL);
    s.output = ls_sample_normal(s.graph, s.mean, s.variance);
    ls_graph_keep(s.graph, s.output);
    ls_require(ls_graph_plan(s.graph, &ls_test_error));
    ls_graph_prepare(s.graph, NULL);
    return s;
}

static void destroy_sequences(struct sequences *s) {
    ls_graph_destroy(s->graph);
    ls_parameters_destroy(s->set);
}

START_TEST(positions_one_by_one_draw_what_all_together_draw) {
    struct sequences all = record_sequences(4, 0), step = record_sequences(1, 4);
    const uint64_t ids[] = {8, 3};
    struct ls_run run = {.rows = 2, .microbatch_rows = 2, .microbatches = 1, .row_ids = ids};
    memset(all.mean->data, 0, 24 * sizeof(float));
    memset(all.variance->data, 0, 24 * sizeof(float));
    memset(step.mean->data, 0, 6 * sizeof(float));
    memset(step.variance->data, 0, 6 * sizeof(float));
    ls_graph_forward(all.graph, &run, NULL);
    for (run.position = 0; run.position < 4; run.position++) {
        ls_graph_forward(step.graph, &run, NULL);
        for (int n = 0; n < 2; n++)
            ck_assert_mem_eq((float *)step.output->data + 3 * n,
                             (float *)all.output->data + (int64_t)12 * n + 3 * run.position,
                             3 * sizeof(float));
    }
    destroy_sequences(&all);
    destroy_sequences(&step);
}
END_TEST

/* Noise, a linear map, an activation in place, and a loss against the noise that was drawn: planned
 * with shared memory, and with gradients that reach the weights. */
START_TEST(a_network_can_start_from_noise) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = ls_graph_create(&(const struct ls_graph_options){
        .variant = LS_F32_PORTABLE, .rows_max = 4, .parameters = set});
    const struct ls_initialiser one = {.kind = LS_INIT_CONSTANT, .scale = 1};
    struct ls_value *target = ls_graph_input(graph, "t", LS_SHAPE(1), LS_TYPE_REAL);
    struct ls_value *e = ls_tanh(graph, ls_noise(graph, LS_SHAPE(1), LS_NOISE_NORMAL));
    struct ls_value *weight = ls_graph_parameter(graph, "w", LS_SHAPE(1, 1), LS_LAYOUT_PANELS,
                                                 LS_PARAMETER_WEIGHT, false, 0, one);
    struct ls_value *y = ls_linear(graph, e, weight, NULL);
    struct ls_value *loss = ls_squared_error(graph, y, target, NULL, NULL);
    ls_graph_keep(graph, y);
    ls_graph_set_loss(graph, loss);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    float *flat = ls_memory_map(2 * (size_t)set->total * sizeof *flat);
    ls_parameters_initialise(set, 1, flat);
    ls_graph_prepare(graph, flat);
    const struct ls_run run = {.training = true,
                               .rows = 3,
                               .microbatch_rows = 3,
                               .microbatches = 1,
                               .seed = 3,
                               .step = 5,
                               .row_first = 7};
    memset(target->data, 0, 3 * sizeof(float));
    ls_graph_forward(graph, &run, flat + set->total);
    double slope = 0;
    for (int n = 0; n < 3; n++) {
        const double expected = tanh(drawn((uint64_t)(7 + n), 0));
        ck_assert_double_eq_tol((double)((float *)y->data)[n], expected, 1e-6);
        slope += 2 * expected * expected;
    }
    ls_graph_backward(graph, &run, flat + set->total, NULL, NULL);
    ck_assert_double_eq_tol((double)flat[set->total + weight->parameter->offset], slope, 1e-5);
    ls_memory_unmap(flat, 2 * (size_t)set->total * sizeof *flat);
    ls_graph_destroy(graph);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(noise_goes_by_the_position_in_the_global_batch, noise_is_the_same_in_double,
         uniform_noise_fills_its_range, noise_on_an_input_goes_by_its_row,
         an_input_is_left_alone_in_evaluation, a_sample_is_drawn_in_evaluation_too,
         a_run_may_ask_for_the_mean, positions_one_by_one_draw_what_all_together_draw,
         a_network_can_start_from_noise)
