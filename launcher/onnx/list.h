/* Every op that has a translation, once; those of losses, which answer nothing, have none. Adding
 * one: its function ls_onnx_op_NAME in the file of its kind, and a line here. */
#ifndef LS_LAUNCHER_ONNX_LIST_H
#define LS_LAUNCHER_ONNX_LIST_H

#include "launcher/onnx/builder.h"

#define LS_ONNX_OPS(X)                                                                             \
    X(linear)                                                                                      \
    X(conv2d)                                                                                      \
    X(conv_transpose2d)                                                                            \
    X(max_pool)                                                                                    \
    X(average_pool)                                                                                \
    X(global_average_pool)                                                                         \
    X(add)                                                                                         \
    X(subtract)                                                                                    \
    X(multiply)                                                                                    \
    X(divide)                                                                                      \
    X(maximum)                                                                                     \
    X(reshape)                                                                                     \
    X(flatten)                                                                                     \
    X(prepend)                                                                                     \
    X(concat)                                                                                      \
    X(slice)                                                                                       \
    X(transpose)                                                                                   \
    X(reduce)                                                                                      \
    X(last)                                                                                        \
    X(repeat)                                                                                      \
    X(upsample)                                                                                    \
    X(one_hot)                                                                                     \
    X(stop_gradient)                                                                               \
    X(distance)                                                                                    \
    X(batched_product)                                                                             \
    X(sigmoid)                                                                                     \
    X(tanh)                                                                                        \
    X(relu)                                                                                        \
    X(leaky_relu)                                                                                  \
    X(elu)                                                                                         \
    X(gelu)                                                                                        \
    X(silu)                                                                                        \
    X(softplus)                                                                                    \
    X(exp)                                                                                         \
    X(log)                                                                                         \
    X(square)                                                                                      \
    X(abs)                                                                                         \
    X(clamp)                                                                                       \
    X(scale)                                                                                       \
    X(softmax)                                                                                     \
    X(log_softmax)                                                                                 \
    X(batch_norm)                                                                                  \
    X(layer_norm)                                                                                  \
    X(group_norm)                                                                                  \
    X(rms_norm)                                                                                    \
    X(dropout)                                                                                     \
    X(noise)                                                                                       \
    X(gaussian_noise)                                                                              \
    X(sample_normal)                                                                               \
    X(attention)                                                                                   \
    X(rotary)                                                                                      \
    X(embedding)                                                                                   \
    X(lstm)                                                                                        \
    X(gru)                                                                                         \
    X(rnn)                                                                                         \
    X(standardise)                                                                                 \
    X(prototypes)                                                                                  \
    X(shortcut)

#define LS_ONNX_DECLARE(name) ls_onnx_translation ls_onnx_op_##name;
LS_ONNX_OPS(LS_ONNX_DECLARE)
#undef LS_ONNX_DECLARE

/* That of an op, by its name; NULL: it has none. */
ls_onnx_translation *ls_onnx_find(const char *op);

#endif
