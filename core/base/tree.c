#include "core/base/tree.h"

#include "core/base/status.h"

int ls_tree_split(int count) {
    int left = 1;
    while (left < count - left)
        left *= 2;
    return left;
}

struct cover {
    struct ls_tree_node *nodes;
    int count, room;
    int first, end, count_max;
};

static void cover_node(struct cover *cover, struct ls_tree_node node) {
    const int end = node.first + node.count;
    if (end <= cover->first || node.first >= cover->end)
        return;
    const int inside = node.first >= cover->first && end <= cover->end;
    if (inside && (!cover->count_max || node.count <= cover->count_max)) {
        LS_ASSERT(cover->count < cover->room, "room for %d tree nodes", cover->room);
        cover->nodes[cover->count++] = node;
        return;
    }
    const int left = ls_tree_split(node.count);
    cover_node(cover, (struct ls_tree_node){node.first, left});
    cover_node(cover, (struct ls_tree_node){node.first + left, node.count - left});
}

int ls_tree_cover(int leaves, int first, int count, int count_max, struct ls_tree_node *nodes,
                  int nodes_max) {
    LS_ASSERT(first >= 0 && count >= 0 && first + count <= leaves && count_max >= 0,
              "leaves %d to %d of %d, nodes of at most %d", first, first + count, leaves,
              count_max);
    if (!count)
        return 0;
    struct cover cover = {.nodes = nodes,
                          .room = nodes_max,
                          .first = first,
                          .end = first + count,
                          .count_max = count_max};
    cover_node(&cover, (struct ls_tree_node){0, leaves});
    return cover.count;
}

int ls_tree_siblings(int leaves, struct ls_tree_node left, struct ls_tree_node right) {
    struct ls_tree_node node = {0, leaves};
    while (node.count >= 2) {
        const int split = ls_tree_split(node.count);
        const struct ls_tree_node l = {node.first, split};
        const struct ls_tree_node r = {node.first + split, node.count - split};
        if (l.first == left.first && l.count == left.count)
            return r.first == right.first && r.count == right.count;
        node = left.first < r.first ? l : r;
    }
    return 0;
}

double ls_tree_sum(const double *values, int n, int stride) {
    if (n < 2)
        return n ? values[0] : 0.0;
    const int left = ls_tree_split(n);
    return ls_tree_sum(values, left, stride) +
           ls_tree_sum(values + (int64_t)left * stride, n - left, stride);
}
