/* Adding arrays along the fixed tree over microbatches (base/tree.h) as they come. Inline. */
#ifndef LS_KERNELS_TREE_STACK_H
#define LS_KERNELS_TREE_STACK_H

#include "core/base/tree.h"
#include "core/tensor/variant.h"

/* Arrays that a stack over so many leaves holds at once (slot 0 included). */
static inline int ls_tree_slots(int64_t leaves_max) {
    int slots = 1;
    while (slots < LS_TREE_DEPTH_MAX && (INT64_C(1) << slots) <= leaves_max)
        slots++;
    return slots;
}

/* A tree stack adds arrays of `count` elements along the fixed tree as they come, leaf by leaf: a
 * binary counter, so that two finished halves of a node are added at once; finish adds what is left
 * from right to left, which is the tree that splits at the largest power of two below n. Use:
 *
 *     struct ls_tree_stack stack = ls_tree_stack_begin(result, scratch, count);
 *     for each leaf: { write it to ls_tree_stack_leaf(&stack); ls_tree_stack_push(&stack); }
 *     ls_tree_stack_finish(&stack);        // the sum is in result; without leaves it is 0
 *
 * Slot 0 is `result`; scratch has room for (ls_tree_slots(leaves_max) - 1) * count elements. A
 * leaf's memory holds garbage before. ls_tree_stack is for real, ls_tree_stack_double for
 * double. */
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

#endif
