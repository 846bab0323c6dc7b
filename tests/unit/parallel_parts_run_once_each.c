/* The wrapper around OpenMP: every part runs exactly once, part 0 on the caller's thread. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/parallel.h"
#include "tests/support/support.h"

enum { PARTS_MAX = 19 };

struct seen {
    atomic_int times[PARTS_MAX];
    pthread_t thread[PARTS_MAX];
};

static void note(void *context, int part) {
    struct seen *seen = context;
    seen->times[part]++;
    seen->thread[part] = pthread_self();
}

START_TEST(every_part_once_and_the_first_here) {
    for (int parts = 1; parts <= PARTS_MAX; parts++) {
        struct seen seen = {0};
        ls_parallel_run(parts, note, &seen);
        for (int p = 0; p < PARTS_MAX; p++)
            ck_assert_int_eq(seen.times[p], p < parts);
        ck_assert(pthread_equal(seen.thread[0], pthread_self()));
        for (int p = 1; p < parts; p++)
            ck_assert(!pthread_equal(seen.thread[p], seen.thread[p - 1]));
    }
}
END_TEST

static void note_inside(void *context, int part) {
    struct seen seen = {0};
    ls_parallel_run(3, note, &seen);
    for (int p = 0; p < 3; p++)
        ck_assert(seen.times[p] == 1 && pthread_equal(seen.thread[p], pthread_self()));
    note(context, part);
}

START_TEST(a_call_inside_a_part_stays_on_its_thread) {
    struct seen seen = {0};
    ls_parallel_run(2, note_inside, &seen);
    ck_assert(seen.times[0] == 1 && seen.times[1] == 1);
}
END_TEST

START_TEST(threads_that_the_system_does_not_give_are_an_error) {
    ls_require(ls_parallel_check(PARTS_MAX, &ls_test_error));
#ifdef __SANITIZE_ADDRESS__ /* takes memory of its own for each thread, and ends without it */
    return;
#endif
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages;
    ck_assert(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    struct rlimit before, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = pages * 4096 + (4 << 20); /* less than a stack */
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    const enum ls_status status = ls_parallel_check(1000, &ls_test_error);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    ck_assert_int_eq(status, LS_SYSTEM);
    ck_assert_ptr_nonnull(strstr(ls_test_error.text, "but 1000 are wanted"));
}
END_TEST

/* Kernels keep arrays of this size on the stack. */
static void use_stack(void *context, int part) {
    volatile char bytes[256 << 10];
    for (size_t i = 0; i < sizeof bytes; i += 64)
        bytes[i] = (char)part;
    ((int *)context)[part] = bytes[sizeof bytes - 64];
}

START_TEST(a_thread_has_the_stack_that_kernels_need) {
    int found[4] = {-1, -1, -1, -1};
    ls_parallel_run(4, use_stack, found);
    for (int p = 0; p < 4; p++)
        ck_assert_int_eq(found[p], p);
}
END_TEST

START_TEST(runs_of_parts_follow_each_other) {
    for (int parts = 1; parts < 9; parts++) {
        ck_assert_int_eq(ls_even_first(INT64_C(1) << 40, 0, parts), 0);
        ck_assert_int_eq(ls_even_first(INT64_C(1) << 40, parts, parts), INT64_C(1) << 40);
        for (int p = 0; p < parts; p++) {
            const int64_t length = ls_even_first(23, p + 1, parts) - ls_even_first(23, p, parts);
            ck_assert(length == 23 / parts || length == (23 + parts - 1) / parts);
        }
    }
}
END_TEST

LS_SUITE(every_part_once_and_the_first_here, a_call_inside_a_part_stays_on_its_thread,
         a_thread_has_the_stack_that_kernels_need, runs_of_parts_follow_each_other,
         threads_that_the_system_does_not_give_are_an_error)
