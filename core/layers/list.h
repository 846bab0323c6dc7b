/* Every layer, once, in the order of the help. Adding one: its struct in a file here, and a line.
 */
#ifndef LS_LAYERS_LIST_H
#define LS_LAYERS_LIST_H

#include "core/layers/layer.h"

#define LS_LAYER_LIST(X)                                                                           \
    X(linear)                                                                                      \
    X(conv1d)                                                                                      \
    X(conv2d)                                                                                      \
    X(conv_transpose2d)                                                                            \
    X(embedding)                                                                                   \
    X(lstm)                                                                                        \
    X(gru)                                                                                         \
    X(rnn)                                                                                         \
    X(attention)                                                                                   \
    X(attention_pooling)                                                                           \
    X(position)                                                                                    \
    X(max_pool)                                                                                    \
    X(average_pool)                                                                                \
    X(global_average_pool)                                                                         \
    X(upsample)                                                                                    \
    X(flatten)                                                                                     \
    X(reshape)                                                                                     \
    X(transpose)                                                                                   \
    X(slice)                                                                                       \
    X(take)                                                                                        \
    X(last)                                                                                        \
    X(repeat_vector)                                                                               \
    X(reduce)                                                                                      \
    X(one_hot)                                                                                     \
    X(relu)                                                                                        \
    X(leaky_relu)                                                                                  \
    X(elu)                                                                                         \
    X(gelu)                                                                                        \
    X(silu)                                                                                        \
    X(softplus)                                                                                    \
    X(sigmoid)                                                                                     \
    X(tanh)                                                                                        \
    X(softmax)                                                                                     \
    X(log_softmax)                                                                                 \
    X(exp)                                                                                         \
    X(log)                                                                                         \
    X(square)                                                                                      \
    X(abs)                                                                                         \
    X(clamp)                                                                                       \
    X(scale)                                                                                       \
    X(stop_gradient)                                                                               \
    X(batch_norm)                                                                                  \
    X(layer_norm)                                                                                  \
    X(group_norm)                                                                                  \
    X(rms_norm)                                                                                    \
    X(prototypes)                                                                                  \
    X(distance)                                                                                    \
    X(dropout)                                                                                     \
    X(from_last)                                                                                   \
    X(add_level)                                                                                   \
    X(sequential)                                                                                  \
    X(repeat)                                                                                      \
    X(residual)                                                                                    \
    X(shortcut)                                                                                    \
    X(concat)                                                                                      \
    X(add)                                                                                         \
    X(multiply)                                                                                    \
    X(network)                                                                                     \
    X(feed)                                                                                        \
    X(class_token)                                                                                 \
    X(noise)                                                                                       \
    X(gaussian_noise)                                                                              \
    X(sample_normal)

#define LS_LAYER_DECLARE(name) extern const struct ls_layer ls_layer_##name;
LS_LAYER_LIST(LS_LAYER_DECLARE)
#undef LS_LAYER_DECLARE

#endif
