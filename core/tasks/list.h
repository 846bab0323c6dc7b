/* Every loss, once. Adding one: its file, a line here. */
#ifndef LS_TASKS_LIST_H
#define LS_TASKS_LIST_H

#include "core/tasks/loss.h"

#define LS_LOSS_LIST(X)                                                                            \
    X(cross_entropy)                                                                               \
    X(binary_cross_entropy)                                                                        \
    X(squared_error)                                                                               \
    X(absolute_error)                                                                              \
    X(box)                                                                                         \
    X(huber)                                                                                       \
    X(quantile)                                                                                    \
    X(gaussian_nll)                                                                                \
    X(contrastive)                                                                                 \
    X(triplet)                                                                                     \
    X(nearest)                                                                                     \
    X(kl_normal)                                                                                   \
    X(adversarial)

#define LS_LOSS_DECLARE(name) extern const struct ls_loss ls_loss_##name;
LS_LOSS_LIST(LS_LOSS_DECLARE)
#undef LS_LOSS_DECLARE

#endif
