#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/optim/optimizer.h"
#include "tests/support/support.h"

static void add(struct ls_parameter_set *set, int group, const char *name, struct ls_shape shape,
                enum ls_layout layout, enum ls_parameter_kind kind) {
    struct ls_parameter description = {
        .shape = shape, .layout = layout, .kind = kind, .group = group};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
}

static struct ls_parameter_set *create_set(void) {
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, 0, "panels", LS_SHAPE(300, 100), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, 0, "statistic", LS_SHAPE(100), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    add(set, 0, "table", LS_SHAPE(1000, 37), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, 0, "constant", LS_SHAPE(5000), LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT);
    add(set, 0, "bias", LS_SHAPE(7), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, 1, "second", LS_SHAPE(290, 70), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, 1, "second bias", LS_SHAPE(70), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, LS_GROUP_FIXED, "frozen", LS_SHAPE(70, 70), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    ls_parameters_layout(set);
    return set;
}

/* Squares of a group's gradients, in no particular order. */
static double plain_sum(const struct ls_parameter_set *set, int group, const float *gradients) {
    double plain = 0;
    for (int p = 0; p < set->count; p++)
        for (int64_t i = 0; i < set->items[p]->count && set->items[p]->group == group &&
                            set->items[p]->kind == LS_PARAMETER_WEIGHT;
             i++) {
            const double g = (double)gradients[set->items[p]->offset + i];
            plain += g * g;
        }
    return plain;
}

static void check_group(const struct ls_parameter_set *set, int group, const float *gradients) {
    const struct ls_range range = set->groups[group];
    const int64_t blocks = ls_norm_blocks(set, range.first, range.end);
    double *whole = ls_calloc((size_t)blocks, sizeof(double)),
           *parts = ls_calloc((size_t)blocks, sizeof(double));
    ls_norm_block_sums(set, range.first, range.end, gradients + range.first, whole);
    const double plain = plain_sum(set, group, gradients);
    ck_assert(plain > 0);
    ck_assert_double_eq_tol(ls_norm_finish(whole, blocks, 8), sqrt(plain) / 8, 1e-12 * sqrt(plain));
    for (int n = 1; n <= 9; n++) {
        int64_t done = 0;
        for (int r = 0; r < n; r++) {
            const struct ls_range slice = ls_parameters_slice(set, group, r, n);
            ck_assert_int_eq(ls_norm_blocks(set, range.first, slice.first), done);
            ls_norm_block_sums(set, slice.first, slice.end, gradients + slice.first, parts + done);
            done += ls_norm_blocks(set, slice.first, slice.end);
        }
        ck_assert_int_eq(done, blocks);
        ck_assert_mem_eq(whole, parts, (size_t)blocks * sizeof(double));
    }
    free(whole);
    free(parts);
}

START_TEST(the_same_blocks_for_any_number_of_slices) {
    struct ls_parameter_set *set = create_set();
    float *gradients = ls_calloc((size_t)set->total, sizeof(float));
    const struct ls_random_key key = ls_random_key(1, LS_STREAM_SYNTHETIC, 0, 0);
    for (int64_t i = 0; i < set->total; i++)
        gradients[i] = (float)ls_random_normal(key, (uint64_t)i);
    check_group(set, 0, gradients);
    check_group(set, 1, gradients);
    free(gradients);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(a_gradient_that_is_not_finite_shows_in_the_norm) {
    struct ls_parameter_set *set = create_set();
    float *gradients = ls_calloc((size_t)set->total, sizeof(float));
    const int64_t blocks = ls_norm_blocks(set, 0, set->total);
    double *sums = ls_calloc((size_t)blocks, sizeof(double));
    gradients[set->items[2]->offset + 36999] = NAN;
    ls_norm_block_sums(set, 0, set->total, gradients, sums);
    ck_assert(isnan(ls_norm_finish(sums, blocks, 1)));
    gradients[set->items[2]->offset + 36999] = 0;
    gradients[set->items[1]->offset] = NAN; /* statistics do not count */
    ls_norm_block_sums(set, 0, set->total, gradients, sums);
    ck_assert(ls_norm_finish(sums, blocks, 1) == 0);
    free(sums);
    free(gradients);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(a_norm_may_be_of_clipped_elements) {
    struct ls_parameter_set *set = create_set();
    float *gradients = ls_calloc((size_t)set->total, sizeof(float));
    const int64_t blocks = ls_norm_blocks(set, 0, set->total);
    double *sums = ls_calloc((size_t)blocks, sizeof(double));
    gradients[set->items[0]->offset] = -6;
    gradients[set->items[2]->offset + 20] = 3;
    gradients[set->items[4]->offset] = 1;
    ls_norm_clipped_block_sums(set, 0, set->total, gradients, 2, sums);
    ck_assert_double_eq(ls_norm_finish(sums, blocks, 1), 3); /* of -2, 2, 1 */
    gradients[set->items[4]->offset] = NAN;
    ls_norm_clipped_block_sums(set, 0, set->total, gradients, 2, sums);
    ck_assert(isnan(ls_norm_finish(sums, blocks, 1)));
    free(sums);
    free(gradients);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(only_longer_gradients_are_clipped) {
    ck_assert(ls_clip_factor(10, 0) == 1);
    ck_assert(ls_clip_factor(10, 10) == 1);
    ck_assert(ls_clip_factor(10, 5) == 0.5);
    ck_assert(ls_clip_factor(0, 5) == 1);
}
END_TEST

LS_SUITE(the_same_blocks_for_any_number_of_slices, a_gradient_that_is_not_finite_shows_in_the_norm,
         a_norm_may_be_of_clipped_elements, only_longer_gradients_are_clipped)
