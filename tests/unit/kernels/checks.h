/* Random cases for the kernels of one variant; compiled once for each, like the kernels
 * themselves. A case is a function of its number only. Each check runs the fast kernels and the
 * plain definition, fails the test where a bit differs or memory around a result is touched, and
 * returns a digest of the results, so that variants can be compared with each other. */
#ifndef LS_TESTS_KERNELS_CHECKS_H
#define LS_TESTS_KERNELS_CHECKS_H

#include <stdint.h>

enum ls_kernel_check {
    LS_CHECK_LINEAR,
    LS_CHECK_CONVOLUTION,
    LS_CHECK_WINOGRAD,
    LS_CHECK_WINOGRAD_IS_CLOSE, /* its definition to the direct one */
    LS_CHECK_PIECES, /* weight gradients of 8 microbatches: 1 x 8 = 2 x 4 = 4 x 2 = 8 x 1 */
    LS_CHECK_COLUMN_SUMS,
    LS_CHECK_TREE_STACK,
    LS_CHECK_SUMS,
    LS_CHECK_ATTENTION,
    LS_CHECK_COUNT
};

struct ls_kernel_checks {
    uint64_t (*run[LS_CHECK_COUNT])(int number);
};

extern const struct ls_kernel_checks ls_kernel_checks_f32_portable;
extern const struct ls_kernel_checks ls_kernel_checks_f32_avx2;
extern const struct ls_kernel_checks ls_kernel_checks_f32_avx512;
extern const struct ls_kernel_checks ls_kernel_checks_f64;

#endif
