#include <stdlib.h>
#include <string.h>

#include "core/graph/accumulate.h"
#include "tests/support/graph_fixture.h"
#include "tests/support/support.h"

enum { MICROBATCHES = 8, MICROBATCH_ROWS = 3, ROWS_MAX = MICROBATCHES * MICROBATCH_ROWS };

struct merge {
    struct ls_accumulator *accumulator;
    int piece;
};

static void merge_ready(void *context, int64_t first, int64_t end) {
    struct merge *merge = context;
    ls_accumulator_ready(merge->accumulator, merge->piece, first, end);
}

/* One piece of a global batch of `rows` samples; empty pieces count as exact zero. */
static void run_piece(struct ls_fixture *fixture, struct ls_accumulator *accumulator, int index,
                      int64_t rows, float *loss) {
    const struct ls_tree_node node = ls_accumulator_piece(accumulator, index).node;
    const int64_t first = (int64_t)node.first * MICROBATCH_ROWS;
    int64_t end = first + (int64_t)node.count * MICROBATCH_ROWS;
    end = end < rows ? end : rows;
    float *gradients = ls_accumulator_buffer(accumulator, index);
    struct merge merge = {accumulator, index};
    if (first >= end) {
        memset(gradients, 0, (size_t)fixture->set->total * sizeof *gradients);
        ls_accumulator_ready(accumulator, index, 0, fixture->set->total);
        return;
    }
    const struct ls_run run = ls_fixture_rows(fixture, first, end - first, MICROBATCH_ROWS, true);
    ls_graph_forward(fixture->graph, &run, gradients);
    ls_graph_backward(fixture->graph, &run, gradients, merge_ready, &merge);
    memcpy(loss + 2 * first, fixture->loss->data, (size_t)(2 * (end - first)) * sizeof *loss);
}

/* Adds partials along the tree over the microbatches, as the owner of a slice does. */
static void add_partials(struct ls_tree_node *nodes, float **partials, int count, int64_t total) {
    while (count > 1)
        for (int i = 0; i + 1 < count; i++)
            if (ls_tree_siblings(MICROBATCHES, nodes[i], nodes[i + 1])) {
                for (int64_t k = 0; k < total; k++)
                    partials[i][k] += partials[i + 1][k];
                nodes[i].count += nodes[i + 1].count;
                for (int k = i + 1; k + 1 < count; k++) {
                    nodes[k] = nodes[k + 1];
                    partials[k] = partials[k + 1];
                }
                count--;
            }
}

/* A whole step on `ranks` ranks, one after the other; returns the summed gradients. */
static float *step(struct ls_fixture *fixture, int ranks, int piece_microbatches, int64_t rows,
                   float *loss) {
    struct ls_tree_node nodes[MICROBATCHES * 2];
    float *partials[MICROBATCHES * 2], *owned[MICROBATCHES * 2];
    int count = 0;
    for (int rank = 0; rank < ranks; rank++) {
        const int first = rank * MICROBATCHES / ranks;
        const int mine = (rank + 1) * MICROBATCHES / ranks - first;
        const int cover = ls_tree_cover(MICROBATCHES, first, mine, 0, nodes + count, MICROBATCHES);
        for (int i = 0; i < cover; i++)
            owned[count + i] = partials[count + i] =
                aligned_alloc(64, (size_t)fixture->set->total * sizeof(float));
        struct ls_accumulator *accumulator = ls_accumulator_create(
            MICROBATCHES, first, mine, piece_microbatches, fixture->set->total, partials + count);
        for (int i = 0; i < ls_accumulator_pieces(accumulator); i++)
            run_piece(fixture, accumulator, i, rows, loss);
        ls_accumulator_destroy(accumulator);
        count += cover;
    }
    add_partials(nodes, partials, count, fixture->set->total);
    for (int i = 1; i < count; i++)
        free(owned[i]);
    return owned[0];
}

static void check_model(enum ls_fixture_model model, int64_t rows) {
    struct ls_fixture whole =
        ls_fixture_create(model, (struct ls_graph_options){.rows_max = ROWS_MAX}, NULL);
    float loss[2 * ROWS_MAX], piece_loss[2 * ROWS_MAX];
    float *expected = step(&whole, 1, MICROBATCHES, rows, loss);
    for (int limit = 1; limit <= 4; limit++)
        for (int ranks = 1; ranks <= 4; ranks++) {
            struct ls_fixture piece = ls_fixture_create(
                model, (struct ls_graph_options){.rows_max = limit * MICROBATCH_ROWS}, NULL);
            float *found = step(&piece, ranks, limit, rows, piece_loss);
            ck_assert_mem_eq(loss, piece_loss, (size_t)(2 * rows) * sizeof *loss);
            for (int k = 0; k < whole.set->count; k++) {
                const struct ls_parameter *p = whole.set->items[k];
                ck_assert_msg(!memcmp(expected + p->offset, found + p->offset,
                                      (size_t)p->count * sizeof(float)),
                              "%s, %lld rows, %d ranks, pieces of %d: %s differs",
                              ls_fixture_names[model], (long long)rows, ranks, limit, p->name);
            }
            free(found);
            ls_fixture_destroy(&piece);
        }
    free(expected);
    ls_fixture_destroy(&whole);
}

START_TEST(any_cut_of_a_full_batch_gives_the_same_bits) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++)
        check_model((enum ls_fixture_model)model, ROWS_MAX);
}
END_TEST

START_TEST(any_cut_of_a_short_batch_gives_the_same_bits) {
    for (int model = 0; model < LS_FIXTURE_COUNT; model++) {
        check_model((enum ls_fixture_model)model, ROWS_MAX - MICROBATCH_ROWS - 1);
        check_model((enum ls_fixture_model)model, MICROBATCH_ROWS + 1);
    }
}
END_TEST

LS_SUITE(any_cut_of_a_full_batch_gives_the_same_bits, any_cut_of_a_short_batch_gives_the_same_bits)
