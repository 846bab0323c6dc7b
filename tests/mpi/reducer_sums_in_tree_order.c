/* Gradients of M microbatches, summed over ranks: bit for bit the sum of one sequential run along
 * the tree, in shared memory, by messages, and where there is too little memory to share. */
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

enum way { SHARED, MESSAGES, TOO_SMALL, WAYS };
static const struct ls_reducer_options ways[WAYS] = {
    [MESSAGES] = {.messages = true}, [TOO_SMALL] = {.shared_bytes_max = 1 << 20}};

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

static struct bench bench_create(int microbatches, enum ls_reducer_kind kind, enum way way) {
    struct bench b = {.set = create_set(), .microbatches = microbatches};
    b.total = b.set->total;
    b.gradients = ls_calloc((size_t)(microbatches * b.total), sizeof(float));
    struct ls_reducer_options options = ways[way];
    options.kind = kind;
    options.parameters = b.set;
    options.microbatches = microbatches;
    options.bucket_bytes = BUCKET_BYTES;
    ls_require(ls_reducer_create(&b.reducer, world, &options, &ls_test_error));
    const int near = way == SHARED ? ls_communicator_size(world) : 1;
    world_check(ls_reducer_near(b.reducer) == near, "%d ranks share memory, expected %d",
                ls_reducer_near(b.reducer), near);
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
    ls_reducer_begin(b->reducer, NULL);
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

static void check_ordered(int microbatches, enum way way) {
    struct bench b = bench_create(microbatches, LS_REDUCE_ORDERED, way);
    int64_t begin, end, wrong = 0;
    ls_reducer_slice(b.reducer, &begin, &end);
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(&b, step);
        const float *sums = reduce(&b, step);
        for (int64_t i = begin; i < end; i++) {
            const float expected = tree_sum(&b, (struct ls_tree_node){0, b.microbatches}, i);
            wrong += memcmp(&sums[i - begin], &expected, sizeof expected) != 0;
        }
        world_check(wrong == 0, "%d microbatches, step %d, way %d: %lld of %lld sums are wrong",
                    b.microbatches, step, way, (long long)wrong, (long long)(end - begin));
    }
    bench_destroy(&b);
}

START_TEST(ordered_sums_have_the_bits_of_a_sequential_run) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++)
        for (enum way way = SHARED; way < (c ? TOO_SMALL : WAYS); way++)
            check_ordered(microbatch_counts[c], way);
}
END_TEST

/* Nothing but the reducer itself keeps a fast rank from the partials that a slow one still reads.
 */
START_TEST(steps_follow_each_other_at_any_pace) {
    enum { MICROBATCHES = 4, PACES = 60 };
    struct bench b = bench_create(MICROBATCHES, LS_REDUCE_ORDERED, SHARED);
    int64_t begin, end, wrong = 0;
    ls_reducer_slice(b.reducer, &begin, &end);
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    int first, count;
    ls_reducer_microbatches(b.reducer, &first, &count);
    const int partials = ls_tree_cover(MICROBATCHES, first, count, 0, nodes, LS_TREE_NODES_MAX);
    for (int step = 1; step <= PACES; step++) {
        ls_reducer_begin(b.reducer, NULL);
        for (int p = 0; p < partials; p++)
            for (int64_t i = 0; i < b.total; i++)
                ls_reducer_partials(b.reducer)[p][i] = (float)(step * nodes[p].count);
        if (step % (2 + ls_communicator_rank(world)) == 0)
            usleep(2000);
        ls_reducer_ready(b.reducer, 0, b.total);
        const float *sums = ls_reducer_finish(b.reducer);
        for (int64_t i = 0; i < end - begin; i++)
            wrong += sums[i] != (float)(step * MICROBATCHES);
    }
    world_check(wrong == 0, "%lld sums are of other steps", (long long)wrong);
    bench_destroy(&b);
}
END_TEST

static void check_all_reduced(int microbatches, enum way way) {
    struct bench b = bench_create(microbatches, LS_REDUCE_ALLREDUCE, way);
    int64_t begin, end;
    ls_reducer_slice(b.reducer, &begin, &end);
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(&b, step);
        const float *sums = reduce(&b, step);
        float worst = 0;
        for (int64_t i = begin; i < end; i++)
            worst = fmaxf(worst, fabsf(sums[i - begin] -
                                       tree_sum(&b, (struct ls_tree_node){0, b.microbatches}, i)));
        world_check(worst < 2e-6f, "%d microbatches, step %d: off by %g", b.microbatches, step,
                    (double)worst);
    }
    bench_destroy(&b);
}

START_TEST(all_reduced_sums_are_close) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++)
        for (enum way way = SHARED; way < TOO_SMALL; way++)
            check_all_reduced(microbatch_counts[c], way);
}
END_TEST

START_TEST(runs_and_slices_cover_everything_once) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++) {
        const int64_t size = ls_communicator_size(world), rank = ls_communicator_rank(world);
        struct bench b = bench_create(microbatch_counts[c], LS_REDUCE_ORDERED, SHARED);
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

static void check_parameters(enum way way) {
    struct bench b = bench_create(4, LS_REDUCE_ORDERED, way);
    int64_t begin, end, wrong = 0;
    float *flat = ls_reducer_parameters(b.reducer);
    for (int64_t i = 0; i < b.total && ls_communicator_rank(world) == 0; i++)
        flat[i] = (float)-i;
    ls_reducer_broadcast(b.reducer);
    for (int64_t i = 0; i < b.total; i++)
        wrong += flat[i] != (float)-i;
    world_check(wrong == 0, "way %d: %lld of %lld elements are not rank 0's", way, (long long)wrong,
                (long long)b.total);
    ls_reducer_slice(b.reducer, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        flat[i] = (float)(i + 1);
    ls_reducer_gather(b.reducer);
    for (int64_t i = 0; i < b.total; i++)
        wrong += flat[i] != (float)(i + 1);
    world_check(wrong == 0, "way %d: %lld of %lld gathered elements are wrong", way,
                (long long)wrong, (long long)b.total);
    bench_destroy(&b);
}

START_TEST(parameters_reach_all_ranks) {
    for (enum way way = SHARED; way < WAYS; way++)
        check_parameters(way);
}
END_TEST

START_TEST(norm_blocks_reach_all_ranks) {
    struct bench b = bench_create(4, LS_REDUCE_ORDERED, SHARED);
    int64_t begin, end;
    ls_reducer_slice(b.reducer, &begin, &end);
    float *flat = ls_calloc((size_t)b.total, sizeof(float));
    for (int64_t i = 0; i < b.total; i++)
        flat[i] = (float)(i + 1);
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
        const int64_t sent = partials[r] * (set->total - (end - begin)) + 3 * (end - begin);
        most = sent > most ? sent : most;
    }
    const int64_t found = ls_reducer_bytes_sent(set, 6, 4, LS_REDUCE_ORDERED);
    world_check(found == 4 * most, "%lld bytes, expected %lld", (long long)found,
                (long long)(4 * most));
    int64_t largest = 0;
    for (int r = 0; r < 4; r++) {
        int64_t begin, end;
        ls_parameters_slice(set, r, 4, &begin, &end);
        largest = end - begin > largest ? end - begin : largest;
    }
    const int64_t ring = ls_reducer_bytes_sent(set, 6, 4, LS_REDUCE_ALLREDUCE);
    world_check(ring == 4 * (2 * (set->total - set->total / 4) + 3 * largest), "%lld bytes",
                (long long)ring);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(ordered_sums_have_the_bits_of_a_sequential_run, steps_follow_each_other_at_any_pace,
         all_reduced_sums_are_close, runs_and_slices_cover_everything_once,
         parameters_reach_all_ranks, norm_blocks_reach_all_ranks,
         more_ranks_than_microbatches_are_refused, bytes_sent_are_those_of_the_messages)
