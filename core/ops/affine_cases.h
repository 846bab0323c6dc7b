/* Inputs of the example cases of linear, conv2d and conv_transpose2d: a value, a weight in panels,
 * a bias. */
#ifndef LS_OPS_AFFINE_CASES_H
#define LS_OPS_AFFINE_CASES_H

#include "core/ops/op.h"

#define X(...)                                                                                     \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .low = -1, .high = 1 }
#define W(...)                                                                                     \
    {                                                                                              \
        .shape = LS_CASE_SHAPE(__VA_ARGS__), .parameter = true, .layout = LS_LAYOUT_PANELS,        \
        .low = -1, .high = 1                                                                       \
    }
#define B(...)                                                                                     \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .parameter = true, .low = -1, .high = 1 }

#endif
