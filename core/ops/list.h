/* Every op, once. Adding one: its file, a line here, its prototype in core/graph/ops.h. */
#ifndef LS_OPS_LIST_H
#define LS_OPS_LIST_H

#define LS_VALUE_OP_LIST(X)                                                                        \
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

/* What a model that only answers has none of. */
#define LS_LOSS_OP_LIST(X)                                                                         \
    X(squared_error)                                                                               \
    X(absolute_error)                                                                              \
    X(huber)                                                                                       \
    X(softmax_cross_entropy)                                                                       \
    X(binary_cross_entropy)                                                                        \
    X(gaussian_nll)                                                                                \
    X(quantile)                                                                                    \
    X(kl_normal)                                                                                   \
    X(adversarial)                                                                                 \
    X(contrastive)                                                                                 \
    X(nearest_prototype)                                                                           \
    X(nearest_sample)                                                                              \
    X(triplet)                                                                                     \
    X(weighted_loss)

#define LS_OP_LIST(X) LS_VALUE_OP_LIST(X) LS_LOSS_OP_LIST(X)

enum ls_op_id {
#define LS_OP_ID(name) LS_OP_##name,
    LS_OP_LIST(LS_OP_ID)
#undef LS_OP_ID
        LS_OP_COUNT
};

struct ls_op;

/* The ops of each variant, indexed by enum ls_op_id (list.c, compiled per variant). */
extern const struct ls_op *const ls_ops_f32_avx512[LS_OP_COUNT];
extern const struct ls_op *const ls_ops_f32_avx2[LS_OP_COUNT];
extern const struct ls_op *const ls_ops_f32_portable[LS_OP_COUNT];
extern const struct ls_op *const ls_ops_f64[LS_OP_COUNT];

#endif
