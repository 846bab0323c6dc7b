#include "core/base/tree.h"

#include <stdbool.h>
#include <string.h>

#include "tests/support/support.h"

enum { LEAVES_MAX = 37 };

/* The definition, written a second time: the largest power of two below n goes left. */
static int defined_split(int n) {
    int left = 1;
    while (left * 2 < n)
        left *= 2;
    return left;
}

static double defined_sum(const double *values, int first, int count) {
    if (count == 1)
        return values[first];
    const int left = defined_split(count);
    return defined_sum(values, first, left) + defined_sum(values, first + left, count - left);
}

/* All nodes of the tree over n leaves; returns how many. parent[i] is an index into nodes. */
static int all_nodes(int first, int count, int above, struct ls_tree_node *nodes, int *parent,
                     int used) {
    const int here = used++;
    nodes[here] = (struct ls_tree_node){first, count};
    parent[here] = above;
    if (count > 1) {
        const int left = defined_split(count);
        used = all_nodes(first, left, here, nodes, parent, used);
        used = all_nodes(first + left, count - left, here, nodes, parent, used);
    }
    return used;
}

START_TEST(a_node_splits_at_the_largest_power_of_two_below) {
    ck_assert_int_eq(ls_tree_split(2), 1);
    ck_assert_int_eq(ls_tree_split(3), 2);
    ck_assert_int_eq(ls_tree_split(4), 2);
    ck_assert_int_eq(ls_tree_split(5), 4);
    ck_assert_int_eq(ls_tree_split(8), 4);
    ck_assert_int_eq(ls_tree_split(9), 8);
    for (int n = 2; n <= LS_MICROBATCHES_MAX; n++)
        ck_assert_int_eq(ls_tree_split(n), defined_split(n));
}
END_TEST

START_TEST(sums_follow_the_tree_bit_for_bit) {
    double values[3 * 100];
    for (int i = 0; i < 300; i++)
        values[i] = (i % 7 - 3) * 1.1 + 1e16 * (i % 11 == 0) - 1e16 * (i % 13 == 0);
    ck_assert(ls_tree_sum(values, 0, 1) == 0.0);
    for (int n = 1; n <= 100; n++) {
        double spread[100];
        for (int i = 0; i < n; i++)
            spread[i] = values[3 * i];
        const double sum = ls_tree_sum(values, n, 1), wide = ls_tree_sum(values, n, 3);
        const double expected = defined_sum(values, 0, n),
                     expected_wide = defined_sum(spread, 0, n);
        ck_assert(!memcmp(&sum, &expected, sizeof sum));
        ck_assert(!memcmp(&wide, &expected_wide, sizeof wide));
    }
}
END_TEST

static bool is_node(int leaves, struct ls_tree_node node) {
    struct ls_tree_node nodes[2 * LEAVES_MAX];
    int parent[2 * LEAVES_MAX];
    const int count = all_nodes(0, leaves, -1, nodes, parent, 0);
    for (int i = 0; i < count; i++)
        if (nodes[i].first == node.first && nodes[i].count == node.count)
            return true;
    return false;
}

static void check_cover(int leaves, int first, int count, int count_max) {
    struct ls_tree_node cover[LEAVES_MAX];
    const int used = ls_tree_cover(leaves, first, count, count_max, cover, LEAVES_MAX);
    int at = first;
    bool good = true;
    for (int i = 0; i < used; i++) {
        good = good && cover[i].first == at && is_node(leaves, cover[i]);
        good = good && (!count_max || cover[i].count <= count_max);
        at += cover[i].count;
        /* The fewest: no two neighbours could have been one node within the limit. */
        if (i && ls_tree_siblings(leaves, cover[i - 1], cover[i]))
            good = good && count_max && cover[i - 1].count + cover[i].count > count_max;
    }
    if (!good || at != first + count)
        ck_abort_msg("the cover of %d+%d of %d leaves, at most %d each", first, count, leaves,
                     count_max);
    if (!count_max)
        ck_assert_int_le(used, LS_TREE_NODES_MAX);
}

START_TEST(a_cover_is_whole_nodes_in_order_without_gaps) {
    for (int leaves = 1; leaves <= LEAVES_MAX; leaves++)
        for (int first = 0; first < leaves; first++)
            for (int count = 0; first + count <= leaves; count++)
                for (int count_max = 0; count_max <= 9; count_max += 3)
                    check_cover(leaves, first, count, count_max);
}
END_TEST

START_TEST(a_power_of_two_on_a_power_of_two_of_ranks_is_one_node_each) {
    struct ls_tree_node node;
    for (int ranks = 1; ranks <= 64; ranks *= 2)
        for (int rank = 0; rank < ranks; rank++) {
            ck_assert_int_eq(ls_tree_cover(64, rank * 64 / ranks, 64 / ranks, 0, &node, 1), 1);
            ck_assert_int_eq(node.count, 64 / ranks);
        }
}
END_TEST

START_TEST(any_run_of_the_largest_tree_fits_the_room_for_nodes) {
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    const int used =
        ls_tree_cover(LS_MICROBATCHES_MAX, 1, LS_MICROBATCHES_MAX - 2, 0, nodes, LS_TREE_NODES_MAX);
    ck_assert_int_eq(used, 22);
    ck_assert_int_le(ls_tree_cover(4095, 1, 4093, 0, nodes, LS_TREE_NODES_MAX), LS_TREE_NODES_MAX);
}
END_TEST

START_TEST(siblings_are_the_children_of_one_node) {
    struct ls_tree_node nodes[2 * LEAVES_MAX];
    int parent[2 * LEAVES_MAX];
    for (int leaves = 1; leaves <= LEAVES_MAX; leaves++) {
        const int count = all_nodes(0, leaves, -1, nodes, parent, 0);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < count; j++) {
                const bool expected = i < j && parent[i] >= 0 && parent[i] == parent[j];
                if (!!ls_tree_siblings(leaves, nodes[i], nodes[j]) != expected)
                    ck_abort_msg("leaves %d: nodes %d+%d, %d+%d", leaves, nodes[i].first,
                                 nodes[i].count, nodes[j].first, nodes[j].count);
            }
    }
}
END_TEST

LS_SUITE(a_node_splits_at_the_largest_power_of_two_below, sums_follow_the_tree_bit_for_bit,
         a_cover_is_whole_nodes_in_order_without_gaps,
         a_power_of_two_on_a_power_of_two_of_ranks_is_one_node_each,
         any_run_of_the_largest_tree_fits_the_room_for_nodes, siblings_are_the_children_of_one_node)
