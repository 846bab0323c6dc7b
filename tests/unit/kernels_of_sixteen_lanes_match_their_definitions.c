/* The 16-lane source of the kernels, built without AVX-512, so that its tiles are tested on any
 * machine with AVX2. */
#include "tests/support/support.h"
#include "tests/unit/kernels/checks.h"

enum { CASES = 150 };

static void run(enum ls_kernel_check check, int cases) {
    for (int number = 0; number < cases; number++)
        ck_assert_msg(ls_kernel_checks_f32_avx512.run[check](number) ==
                          ls_kernel_checks_f32_portable.run[check](number),
                      "check %d, case %d: different bits", (int)check, number);
}

START_TEST(sixteen_lanes_match) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return;
    run(LS_CHECK_LINEAR, CASES);
    run(LS_CHECK_CONVOLUTION, CASES);
    run(LS_CHECK_WINOGRAD, CASES / 2);
    run(LS_CHECK_PIECES, CASES / 5);
    run(LS_CHECK_COLUMN_SUMS, CASES / 5);
    run(LS_CHECK_SUMS, CASES);
    run(LS_CHECK_ATTENTION, CASES);
}
END_TEST

LS_SUITE(sixteen_lanes_match)
