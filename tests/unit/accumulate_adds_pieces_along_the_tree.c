#include "core/graph/accumulate.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

enum { MICROBATCHES_MAX = 20, TOTAL = 48 };

/* One gradient per microbatch, of sizes that make every other order of adding show. */
static float leaves[MICROBATCHES_MAX][TOTAL];

static void draw_leaves(void) {
    uint64_t state = 12345;
    for (int m = 0; m < MICROBATCHES_MAX; m++)
        for (int i = 0; i < TOTAL; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const float size = (float)(1 << (state >> 60));
            leaves[m][i] = size * ((float)(int32_t)(state >> 32) * 0x1p-31f);
        }
}

/* The definition. */
static float sum_node(struct ls_tree_node node, int element) {
    if (node.count == 1)
        return leaves[node.first][element];
    const int left = ls_tree_split(node.count);
    return sum_node((struct ls_tree_node){node.first, left}, element) +
           sum_node((struct ls_tree_node){node.first + left, node.count - left}, element);
}

/* What a piece's run writes: the tree sum over its microbatches, in two or three ranges. */
static void run_piece(struct ls_accumulator *accumulator, int index) {
    const struct ls_tree_node node = ls_accumulator_piece(accumulator, index).node;
    static const int64_t cuts[] = {0, 16, 16, 32, TOTAL};
    float *buffer = ls_accumulator_buffer(accumulator, index);
    for (int c = 0; c < 4; c++) {
        for (int64_t i = cuts[c]; i < cuts[c + 1]; i++)
            buffer[i] = sum_node(node, (int)i);
        ls_accumulator_ready(accumulator, index, cuts[c], cuts[c + 1]);
    }
}

static void check_rank(int microbatches, int first, int count, int piece_max) {
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    float partials[LS_TREE_NODES_MAX][TOTAL], *pointers[LS_TREE_NODES_MAX];
    const int partial_count =
        ls_tree_cover(microbatches, first, count, 0, nodes, LS_TREE_NODES_MAX);
    for (int i = 0; i < partial_count; i++)
        pointers[i] = partials[i];
    struct ls_accumulator *accumulator =
        ls_accumulator_create(microbatches, first, count, piece_max, TOTAL, pointers);
    for (int step = 0; step < 2; step++) {
        memset(partials, 0xff, sizeof partials);
        int next = first;
        for (int i = 0; i < ls_accumulator_pieces(accumulator); i++) {
            const struct ls_piece piece = ls_accumulator_piece(accumulator, i);
            ck_assert_int_eq(piece.node.first, next);
            ck_assert_int_le(piece.node.count, piece_max);
            next += piece.node.count;
            run_piece(accumulator, i);
        }
        ck_assert_int_eq(next, first + count);
        for (int p = 0; p < partial_count; p++)
            for (int i = 0; i < TOTAL; i++) {
                const float expected = sum_node(nodes[p], i);
                ck_assert_mem_eq(&partials[p][i], &expected, sizeof expected);
            }
    }
    ls_accumulator_destroy(accumulator);
}

START_TEST(any_rank_and_piece_limit_gives_the_bits_of_the_tree) {
    draw_leaves();
    for (int microbatches = 1; microbatches <= MICROBATCHES_MAX; microbatches++)
        for (int ranks = 1; ranks <= microbatches; ranks++)
            for (int rank = 0; rank < ranks; rank++) {
                const int first = rank * microbatches / ranks;
                const int count = (rank + 1) * microbatches / ranks - first;
                for (int piece_max = 1; piece_max <= count; piece_max++)
                    check_rank(microbatches, first, count, piece_max);
            }
}
END_TEST

START_TEST(one_piece_writes_straight_into_the_partial) {
    float partial[TOTAL], *pointer = partial;
    struct ls_accumulator *accumulator = ls_accumulator_create(8, 0, 8, 8, TOTAL, &pointer);
    ck_assert_int_eq(ls_accumulator_pieces(accumulator), 1);
    ck_assert_ptr_eq(ls_accumulator_buffer(accumulator, 0), partial);
    ck_assert_int_eq(ls_accumulator_piece(accumulator, 0).merges, 0);
    ls_accumulator_destroy(accumulator);
}
END_TEST

LS_SUITE(any_rank_and_piece_limit_gives_the_bits_of_the_tree,
         one_piece_writes_straight_into_the_partial)
