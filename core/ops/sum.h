/* Sums over samples in their fixed order, for every op: inside a microbatch 16 lanes (lane = row mod 16,
 * counted inside the microbatch), lanes along the fixed tree, then microbatches along the fixed tree
 * (base/tree.h). Neither pieces, ranks nor vector widths change a bit. Lanes start from +0, so a sum is
 * never -0 and an empty microbatch is exact +0. Inline, compiled with the op that uses it. */
#ifndef LS_OPS_SUM_H
#define LS_OPS_SUM_H

#include "core/base/memory.h"
#include "core/base/tree.h"
#include "core/ops/op.h"
#include "core/tensor/variant.h"

enum { LS_SUM_LANES = 16, LS_SUM_BLOCK = 256 };

/* Arrays that a stack over so many leaves holds at once (slot 0 included). */
static inline int ls_tree_slots(int64_t leaves_max) {
    int slots = 1;
    while (slots < LS_TREE_DEPTH_MAX && (INT64_C(1) << slots) <= leaves_max)
        slots++;
    return slots;
}

/* A tree stack adds arrays of `count` elements along the fixed tree as they come, leaf by leaf: a binary
 * counter, so that two finished halves of a node are added at once; finish adds what is left from right
 * to left, which is the tree that splits at the largest power of two below n. Use:
 *
 *     struct ls_tree_stack stack = ls_tree_stack_begin(result, scratch, count);
 *     for each leaf: { write it to ls_tree_stack_leaf(&stack); ls_tree_stack_push(&stack); }
 *     ls_tree_stack_finish(&stack);        // the sum is in result; without leaves it is 0
 *
 * Slot 0 is `result`; scratch has room for (ls_tree_slots(leaves_max) - 1) * count elements. A leaf's
 * memory holds garbage before. ls_tree_stack is for real, ls_tree_stack_double for double. */
#define LS_TREE_STACK(name, type)                                                                  \
    struct name {                                                                                  \
        type *first, *rest; /* borrowed */                                                         \
        int64_t count;                                                                             \
        int depth, leaves;                                                                         \
    };                                                                                             \
                                                                                                   \
    static inline struct name name##_begin(type *result, type *scratch, int64_t count) {           \
        return (struct name){.first = result, .rest = scratch, .count = count};                    \
    }                                                                                              \
                                                                                                   \
    static inline type *name##_leaf(const struct name *stack) {                                    \
        return stack->depth == 0 ? stack->first : stack->rest + (stack->depth - 1) * stack->count; \
    }                                                                                              \
                                                                                                   \
    static inline void name##_merge(struct name *stack) {                                          \
        stack->depth--;                                                                            \
        const type *restrict right = name##_leaf(stack);                                           \
        stack->depth--;                                                                            \
        type *restrict left = name##_leaf(stack);                                                  \
        stack->depth++;                                                                            \
        for (int64_t i = 0; i < stack->count; i++)                                                 \
            left[i] += right[i];                                                                   \
    }                                                                                              \
                                                                                                   \
    static inline void name##_push(struct name *stack) {                                           \
        stack->depth++;                                                                            \
        stack->leaves++;                                                                           \
        for (int n = stack->leaves; n % 2 == 0; n /= 2)                                            \
            name##_merge(stack);                                                                   \
    }                                                                                              \
                                                                                                   \
    static inline void name##_finish(struct name *stack) {                                         \
        while (stack->depth > 1)                                                                   \
            name##_merge(stack);                                                                   \
        if (stack->depth == 0)                                                                     \
            for (int64_t i = 0; i < stack->count; i++)                                             \
                stack->first[i] = 0;                                                               \
    }

LS_TREE_STACK(ls_tree_stack, real)
LS_TREE_STACK(ls_tree_stack_double, double)

/* Lanes: [16][columns], zeroed by the caller before the first row of a microbatch. Adds `rows` rows of x
 * (dense, [rows][columns]); `first` is the number of the first of them inside its microbatch. */
static inline void ls_lanes_add(real *lanes, int64_t columns, int64_t first, int64_t rows,
                                const real *x) {
    while (rows > 0) { /* rows are dense and lanes too, so up to 16 rows are one long addition */
        const int64_t lane = first % LS_SUM_LANES;
        const int64_t some = rows < LS_SUM_LANES - lane ? rows : LS_SUM_LANES - lane;
        real *restrict to = lanes + lane * columns;
        const real *restrict from = x;
        for (int64_t i = 0; i < some * columns; i++)
            to[i] += from[i];
        x += some * columns;
        first += some;
        rows -= some;
    }
}

/* Adds the 16 lanes along the fixed tree into to[columns]; overwrites lanes. */
static inline void ls_lanes_combine(real *lanes, int64_t columns, real *to) {
    for (int64_t step = 1; step < LS_SUM_LANES; step *= 2)
        for (int64_t lane = 0; lane < LS_SUM_LANES; lane += 2 * step) {
            real *restrict left = lanes + lane * columns;
            const real *restrict right = lanes + (lane + step) * columns;
            for (int64_t c = 0; c < columns; c++)
                left[c] += right[c];
        }
    memcpy(to, lanes, (size_t)columns * sizeof(real));
}

/* Scratch bytes of ls_column_sums for runs of at most rows_max samples. */
static inline size_t ls_column_sums_bytes(int64_t columns, int64_t rows_max) {
    const int64_t wide = columns < LS_SUM_BLOCK ? columns : LS_SUM_BLOCK;
    const int64_t elements = LS_SUM_LANES * wide + (ls_tree_slots(rows_max) - 1) * wide;
    return ls_round_up((size_t)elements * sizeof(real), LS_ALIGNMENT);
}

/* to[c] = sum of x[r][c] over the run's rows; x [run->rows * vectors, columns] dense, `vectors` rows per
 * sample. Wide matrices go in blocks of columns, so that the lanes stay in the first-level cache. */
static inline void ls_column_sums(const struct ls_run *run, int64_t vectors, int64_t columns,
                                  const real *x, real *to, void *scratch) {
    for (int64_t c = 0; c < columns; c += LS_SUM_BLOCK) {
        const int64_t wide = columns - c < LS_SUM_BLOCK ? columns - c : LS_SUM_BLOCK;
        real *lanes = scratch;
        struct ls_tree_stack stack = ls_tree_stack_begin(to + c, lanes + LS_SUM_LANES * wide, wide);
        for (int m = 0; m < run->microbatches; m++) {
            const int64_t rows = ls_run_microbatch_rows(run, m) * vectors;
            const real *from = x + ls_run_microbatch_first(run, m) * vectors * columns + c;
            memset(lanes, 0, (size_t)(LS_SUM_LANES * wide) * sizeof(real));
            if (wide == columns)
                ls_lanes_add(lanes, wide, 0, rows, from);
            else
                for (int64_t r = 0; r < rows; r++)
                    ls_lanes_add(lanes, wide, r, 1, from + r * columns);
            ls_lanes_combine(lanes, wide, ls_tree_stack_leaf(&stack));
            ls_tree_stack_push(&stack);
        }
        ls_tree_stack_finish(&stack);
    }
}

#endif
