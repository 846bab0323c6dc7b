/* Every build of the kernels that this machine runs, against plain loops and against the others. */
#include "core/tensor/isa.h"
#include "tests/support/support.h"
#include "tests/unit/kernels/checks.h"

enum { CASES = 120 };

static const struct ls_kernel_checks *const checks[LS_VARIANT_COUNT] = {
    [LS_F32_PORTABLE] = &ls_kernel_checks_f32_portable,
#if LS_X86
    [LS_F32_AVX2] = &ls_kernel_checks_f32_avx2,
    [LS_F32_AVX512] = &ls_kernel_checks_f32_avx512,
#endif
    [LS_F64] = &ls_kernel_checks_f64,
};

/* Runs one check in each variant; the float ones must agree. */
static void run(enum ls_kernel_check check, int cases) {
    for (int number = 0; number < cases; number++) {
        const uint64_t expected = checks[LS_F32_PORTABLE]->run[check](number);
        for (int v = 0; v < LS_VARIANT_COUNT; v++) {
            if (v == LS_F32_PORTABLE || !ls_variant_supported((enum ls_variant)v))
                continue;
            const uint64_t found = checks[v]->run[check](number);
            if (v != LS_F64)
                ck_assert_msg(found == expected, "case %d: %s and portable give different bits",
                              number, ls_variant_name((enum ls_variant)v));
        }
    }
}

START_TEST(linear_layers_match) {
    run(LS_CHECK_LINEAR, CASES);
}
END_TEST

START_TEST(convolutions_match) {
    run(LS_CHECK_CONVOLUTION, CASES);
}
END_TEST

START_TEST(winograd_convolutions_match) {
    run(LS_CHECK_WINOGRAD, CASES / 2);
    run(LS_CHECK_WINOGRAD_IS_CLOSE, CASES / 2);
}
END_TEST

START_TEST(weight_gradients_in_pieces_add_up_to_the_whole) {
    run(LS_CHECK_PIECES, CASES / 4);
}
END_TEST

START_TEST(column_sums_match) {
    run(LS_CHECK_COLUMN_SUMS, CASES);
}
END_TEST

START_TEST(a_tree_stack_is_the_recursive_tree) {
    run(LS_CHECK_TREE_STACK, CASES);
}
END_TEST

START_TEST(sums_of_two_arrays_match) {
    run(LS_CHECK_SUMS, CASES);
}
END_TEST

START_TEST(attention_matches) {
    run(LS_CHECK_ATTENTION, CASES);
}
END_TEST

LS_SUITE(linear_layers_match, convolutions_match, winograd_convolutions_match,
         weight_gradients_in_pieces_add_up_to_the_whole, column_sums_match,
         a_tree_stack_is_the_recursive_tree, sums_of_two_arrays_match, attention_matches)
