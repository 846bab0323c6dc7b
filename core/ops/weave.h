/* Weaving: passes of a batch norm over images that a conv2d beside it makes, a few images at a time
 * while they are in cache. The planner decides (graph/weave.c) and gives both nodes a weave.
 *
 *     conv2d -> norm   forward: the convolution takes the norm's sums of x
 *                      backward: the convolution makes the norm's dx, which nobody stores
 *     norm -> conv2d   forward: the convolution makes the norm's y
 *                      backward: the convolution takes the norm's sums of dy
 *
 * The norm itself is left with its statistics and coefficients. */
#ifndef LS_OPS_WEAVE_H
#define LS_OPS_WEAVE_H

#include "core/ops/op.h"

struct ls_weave {
    const struct ls_node *before; /* makes inputs[0]: of a conv2d the norm, of a norm the conv2d */
    const struct ls_node *behind; /* reads the output, likewise */
    bool stores; /* of a norm with a conv2d behind: others read y, too, so forward stores it; else
                    it is made again in backward */
};

/* The node beside this one that it is woven into, or NULL. */
static inline const struct ls_node *ls_woven_before(const struct ls_node *node) {
    return node->weave ? node->weave->before : NULL;
}

static inline const struct ls_node *ls_woven_behind(const struct ls_node *node) {
    return node->weave ? node->weave->behind : NULL;
}

/* Whether forward stores a node's output. */
static inline bool ls_weave_stores(const struct ls_node *norm) {
    return !ls_woven_behind(norm) || norm->weave->stores;
}

#endif
