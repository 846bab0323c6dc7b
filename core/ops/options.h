/* Options of the ops whose recording function takes them as plain arguments (the other options
 * structs are in ops.h). The recording function fills one of these, the op reads it. */
#ifndef LS_OPS_OPTIONS_H
#define LS_OPS_OPTIONS_H

#include <stdint.h>

#include "core/tensor/shape.h"

struct ls_leaky_relu_options {
    double slope;
};

struct ls_elu_options {
    double alpha;
};

struct ls_dropout_options {
    double rate; /* in [0, 1) */
};

struct ls_concat_options {
    int axis; /* 1 .. rank-1; -1 the last */
};

struct ls_reshape_options {
    struct ls_shape row_shape; /* without the batch dimension; at most one dimension is -1 */
};

struct ls_shortcut_options {
    int64_t stride, channels;
};

struct ls_huber_options {
    double delta; /* above 0 */
};

#endif
