#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "tests/mpi/world.h"

START_TEST(all_ranks_get_the_error_of_the_lowest_that_failed) {
    const int size = ls_communicator_size(world), rank = ls_communicator_rank(world);
    for (int lowest = 0; lowest <= size; lowest++)
        for (int second = lowest; second <= size; second++) {
            struct ls_error error = {LS_OK, "nothing"};
            enum ls_status status = LS_OK;
            if (rank == lowest || rank == second)
                status = ls_fail(&error, rank == lowest ? LS_DAMAGED : LS_SYSTEM,
                                 "train.h5: row %d", rank);
            status = ls_communicator_agree(world, status, &error);
            char expected[64];
            if (size > 1)
                snprintf(expected, sizeof expected, "rank %d: train.h5: row %d", lowest, lowest);
            else
                snprintf(expected, sizeof expected, "train.h5: row %d", lowest);
            if (lowest == size)
                world_check(status == LS_OK, "agreed on %d: %s", status, error.text);
            else
                world_check(status == LS_DAMAGED && error.status == LS_DAMAGED &&
                                !strcmp(error.text, expected),
                            "status %d, text '%s', expected '%s'", status, error.text, expected);
        }
}
END_TEST

START_TEST(bytes_of_rank_0_reach_all) {
    enum { COUNT = 100001 };
    char *bytes = ls_calloc(COUNT, 1);
    for (int i = 0; i < COUNT; i++)
        bytes[i] = (char)(ls_communicator_rank(world) ? 'x' : i % 101);
    ls_communicator_broadcast(world, bytes, COUNT);
    int wrong = 0;
    for (int i = 0; i < COUNT; i++)
        wrong += bytes[i] != (char)(i % 101);
    world_check(wrong == 0, "%d of %d bytes are wrong", wrong, COUNT);
    free(bytes);
}
END_TEST

START_TEST(gathered_bytes_are_in_rank_order) {
    const int size = ls_communicator_size(world), rank = ls_communicator_rank(world);
    const int64_t mine[2] = {rank, 10 * rank};
    int64_t *all = ls_calloc((size_t)size, sizeof mine);
    for (int everybody = 0; everybody < 2; everybody++) {
        memset(all, 0xff, (size_t)size * sizeof mine);
        if (everybody)
            ls_communicator_all_gather(world, mine, sizeof mine, all);
        else
            ls_communicator_gather(world, mine, sizeof mine, all);
        bool right = true;
        for (int r = 0; r < size && (everybody || rank == 0); r++)
            right = right && all[2 * r] == r && all[2 * r + 1] == 10 * r;
        world_check(right, "gathered values are wrong");
    }
    free(all);
}
END_TEST

START_TEST(values_of_single_ranks_are_combined_without_rounding) {
    const int size = ls_communicator_size(world), rank = ls_communicator_rank(world);
    double values[16] = {0};
    for (int i = 0; i < 16; i++)
        if (i % size == rank)
            values[i] = 1.0 / (i + 3);
    ls_communicator_combine(world, values, 16);
    bool right = true;
    for (int i = 0; i < 16; i++)
        right = right && values[i] == 1.0 / (i + 3);
    world_check(right, "combined values are wrong");
}
END_TEST

START_TEST(extremes_are_over_all_ranks) {
    const int64_t size = ls_communicator_size(world), rank = ls_communicator_rank(world);
    const int64_t big = (int64_t)1 << 40;
    const int64_t max = ls_communicator_max(world, big * rank),
                  min = ls_communicator_min(world, -big * rank);
    world_check(max == big * (size - 1) && min == -big * (size - 1), "max %lld, min %lld",
                (long long)max, (long long)min);
    ls_communicator_barrier(world);
}
END_TEST

START_TEST(mpi_is_named_in_one_line) {
    world_check(strlen(ls_mpi_version()) > 5 && !strchr(ls_mpi_version(), '\n'), "'%s'",
                ls_mpi_version());
}
END_TEST

LS_SUITE(all_ranks_get_the_error_of_the_lowest_that_failed, bytes_of_rank_0_reach_all,
         gathered_bytes_are_in_rank_order, values_of_single_ranks_are_combined_without_rounding,
         extremes_are_over_all_ranks, mpi_is_named_in_one_line)
