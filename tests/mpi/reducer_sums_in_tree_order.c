/* Gradients of M microbatches, summed over ranks: bit for bit the sum of one sequential run along
 * the tree, group after group of the parameters; in shared memory, by messages, by both, and where
 * there is too little memory to share. */
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

enum { GROUPS = 2, STEPS = 5, BUCKET_BYTES = 40000 };

/* What is reduced in turn in each step: a phase of training may run in every so many steps only. */
static const struct turns {
    int count, groups[2];
} turns[STEPS] = {{2, {0, 1}}, {1, {0}}, {2, {0, 1}}, {1, {1}}, {2, {1, 0}}};

static const int microbatch_counts[] = {4, 8, 6, 13};

enum way { SHARED, MESSAGES, PAIRS, TOO_SMALL, WAYS };
static const struct ls_reducer_options ways[WAYS] = {[MESSAGES] = {.sharing_max = 1},
                                                     [PAIRS] = {.sharing_max = 2},
                                                     [TOO_SMALL] = {.shared_bytes_max = 1 << 20}};

static void add(struct ls_parameter_set *set, int group, const char *name, struct ls_shape shape,
                enum ls_layout layout, enum ls_parameter_kind kind) {
    struct ls_parameter description = {
        .shape = shape, .layout = layout, .kind = kind, .group = group};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
}

/* About 75,000 elements in the first group: eight buckets, slices of unequal length. Some ranks own
 * nothing of the second one's. The last is fixed. */
static struct ls_parameter_set *create_set(void) {
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, 1, "second", LS_SHAPE(700, 33), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, LS_GROUP_FIXED, "frozen", LS_SHAPE(40, 200), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, 0, "scale", LS_SHAPE(5000), LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT);
    add(set, 1, "second_bias", LS_SHAPE(33), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, 0, "output", LS_SHAPE(100, 10), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, 0, "output_bias", LS_SHAPE(10), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, 0, "hidden", LS_SHAPE(300, 100), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, 0, "mean", LS_SHAPE(100), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    add(set, 0, "table", LS_SHAPE(900, 37), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
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
    const int size = ls_communicator_size(world), pair = ls_communicator_rank(world) / 2 * 2;
    const int near = way == SHARED ? size : way == PAIRS && pair + 2 <= size ? 2 : 1;
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

/* The reduction of a group as a worker runs it: partials become final in ranges of odd sizes, on
 * each rank at its own pace. */
static const float *reduce(struct bench *b, int step, int group) {
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    int first, count;
    ls_reducer_microbatches(b->reducer, &first, &count);
    const int partials = ls_tree_cover(b->microbatches, first, count, 0, nodes, LS_TREE_NODES_MAX);
    ck_assert_int_eq(partials, ls_reducer_partial_count(b->reducer));
    const int rank = ls_communicator_rank(world);
    const struct ls_range range = b->set->groups[group];
    ls_reducer_begin(b->reducer, group, NULL);
    for (int64_t done = range.first, length = 1 + rank; done < range.end;
         length = length * 3 % 8191 + 1) {
        const int64_t end = done + length < range.end ? done + length : range.end;
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

/* How many of the rank's sums of a group differ from those of a sequential run. */
static int64_t wrong_sums(struct bench *b, int step, int group) {
    const float *sums = reduce(b, step, group);
    const struct ls_range slice = ls_reducer_slice(b->reducer, group);
    int64_t wrong = 0;
    for (int64_t i = slice.first; i < slice.end; i++) {
        const float expected = tree_sum(b, (struct ls_tree_node){0, b->microbatches}, i);
        wrong += memcmp(&sums[i - slice.first], &expected, sizeof expected) != 0;
    }
    return wrong;
}

static void check_ordered(int microbatches, enum way way) {
    struct bench b = bench_create(microbatches, LS_REDUCE_ORDERED, way);
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(&b, step);
        for (int turn = 0; turn < turns[step].count; turn++) {
            const int group = turns[step].groups[turn];
            const int64_t wrong = wrong_sums(&b, step, group);
            world_check(wrong == 0, "%d microbatches, step %d, group %d, way %d: %lld sums wrong",
                        b.microbatches, step, group, way, (long long)wrong);
        }
    }
    bench_destroy(&b);
}

START_TEST(ordered_sums_have_the_bits_of_a_sequential_run) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++)
        for (enum way way = SHARED; way < (c ? TOO_SMALL : WAYS); way++)
            check_ordered(microbatch_counts[c], way);
}
END_TEST

/* Both groups of a step, from gradients that are told from those of other steps; nothing but the
 * reducer itself keeps a fast rank from the partials that a slow one still reads. */
static void check_paces(enum way way) {
    enum { MICROBATCHES = 4, PACES = 60 };
    struct bench b = bench_create(MICROBATCHES, LS_REDUCE_ORDERED, way);
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    int first, count;
    int64_t wrong = 0;
    ls_reducer_microbatches(b.reducer, &first, &count);
    const int partials = ls_tree_cover(MICROBATCHES, first, count, 0, nodes, LS_TREE_NODES_MAX);
    for (int pace = 1; pace <= PACES; pace++) {
        const int group = pace % 3 % GROUPS;
        const struct ls_range range = b.set->groups[group];
        ls_reducer_begin(b.reducer, group, NULL);
        for (int p = 0; p < partials; p++)
            for (int64_t i = range.first; i < range.end; i++)
                ls_reducer_partials(b.reducer)[p][i] = (float)(pace * nodes[p].count);
        if (pace % (2 + ls_communicator_rank(world)) == 0)
            usleep(2000);
        ls_reducer_ready(b.reducer, range.first, range.end);
        const float *sums = ls_reducer_finish(b.reducer);
        for (int64_t i = 0; i < ls_range_count(ls_reducer_slice(b.reducer, group)); i++)
            wrong += sums[i] != (float)(pace * MICROBATCHES);
    }
    world_check(wrong == 0, "way %d: %lld sums are of other steps", way, (long long)wrong);
    bench_destroy(&b);
}

START_TEST(steps_follow_each_other_at_any_pace) {
    for (enum way way = SHARED; way < TOO_SMALL; way++)
        check_paces(way);
}
END_TEST

/* Elements of this rank's partials, outside of `groups` of them from the first on, that are not
 * `value`. */
static int64_t touched(const struct bench *b, int groups, float value) {
    int64_t count = 0;
    for (int p = 0; p < ls_reducer_partial_count(b->reducer); p++)
        for (int64_t i = b->set->groups[groups].first; i < b->total; i++)
            count += ls_reducer_partials(b->reducer)[p][i] != value;
    return count;
}

START_TEST(a_reduction_leaves_other_groups_alone) {
    for (enum way way = SHARED; way < TOO_SMALL; way++) {
        struct bench b = bench_create(4, LS_REDUCE_ORDERED, way);
        for (int p = 0; p < ls_reducer_partial_count(b.reducer); p++)
            for (int64_t i = 0; i < b.total; i++)
                ls_reducer_partials(b.reducer)[p][i] = 77;
        draw_gradients(&b, 0);
        for (int group = 0; group < GROUPS; group++) {
            reduce(&b, 0, group);
            ls_communicator_barrier(world);
            world_check(touched(&b, group + 1, 77) == 0, "way %d: group %d wrote into others", way,
                        group);
        }
        bench_destroy(&b);
    }
}
END_TEST

static void check_all_reduced(int microbatches, enum way way) {
    struct bench b = bench_create(microbatches, LS_REDUCE_ALLREDUCE, way);
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(&b, step);
        for (int turn = 0; turn < turns[step].count; turn++) {
            const int group = turns[step].groups[turn];
            const float *sums = reduce(&b, step, group);
            const struct ls_range slice = ls_reducer_slice(b.reducer, group);
            float worst = 0;
            for (int64_t i = slice.first; i < slice.end; i++)
                worst =
                    fmaxf(worst, fabsf(sums[i - slice.first] -
                                       tree_sum(&b, (struct ls_tree_node){0, b.microbatches}, i)));
            world_check(worst < 2e-6f, "%d microbatches, step %d, group %d: off by %g",
                        b.microbatches, step, group, (double)worst);
        }
    }
    bench_destroy(&b);
}

START_TEST(all_reduced_sums_are_close) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++)
        for (enum way way = SHARED; way < PAIRS; way++)
            check_all_reduced(microbatch_counts[c], way);
}
END_TEST

/* Slices follow each other through the range of their group. */
static bool slices_cover(const struct bench *b, int group) {
    const struct ls_range mine = ls_reducer_slice(b->reducer, group);
    const int size = ls_communicator_size(world);
    struct ls_range all[64];
    ls_communicator_all_gather(world, &mine, sizeof mine, all);
    bool covered = all[0].first == b->set->groups[group].first &&
                   all[size - 1].end == b->set->groups[group].end;
    for (int r = 1; r < size; r++)
        covered = covered && all[r].first == all[r - 1].end;
    return covered;
}

START_TEST(runs_and_slices_cover_everything_once) {
    for (size_t c = 0; c < sizeof microbatch_counts / sizeof *microbatch_counts; c++) {
        const int64_t size = ls_communicator_size(world), rank = ls_communicator_rank(world);
        struct bench b = bench_create(microbatch_counts[c], LS_REDUCE_ORDERED, SHARED);
        int first, count;
        ls_reducer_microbatches(b.reducer, &first, &count);
        world_check(first == rank * b.microbatches / size &&
                        first + count == (rank + 1) * b.microbatches / size,
                    "microbatches %d to %d of %d", first, first + count, b.microbatches);
        for (int group = 0; group <= LS_GROUP_FIXED; group++)
            world_check(slices_cover(&b, group), "slices of group %d", group);
        bench_destroy(&b);
    }
}
END_TEST

/* Writes this rank's slice of a group, and gathers it: how many elements of the buffer are not what
 * they should be, when `done` says which groups were gathered. */
static int64_t wrong_gathered(struct bench *b, int group, bool *done) {
    float *flat = ls_reducer_parameters(b->reducer);
    const struct ls_range slice = ls_reducer_slice(b->reducer, group);
    for (int64_t i = slice.first; i < slice.end; i++)
        flat[i] = (float)(i + 1);
    ls_reducer_gather(b->reducer, group);
    done[group] = true;
    int64_t wrong = 0;
    for (int g = 0; g <= LS_GROUP_FIXED; g++)
        for (int64_t i = b->set->groups[g].first; i < b->set->groups[g].end; i++)
            wrong += flat[i] != (done[g] ? (float)(i + 1) : (float)-i);
    ls_communicator_barrier(world); /* others read what this rank would write next */
    return wrong;
}

static void check_parameters(enum way way) {
    struct bench b = bench_create(4, LS_REDUCE_ORDERED, way);
    int64_t wrong = 0;
    float *flat = ls_reducer_parameters(b.reducer);
    for (int64_t i = 0; i < b.total && ls_communicator_rank(world) == 0; i++)
        flat[i] = (float)-i;
    ls_reducer_broadcast(b.reducer);
    for (int64_t i = 0; i < b.total; i++)
        wrong += flat[i] != (float)-i;
    world_check(wrong == 0, "way %d: %lld of %lld elements are not rank 0's", way, (long long)wrong,
                (long long)b.total);
    static const int order[] = {1, LS_GROUP_FIXED, 0};
    bool done[LS_GROUP_FIXED + 1] = {false};
    for (int i = 0; i < 3; i++) {
        wrong = wrong_gathered(&b, order[i], done);
        world_check(wrong == 0, "way %d, group %d: %lld of %lld gathered elements are wrong", way,
                    order[i], (long long)wrong, (long long)b.total);
    }
    bench_destroy(&b);
}

START_TEST(parameters_reach_all_ranks) {
    for (enum way way = SHARED; way < WAYS; way++)
        check_parameters(way);
}
END_TEST

static void check_blocks(struct bench *b, int group, const float *flat) {
    const struct ls_range range = b->set->groups[group],
                          slice = ls_reducer_slice(b->reducer, group);
    const int64_t blocks = ls_reducer_blocks(b->reducer, group);
    const int64_t before = ls_norm_blocks(b->set, range.first, slice.first);
    world_check(blocks == ls_norm_blocks(b->set, range.first, range.end), "%lld blocks in group %d",
                (long long)blocks, group);
    double *expected = ls_calloc((size_t)blocks, sizeof(double)),
           *apart = ls_calloc((size_t)blocks, sizeof(double)),
           *inside = ls_calloc((size_t)blocks, sizeof(double)),
           *mine = ls_calloc((size_t)blocks + 1, sizeof(double));
    ls_norm_block_sums(b->set, range.first, range.end, flat + range.first, expected);
    ls_norm_block_sums(b->set, slice.first, slice.end, flat + slice.first, mine);
    ls_norm_block_sums(b->set, slice.first, slice.end, flat + slice.first, inside + before);
    ls_reducer_gather_blocks(b->reducer, group, mine, apart);
    ls_reducer_gather_blocks(b->reducer, group, inside + before, inside);
    world_check(!memcmp(expected, apart, (size_t)blocks * sizeof(double)),
                "group %d: blocks from elsewhere are wrong", group);
    world_check(!memcmp(expected, inside, (size_t)blocks * sizeof(double)),
                "group %d: blocks in place are wrong", group);
    free(expected);
    free(apart);
    free(inside);
    free(mine);
}

START_TEST(norm_blocks_reach_all_ranks) {
    struct bench b = bench_create(4, LS_REDUCE_ORDERED, SHARED);
    float *flat = ls_calloc((size_t)b.total, sizeof(float));
    for (int64_t i = 0; i < b.total; i++)
        flat[i] = (float)(i + 1);
    for (int group = 0; group < GROUPS; group++)
        check_blocks(&b, group, flat);
    free(flat);
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

/* Elements that one of 4 ranks sends for a group. */
static int64_t sent_by(const struct ls_parameter_set *set, int group, int rank, int partials) {
    const int64_t slice = ls_range_count(ls_parameters_slice(set, group, rank, 4));
    return partials * (ls_range_count(set->groups[group]) - slice) + 3 * slice;
}

static int64_t ring_sent_by(const struct ls_parameter_set *set, int group, int rank) {
    const int64_t count = ls_range_count(set->groups[group]);
    return 2 * (count - count / 4) + 3 * ls_range_count(ls_parameters_slice(set, group, rank, 4));
}

/* Of both groups; none for what is fixed. */
START_TEST(bytes_sent_are_those_of_the_messages) {
    struct ls_parameter_set *set = create_set();
    world_check(ls_reducer_bytes_sent(set, 8, 1, LS_REDUCE_ORDERED) == 0, "one rank sends nothing");
    /* 6 microbatches on 4 ranks: 1, 2, 1, 2 of them, the second rank's are no siblings */
    const int partials[4] = {1, 2, 1, 1};
    int64_t most = 0, most_of_ring = 0;
    for (int r = 0; r < 4; r++) {
        const int64_t sent = sent_by(set, 0, r, partials[r]) + sent_by(set, 1, r, partials[r]);
        const int64_t ring = ring_sent_by(set, 0, r) + ring_sent_by(set, 1, r);
        most = sent > most ? sent : most;
        most_of_ring = ring > most_of_ring ? ring : most_of_ring;
    }
    const int64_t found = ls_reducer_bytes_sent(set, 6, 4, LS_REDUCE_ORDERED);
    world_check(found == 4 * most, "%lld bytes, expected %lld", (long long)found,
                (long long)(4 * most));
    const int64_t ring = ls_reducer_bytes_sent(set, 6, 4, LS_REDUCE_ALLREDUCE);
    world_check(ring == 4 * most_of_ring, "%lld bytes, expected %lld", (long long)ring,
                (long long)(4 * most_of_ring));
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(ordered_sums_have_the_bits_of_a_sequential_run, steps_follow_each_other_at_any_pace,
         a_reduction_leaves_other_groups_alone, all_reduced_sums_are_close,
         runs_and_slices_cover_everything_once, parameters_reach_all_ranks,
         norm_blocks_reach_all_ranks, more_ranks_than_microbatches_are_refused,
         bytes_sent_are_those_of_the_messages)
