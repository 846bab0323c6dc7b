/* Losses against their definitions, and where naive forms would overflow. */
#include <math.h>
#include <string.h>

#include "core/ops/options.h"
#include "core/graph/ops.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

static double squared(double x, double t) {
    return (x - t) * (x - t);
}

static double absolute(double x, double t) {
    return fabs(x - t);
}

static double binary(double x, double t) {
    const double s = 1 / (1 + exp(-x));
    return -t * log(s) - (1 - t) * log(1 - s);
}

static double huber_quarter(double x, double t) {
    const double d = fabs(x - t);
    return d <= 0.25 ? d * d / 2 : 0.25 * (d - 0.125);
}

static double pinball(double x, double t) { /* 0.75 */
    return fmax(0.75 * (t - x), -0.25 * (t - x));
}

static double divergence(double mean, double v) {
    return -(1 + v - mean * mean - exp(v)) / 2;
}

static double near_or_far(double x, double t) {
    return t * x * x / 2 + (1 - t) * pow(fmax(0, 1 - x), 2) / 2;
}

static double near_or_far_squared(double x, double t) {
    return near_or_far(sqrt(x), t);
}

static double nearer(double x, double t) {
    return fmax(0, x - t + 1);
}

static double taken_for_real(double x, double t) {
    (void)t;
    return -log(1 / (1 + exp(-x)));
}

static double known_as_made(double x, double t) {
    (void)t;
    return -log(1 - 1 / (1 + exp(-x)));
}

static double above_one(double x, double t) {
    (void)t;
    return fmax(0, 1 - x);
}

static double below_minus_one(double x, double t) {
    (void)t;
    return fmax(0, 1 + x);
}

static double minus(double x, double t) {
    (void)t;
    return -x;
}

/* How much element i of sample n counts, as the third input says. */
static double counted(const struct trial *trial, int64_t n, int64_t i, int64_t count) {
    const struct ls_op_case_input *valid = &trial->example->inputs[2];
    if (trial->example->input_count < 3 || valid->absent)
        return 1;
    if (valid->integer)
        return i < (int64_t)trial->values[2][n] * (count / trial->example->inputs[0].shape.dims[1]);
    const int64_t weights = ls_shape_row_count(valid->shape);
    return trial->values[2][n * weights + i * weights / count];
}

/* Every sample is the mean (sum) over its elements of weight * loss; its weight is the mean
 * weight. */
static void check_elements(enum ls_op_id id, int example, bool summed,
                           double (*loss)(double x, double t)) {
    struct trial *trial = trial_create(id, &ls_ops_f64[id]->cases[example], LS_F64, false);
    const int64_t count = ls_shape_row_count(trial->example->inputs[0].shape);
    const double *x = trial->values[0], *t = trial->values[1] ? trial->values[1] : x;
    trial_run(trial, 0, trial_microbatches(trial), false);
    for (int64_t n = 0; n < trial->rows; n++) {
        double sum = 0, weight = 0;
        for (int64_t i = 0; i < count; i++) {
            const double counts = counted(trial, n, i, count);
            sum += counts * loss(x[n * count + i], t[n * count + i]);
            weight += counts;
        }
        const double expected = summed ? sum : sum / (double)count;
        ck_assert_msg(fabs(trial->result[2 * n] - expected) < (summed ? 1e-9 : 1e-10),
                      "%s: sample %lld is %g", trial_name(trial), (long long)n,
                      trial->result[2 * n]);
        if (trial->example->input_count < 3)
            ck_assert_double_eq(trial->result[2 * n + 1], 1);
        ck_assert_double_eq_tol(trial->result[2 * n + 1], weight / (double)count, 1e-12);
    }
    trial_destroy(trial);
}

START_TEST(element_losses_are_means_over_a_sample) {
    check_elements(LS_OP_squared_error, 1, false, squared);
    check_elements(LS_OP_absolute_error, 1, false, absolute);
    check_elements(LS_OP_binary_cross_entropy, 1, false, binary);
    check_elements(LS_OP_huber, 1, false, huber_quarter);
    check_elements(LS_OP_contrastive, 0, false, near_or_far);
    check_elements(LS_OP_contrastive, 1, false, near_or_far_squared);
    check_elements(LS_OP_triplet, 0, false, nearer);
    check_elements(LS_OP_adversarial, 0, false, taken_for_real);
    check_elements(LS_OP_adversarial, 1, false, known_as_made);
    check_elements(LS_OP_adversarial, 2, false, above_one);
    check_elements(LS_OP_adversarial, 3, false, below_minus_one);
    check_elements(LS_OP_adversarial, 4, false, minus);
}
END_TEST

START_TEST(element_losses_may_be_summed) {
    check_elements(LS_OP_binary_cross_entropy, 2, true, binary);
    check_elements(LS_OP_kl_normal, 1, true, divergence);
}
END_TEST

START_TEST(only_what_counts_is_taken) {
    check_elements(LS_OP_squared_error, 2, false, squared);
    check_elements(LS_OP_squared_error, 3, true, squared);
    check_elements(LS_OP_absolute_error, 2, false, absolute);
    check_elements(LS_OP_binary_cross_entropy, 3, false, binary);
    check_elements(LS_OP_quantile, 1, false, pinball);
}
END_TEST

static const struct ls_op_case weighted = {
    .name = "weights, some 0",
    .input_count = 3,
    .inputs = {{.shape = LS_CASE_SHAPE(2, 4, 3), .low = -2, .high = 2},
               {.shape = LS_CASE_SHAPE(2, 4, 3), .low = -2, .high = 2},
               {.shape = LS_CASE_SHAPE(2, 4), .constant = true, .low = 1, .high = 1}}};
static const struct ls_op_case cut = {
    .name = "lengths",
    .input_count = 3,
    .inputs = {
        {.shape = LS_CASE_SHAPE(2, 4, 3), .low = -2, .high = 2},
        {.shape = LS_CASE_SHAPE(2, 4, 3), .low = -2, .high = 2},
        {.shape = LS_CASE_SHAPE(2), .integer = true, .constant = true, .low = 3, .high = 3}}};

/* The last position of both samples does not count, and what stands there does not matter. */
static void check_left_out(const struct ls_op_case *example) {
    struct trial *trial = trial_create(LS_OP_squared_error, example, ls_variant_best(), false);
    for (int64_t n = 0; n < 2; n++) {
        if (!example->inputs[2].integer)
            trial->values[2][4 * n + 3] = 0;
        for (int i = 0; i < 3; i++)
            trial->values[1][12 * n + 9 + i] = (double)NAN; /* a missing target */
    }
    trial_run(trial, 0, 1, true);
    for (int64_t n = 0; n < 2; n++) {
        ck_assert(isfinite(trial->result[2 * n]));
        ck_assert_double_eq(trial->result[2 * n + 1], 0.75);
        for (int i = 0; i < 12; i++) {
            const double slope = trial->by_input[0][12 * n + i];
            ck_assert(i < 9 ? slope != 0 : slope == 0 && !signbit(slope));
        }
    }
    trial_destroy(trial);
}

START_TEST(what_does_not_count_gives_exact_zeros) {
    check_left_out(&weighted);
    check_left_out(&cut);
}
END_TEST

/* All positions valid: the bits of a call without the third input. */
START_TEST(weights_of_one_change_no_bit) {
    struct ls_op_case all = weighted, without = weighted;
    without.input_count = 2;
    struct trial *one = trial_create(LS_OP_squared_error, &all, ls_variant_best(), false);
    struct trial *other = trial_create(LS_OP_squared_error, &without, ls_variant_best(), false);
    trial_run(one, 0, 1, true);
    trial_run(other, 0, 1, true);
    ck_assert_mem_eq(one->result, other->result, 4 * sizeof(double));
    ck_assert_mem_eq(one->by_input[0], other->by_input[0], 24 * sizeof(double));
    trial_destroy(one);
    trial_destroy(other);
}
END_TEST

START_TEST(the_likelihood_of_a_normal_distribution) {
    const struct ls_op_case *example = &ls_ops_f64[LS_OP_gaussian_nll]->cases[1];
    struct trial *trial = trial_create(LS_OP_gaussian_nll, example, LS_F64, false);
    const int64_t count = ls_shape_row_count(example->inputs[0].shape);
    trial_run(trial, 0, 1, false);
    for (int64_t n = 0; n < trial->rows; n++) {
        const int64_t length = (int64_t)trial->values[3][n];
        double sum = 0;
        for (int64_t i = n * count; i < n * count + length * 91; i++) {
            const double deviation = exp(trial->values[1][i] / 2),
                         d = (trial->values[2][i] - trial->values[0][i]) / deviation;
            sum -= log(exp(-d * d / 2) / (deviation * sqrt(2 * M_PI)));
        }
        ck_assert_double_eq_tol(trial->result[2 * n], sum, 1e-9);
        ck_assert_double_eq(trial->result[2 * n + 1], (double)length / 4);
    }
    trial_destroy(trial);
}
END_TEST

START_TEST(terms_are_weighted_and_brought_to_the_first_ones_weight) {
    static const double factors[LS_TERMS_MAX] = {1, 4, 0.25}, weights[] = {1, 0.5, 3};
    const struct ls_op_case *example = &ls_ops_f64[LS_OP_weighted_loss]->cases[1];
    struct trial *trial = trial_create(LS_OP_weighted_loss, example, LS_F64, false);
    for (int with = 0; with < 2; with++) {
        trial->term_factors = with ? factors : NULL;
        trial_run(trial, 0, 1, true);
        for (int64_t n = 0; n < trial->rows; n++) {
            double sum = 0;
            for (int i = 0; i < 3; i++) {
                const double factor = weights[i] * (with ? factors[i] : 1);
                sum += factor * trial->values[i][2 * n];
                ck_assert_double_eq_tol(trial->by_input[i][2 * n], factor * trial->slopes[2 * n],
                                        1e-14);
                ck_assert_double_eq(trial->by_input[i][2 * n + 1], 0);
            }
            ck_assert_double_eq_tol(trial->result[2 * n], sum, 1e-12);
            ck_assert_double_eq(trial->result[2 * n + 1], trial->values[0][2 * n + 1]);
        }
    }
    trial_destroy(trial);
}
END_TEST

/* Where a distance of 0 would give an infinite slope. */
START_TEST(pairs_at_no_distance_keep_a_finite_slope) {
    struct trial *trial = trial_create(LS_OP_contrastive, &ls_ops_f64[LS_OP_contrastive]->cases[1],
                                       ls_variant_best(), false);
    for (int64_t n = 0; n < trial->rows; n++) {
        trial->values[0][n] = 0;
        trial->values[1][n] = 0;
    }
    trial_run(trial, 0, 1, true);
    for (int64_t n = 0; n < trial->rows; n++) {
        ck_assert_double_eq(trial->result[2 * n], 0.5);
        ck_assert_double_eq(trial->by_input[0][n], 0);
    }
    trial_destroy(trial);
}
END_TEST

/* Loss and weight of one position as the formula says. */
static void position(const struct trial *trial, int64_t at, double *loss, double *weight) {
    const struct ls_cross_entropy_options *options = trial->example->options;
    const int64_t classes = ls_shape_last(trial->example->inputs[0].shape);
    const double *x = trial->values[0] + at * classes;
    const int label = (int)trial->values[1][at];
    if (options->has_ignored && label == options->ignored)
        return;
    double sum = 0;
    for (int64_t k = 0; k < classes; k++)
        sum += exp(x[k]);
    for (int64_t k = 0; k < classes; k++) {
        const double q =
            (k == label ? 1 - options->smoothing : 0) + options->smoothing / (double)classes;
        *loss -= (trial->values[2] ? trial->values[2][k] : 1) * q * (x[k] - log(sum));
    }
    *weight += trial->values[2] ? trial->values[2][label] : 1;
}

START_TEST(cross_entropy_sums_weighted_positions) {
    for (int k = 0; k < ls_ops_f64[LS_OP_softmax_cross_entropy]->case_count; k++) {
        struct trial *trial =
            trial_create(LS_OP_softmax_cross_entropy,
                         &ls_ops_f64[LS_OP_softmax_cross_entropy]->cases[k], LS_F64, false);
        const int64_t positions = ls_shape_row_count(trial->example->inputs[1].shape);
        trial_run(trial, 0, trial_microbatches(trial), false);
        for (int64_t n = 0; n < trial->rows; n++) {
            double loss = 0, weight = 0;
            const int64_t longest = trial->values[3] ? trial->example->inputs[1].shape.dims[1] : 1;
            const int64_t length = trial->values[3] ? (int64_t)trial->values[3][n] : longest;
            for (int64_t i = 0; i < positions * length / longest; i++)
                position(trial, n * positions + i, &loss, &weight);
            ck_assert_double_eq_tol(trial->result[2 * n], loss, 1e-10);
            ck_assert_double_eq_tol(trial->result[2 * n + 1], weight, 1e-12);
        }
        trial_destroy(trial);
    }
}
END_TEST

static const struct ls_op_case two = {
    .name = "two classes",
    .options = &(const struct ls_cross_entropy_options){0},
    .options_size = sizeof(struct ls_cross_entropy_options),
    .input_count = 4,
    .inputs = {{.shape = LS_CASE_SHAPE(1, 2), .low = 0, .high = 1},
               {.shape = LS_CASE_SHAPE(1), .integer = true, .constant = true, .low = 1, .high = 1},
               {.absent = true},
               {.absent = true}}};
static const struct ls_op_case yes = {
    .name = "one logit",
    .input_count = 2,
    .inputs = {{.shape = LS_CASE_SHAPE(1, 1), .low = 0, .high = 1},
               {.shape = LS_CASE_SHAPE(1, 1), .constant = true, .low = 1, .high = 1}}};

START_TEST(large_logits_neither_overflow_nor_vanish) {
    struct trial *softmax = trial_create(LS_OP_softmax_cross_entropy, &two, LS_F32_PORTABLE, false);
    softmax->values[0][0] = 1000;
    softmax->values[0][1] = -1000;
    trial_run(softmax, 0, 1, true);
    ck_assert_double_eq(softmax->result[0], 2000);
    ck_assert_double_eq(softmax->by_input[0][0], softmax->slopes[0]);
    ck_assert_double_eq(softmax->by_input[0][1], -softmax->slopes[0]);
    trial_destroy(softmax);
    struct trial *binary_trial =
        trial_create(LS_OP_binary_cross_entropy, &yes, LS_F32_PORTABLE, false);
    binary_trial->values[0][0] = -1000;
    trial_run(binary_trial, 0, 1, true);
    ck_assert_double_eq(binary_trial->result[0], 1000);
    ck_assert_double_eq(binary_trial->by_input[0][0], -binary_trial->slopes[0]);
    trial_destroy(binary_trial);
}
END_TEST

static const struct ls_op_case distances = {
    .name = "distances",
    .input_count = 1,
    .inputs = {{.shape = LS_CASE_SHAPE(5, 2), .low = 1, .high = 1}},
    .microbatches = 2}; /* of 3 and of 2 */

/* d[n][k]; 9 is nobody's least, and of equals the first counts. */
static const double far_and_near[5][2] = {{9, 4}, {3, 4}, {3, 9}, {2, 1}, {9, 5}};

static struct trial *nearest(enum ls_op_id id) {
    struct trial *trial = trial_create(id, &distances, LS_F64, false);
    memcpy(trial->values[0], far_and_near, sizeof far_and_near);
    trial_run(trial, 0, 2, true);
    return trial;
}

START_TEST(each_sample_has_its_nearest_prototype) {
    static const double expected[5] = {4, 3, 3, 1, 5};
    static const int which[5] = {1, 0, 0, 1, 1};
    struct trial *trial = nearest(LS_OP_nearest_prototype);
    for (int n = 0; n < 5; n++) {
        ck_assert_double_eq(trial->result[2 * n], expected[n]);
        ck_assert_double_eq(trial->result[2 * n + 1], 1);
        for (int k = 0; k < 2; k++)
            ck_assert_double_eq(trial->by_input[0][2 * n + k],
                                k == which[n] ? trial->slopes[2 * n] : 0);
    }
    trial_destroy(trial);
}
END_TEST

START_TEST(each_prototype_has_its_nearest_sample_in_a_microbatch) {
    static const double expected[5] = {1.5 * 4, 1.5 * 3, 0, 1.0 * (2 + 1), 0}; /* rows / K */
    struct trial *trial = nearest(LS_OP_nearest_sample);
    for (int n = 0; n < 5; n++) {
        ck_assert_double_eq(trial->result[2 * n], expected[n]);
        ck_assert_double_eq(trial->result[2 * n + 1], 1);
    }
    ck_assert_double_eq(trial->by_input[0][1], 1.5 * trial->slopes[0]);
    ck_assert_double_eq(trial->by_input[0][3], 0); /* as near, but second */
    ck_assert_double_eq(trial->by_input[0][2], 1.5 * trial->slopes[2]);
    ck_assert_double_eq(trial->by_input[0][6], trial->slopes[6]);
    ck_assert_double_eq(trial->by_input[0][7], trial->slopes[6]);
    trial_destroy(trial);
}
END_TEST

START_TEST(a_sample_that_is_a_prototype_has_distance_zero) {
    struct trial *trial = trial_create(LS_OP_prototypes, &ls_ops_f64[LS_OP_prototypes]->cases[1],
                                       ls_variant_best(), false);
    memcpy(trial->values[0] + 19, trial->values[1], 19 * sizeof(double));
    trial_run(trial, 0, 2, false);
    for (int64_t n = 0; n < trial->rows; n++)
        for (int64_t k = 0; k < 2; k++) {
            double sum = 0;
            for (int64_t c = 0; c < 19; c++)
                sum += squared(trial->values[0][19 * n + c], trial->values[1][19 * k + c]);
            ck_assert_double_eq_tol(trial->result[2 * n + k], sum, 1e-4);
        }
    ck_assert_double_eq(trial->result[2], 0);
    trial_destroy(trial);
}
END_TEST

/* Beyond 0 and 1 there is no least value: a perfect fit would be an infinite logit. */
START_TEST(cross_entropy_of_targets_beyond_zero_and_one_is_no_number) {
    static const struct ls_op_case example = {
        .name = "two outputs",
        .input_count = 2,
        .inputs = {{.shape = LS_CASE_SHAPE(4, 2), .low = -1, .high = 1},
                   {.shape = LS_CASE_SHAPE(4, 2), .low = 0, .high = 1}}};
    const double targets[] = {0, 1, 1.0000002, 0.5, 0.5, -1e-30, 255, 1};
    struct trial *trial =
        trial_create(LS_OP_binary_cross_entropy, &example, ls_variant_best(), false);
    memcpy(trial->values[1], targets, sizeof targets);
    trial_run(trial, 0, 1, true);
    for (int n = 0; n < 4; n++) {
        ck_assert_int_eq(isfinite(trial->result[2 * n]), n == 0);
        for (int i = 0; i < 2; i++) {
            const double t = targets[2 * n + i];
            ck_assert_int_eq(isfinite(trial->by_input[0][2 * n + i]), t >= 0 && t <= 1);
        }
    }
    trial_destroy(trial);
}
END_TEST

LS_SUITE(cross_entropy_of_targets_beyond_zero_and_one_is_no_number,
         each_sample_has_its_nearest_prototype,
         each_prototype_has_its_nearest_sample_in_a_microbatch,
         a_sample_that_is_a_prototype_has_distance_zero, element_losses_are_means_over_a_sample,
         element_losses_may_be_summed, only_what_counts_is_taken,
         what_does_not_count_gives_exact_zeros, weights_of_one_change_no_bit,
         the_likelihood_of_a_normal_distribution,
         terms_are_weighted_and_brought_to_the_first_ones_weight,
         pairs_at_no_distance_keep_a_finite_slope, cross_entropy_sums_weighted_positions,
         large_logits_neither_overflow_nor_vanish)
