#include <sched.h>

#include "launcher/supervisor/supervisor.h"
#include "tests/support/support.h"

START_TEST(never_more_than_microbatches) {
    ck_assert_int_eq(ls_default_ranks(1, 1), 1);
    ck_assert_int_le(ls_default_ranks(2, 1), 2);
    ck_assert_int_ge(ls_default_ranks(4096, 1), 1);
}
END_TEST

START_TEST(every_thread_has_a_core_and_a_microbatch) {
    const int cores = ls_cores();
    ck_assert_int_eq(ls_default_ranks(4096, cores), 1);
    ck_assert_int_eq(ls_default_ranks(4096, 10 * cores), 1);
    ck_assert_int_eq(ls_default_ranks(4096, 2), cores > 1 ? cores / 2 : 1);
    ck_assert_int_eq(ls_default_ranks(3, 2), 1);
}
END_TEST

START_TEST(never_more_than_the_cpus_of_the_affinity_mask) {
    cpu_set_t before, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_int_le(ls_default_ranks(4096, 1), CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    const int ranks = ls_default_ranks(4096, 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
    ck_assert_int_eq(ranks, 1);
}
END_TEST

LS_SUITE(never_more_than_microbatches, every_thread_has_a_core_and_a_microbatch,
         never_more_than_the_cpus_of_the_affinity_mask)
