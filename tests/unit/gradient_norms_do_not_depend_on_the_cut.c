#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/optim/optimizer.h"
#include "tests/support/support.h"

static void add(struct ls_parameter_set *set, const char *name, struct ls_shape shape,
                enum ls_layout layout, enum ls_parameter_kind kind) {
    struct ls_parameter description = {.shape = shape, .layout = layout, .kind = kind};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
}

static struct ls_parameter_set *create_set(void) {
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, "panels", LS_SHAPE(300, 100), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, "statistic", LS_SHAPE(100), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    add(set, "table", LS_SHAPE(1000, 37), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, "constant", LS_SHAPE(5000), LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT);
    add(set, "bias", LS_SHAPE(7), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    ls_parameters_layout(set);
    return set;
}

START_TEST(the_same_blocks_for_any_number_of_slices) {
    struct ls_parameter_set *set = create_set();
    float *gradients = ls_calloc((size_t)set->total, sizeof(float));
    const struct ls_random_key key = ls_random_key(1, LS_STREAM_SYNTHETIC, 0, 0);
    double plain = 0;
    for (int64_t i = 0; i < set->total; i++)
        gradients[i] = (float)ls_random_normal(key, (uint64_t)i);
    for (int p = 0; p < set->count; p++)
        for (int64_t i = 0; i < set->items[p]->count && set->items[p]->kind == LS_PARAMETER_WEIGHT;
             i++) {
            const double g = (double)gradients[set->items[p]->offset + i];
            plain += g * g;
        }

    const int64_t blocks = ls_norm_blocks(set, 0, set->total);
    double *whole = ls_calloc((size_t)blocks, sizeof(double)),
           *parts = ls_calloc((size_t)blocks, sizeof(double));
    ls_norm_block_sums(set, 0, set->total, gradients, whole);
    ck_assert_double_eq_tol(ls_norm_finish(whole, blocks, 8), sqrt(plain) / 8, 1e-12 * sqrt(plain));
    for (int n = 1; n <= 9; n++) {
        int64_t done = 0;
        for (int r = 0; r < n; r++) {
            int64_t begin, end;
            ls_parameters_slice(set, r, n, &begin, &end);
            ls_norm_block_sums(set, begin, end, gradients + begin, parts + done);
            done += ls_norm_blocks(set, begin, end);
        }
        ck_assert_int_eq(done, blocks);
        ck_assert_mem_eq(whole, parts, (size_t)blocks * sizeof(double));
    }
    free(whole);
    free(parts);
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

START_TEST(only_longer_gradients_are_clipped) {
    ck_assert(ls_clip_factor(10, 0) == 1);
    ck_assert(ls_clip_factor(10, 10) == 1);
    ck_assert(ls_clip_factor(10, 5) == 0.5);
    ck_assert(ls_clip_factor(0, 5) == 1);
}
END_TEST

LS_SUITE(the_same_blocks_for_any_number_of_slices, a_gradient_that_is_not_finite_shows_in_the_norm,
         only_longer_gradients_are_clipped)
