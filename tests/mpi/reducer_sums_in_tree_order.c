/* Gradients of M microbatches, summed over ranks: bit for bit the sum of one sequential run along
 * the tree. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/optim/optimizer.h"
#include "dist/reducer.h"
#include "tests/mpi/world.h"

enum { STEPS = 3, BUCKET_BYTES = 40000 };

static const int microbatch_counts[] = {4, 8, 6, 13};

static void add(struct ls_parameter_set *set, const char *name, struct ls_shape shape,
                enum ls_layout layout, enum ls_parameter_kind kind) {
    struct ls_parameter description = {.shape = shape, .layout = layout, .kind = kind};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
}

/* About 75,000 elements: eight buckets, slices of unequal length. */
static struct ls_parameter_set *create_set(void) {
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, "output", LS_SHAPE(100, 10), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, "output_bias", LS_SHAPE(10), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, "hidden", LS_SHAPE(300, 100), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, "mean", LS_SHAPE(100), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    add(set, "table", LS_SHAPE(900, 37), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    ls_parameters_layout(set);
    return set;
}

/* A reducer, and every microbatch's gradient: all ranks can compute all of them. */
struct bench {
    struct ls_parameter_set *set;
    struct ls_reducer *reducer;
    int microbatches;
    int64_t total;
    float *gradients; /* [microbatches][total] */
};

static struct bench bench_create(int microbatches, enum ls_reducer_kind kind) {
    struct bench b = {.set = create_set(), .microbatches = microbatches};
    b.total = b.set->total;
    b.gradients = ls_calloc((size_t)(microbatches * b.total), sizeof(float));
    const struct ls_reducer_options options = {.kind = kind,
                                               .parameters = b.set,
                                               .microbatches = microbatches,
                                               .bucket_bytes = BUCKET_BYTES};
    ls_require(ls_reducer_create(&b.reducer, world, &options, &ls_test_error));
    return b;
}

static void bench_destroy(struct bench *b) {
    ls_reducer_destroy(b->reducer);
    ls_parameters_destroy(b->set);
    free(b->gradients);
}

static void draw_gradients(struct bench *b, int step) {
    for (int m = 0; m < b->microbatches; m++) {
        const struct ls_random_key key =
            ls_random_key(7, LS_STREAM_SYNTHETIC, (uint64_t)step, (uint64_t)m);
        for (int64_t i = 0; i < b->total; i++)
            b->gradients[m * b->total + i] =
                ls_random_unit(ls_random_block(key, (uint32_t)i, 0).word[0]) - 0.5f;
    }
}

static float tree_sum(const struct bench *b, struct ls_tree_node node, int64_t element) {
    if (node.count == 1)
        return b->gradients[node.first * b->total + element];
    const int left = ls_tree_split(node.count);
    return tree_sum(b, (struct ls_tree_node){node.first, left}, element) +
           tree_sum(b, (struct ls_tree_node){node.first + left, node.count - left}, element);
}

/* One step as a worker runs it: partials become final in ranges of odd sizes, on each rank at its
 * own pace. */
static const float *reduce(struct bench *b, int step) {
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    int first, count;
    ls_reducer_microbatches(b->reducer, &first, &count);
    const int partials = ls_tree_cover(b->microbatches, first, count, 0, nodes, LS_TREE_NODES_MAX);
    ck_assert_int_eq(partials, ls_reducer_partial_count(b->reducer));
    const int rank = ls_communicator_rank(world);
    ls_reducer_begin(b->reducer);
    for (int64_t done = 0, range = 1 + rank; done < b->total; range = range * 3 % 8191 + 1) {
        const int64_t end = done + range < b->total ? done + range : b->total;
        for (int p = 0; p < partials; p++)
            for (int64_t i = done; i < end; i++)
                ls_reducer_partials(b->reducer)[p][i] = tree_sum(b, nodes[p], i);
        if ((done + step + rank) % 5 == 0)
            usleep(1000);
        ls_reducer_ready(b->reducer, done, end);
        done = end;
    }
    return ls_reducer_finish(b->reducer);
}

START_TEST(ordered_sums_have_the_bits_of_a_sequential_run) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++) {
        struct bench b = bench_create(microbatch_counts[c], LS_REDUCE_ORDERED);
        int64_t begin, end, wrong = 0;
        ls_reducer_slice(b.reducer, &begin, &end);
        for (int step = 0; step < STEPS; step++) {
            draw_gradients(&b, step);
            const float *sums = reduce(&b, step);
            for (int64_t i = begin; i < end; i++) {
                const float expected = tree_sum(&b, (struct ls_tree_node){0, b.microbatches}, i);
                wrong += memcmp(&sums[i - begin], &expected, sizeof expected) != 0;
            }
            world_check(wrong == 0, "%d microbatches, step %d: %lld of %lld sums are wrong",
                        b.microbatches, step, (long long)wrong, (long long)(end - begin));
        }
        bench_destroy(&b);
    }
}
END_TEST

START_TEST(all_reduced_sums_are_close) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++) {
        struct bench b = bench_create(microbatch_counts[c], LS_REDUCE_ALLREDUCE);
        int64_t begin, end;
        ls_reducer_slice(b.reducer, &begin, &end);
        for (int step = 0; step < STEPS; step++) {
            draw_gradients(&b, step);
            const float *sums = reduce(&b, step);
            float worst = 0;
            for (int64_t i = begin; i < end; i++)
                worst =
                    fmaxf(worst, fabsf(sums[i - begin] -
                                       tree_sum(&b, (struct ls_tree_node){0, b.microbatches}, i)));
            world_check(worst < 2e-6f, "%d microbatches, step %d: off by %g", b.microbatches, step,
                        (double)worst);
        }
        bench_destroy(&b);
    }
}
END_TEST

START_TEST(runs_and_slices_cover_everything_once) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++) {
        const int64_t size = ls_communicator_size(world), rank = ls_communicator_rank(world);
        struct bench b = bench_create(microbatch_counts[c], LS_REDUCE_ORDERED);
        int64_t begin, end;
        int first, count;
        ls_reducer_slice(b.reducer, &begin, &end);
        ls_reducer_microbatches(b.reducer, &first, &count);
        world_check(first == rank * b.microbatches / size &&
                        first + count == (rank + 1) * b.microbatches / size,
                    "microbatches %d to %d of %d", first, first + count, b.microbatches);
        const int64_t mine[2] = {begin, end};
        int64_t all[64][2];
        ls_communicator_all_gather(world, mine, sizeof mine, all);
        bool covered = all[0][0] == 0 && all[size - 1][1] == b.total;
        for (int64_t r = 1; r < size; r++)
            covered = covered && all[r][0] == all[r - 1][1];
        world_check(covered, "slice %lld to %lld", (long long)begin, (long long)end);
        bench_destroy(&b);
    }
}
END_TEST

START_TEST(slices_and_norm_blocks_reach_all_ranks) {
    struct bench b = bench_create(4, LS_REDUCE_ORDERED);
    int64_t begin, end;
    ls_reducer_slice(b.reducer, &begin, &end);
    float *flat = ls_calloc((size_t)b.total, sizeof(float));
    for (int64_t i = begin; i < end; i++)
        flat[i] = (float)(i + 1);
    ls_reducer_gather(b.reducer, flat);
    int64_t wrong = 0;
    for (int64_t i = 0; i < b.total; i++)
        wrong += flat[i] != (float)(i + 1);
    world_check(wrong == 0, "%lld of %lld gathered elements are wrong", (long long)wrong,
                (long long)b.total);

    const int64_t blocks = ls_reducer_blocks(b.reducer), before = ls_norm_blocks(b.set, 0, begin);
    double *expected = ls_calloc((size_t)blocks, sizeof(double)),
           *apart = ls_calloc((size_t)blocks, sizeof(double)),
           *inside = ls_calloc((size_t)blocks, sizeof(double)),
           *mine = ls_calloc((size_t)blocks, sizeof(double));
    ls_norm_block_sums(b.set, 0, b.total, flat, expected);
    ls_norm_block_sums(b.set, begin, end, flat + begin, mine);
    ls_norm_block_sums(b.set, begin, end, flat + begin, inside + before);
    ls_reducer_gather_blocks(b.reducer, mine, apart);
    ls_reducer_gather_blocks(b.reducer, inside + before, inside);
    world_check(!memcmp(expected, apart, (size_t)blocks * sizeof(double)),
                "blocks from elsewhere are wrong");
    world_check(!memcmp(expected, inside, (size_t)blocks * sizeof(double)),
                "blocks in place are wrong");
    free(flat);
    free(expected);
    free(apart);
    free(inside);
    free(mine);
    bench_destroy(&b);
}
END_TEST

START_TEST(more_ranks_than_microbatches_are_refused) {
    const int size = ls_communicator_size(world);
    struct ls_parameter_set *set = create_set();
    const struct ls_reducer_options options = {.parameters = set, .microbatches = size - 1};
    struct ls_reducer *reducer;
    struct ls_error error = {0};
    const enum ls_status status = ls_reducer_create(&reducer, world, &options, &error);
    char expected[64];
    snprintf(expected, sizeof expected, "%d ranks need at least as many microbatches", size);
    world_check(status == LS_INVALID && strstr(error.text, expected), "status %d, '%s'", status,
                error.text);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(bytes_sent_are_those_of_the_messages) {
    struct ls_parameter_set *set = create_set();
    world_check(ls_reducer_bytes_sent(set, 8, 1, LS_REDUCE_ORDERED) == 0, "one rank sends nothing");
    int64_t most =
        0; /* 6 microbatches on 4 ranks: 1, 2, 1, 2 of them, the second rank's are no siblings */
    const int partials[4] = {1, 2, 1, 1};
    for (int r = 0; r < 4; r++) {
        int64_t begin, end;
        ls_parameters_slice(set, r, 4, &begin, &end);
        const int64_t sent =
            partials[r] * (set->total - (end - begin)) + set->total - set->total / 4;
        most = sent > most ? sent : most;
    }
    const int64_t found = ls_reducer_bytes_sent(set, 6, 4, LS_REDUCE_ORDERED);
    world_check(found == 4 * most, "%lld bytes, expected %lld", (long long)found,
                (long long)(4 * most));
    const int64_t ring = ls_reducer_bytes_sent(set, 6, 4, LS_REDUCE_ALLREDUCE);
    world_check(ring == 4 * 3 * (set->total - set->total / 4), "%lld bytes", (long long)ring);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(ordered_sums_have_the_bits_of_a_sequential_run, all_reduced_sums_are_close,
         runs_and_slices_cover_everything_once, slices_and_norm_blocks_reach_all_ranks,
         more_ranks_than_microbatches_are_refused, bytes_sent_are_those_of_the_messages)
