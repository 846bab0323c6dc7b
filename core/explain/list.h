/* Every method, once, in the order of the help. Adding one: its file with a constant struct
 * ls_explain_NAME, and a line here. */
#ifndef LS_EXPLAIN_LIST_H
#define LS_EXPLAIN_LIST_H

#include "core/explain/explain.h"

#define LS_EXPLAIN_METHODS(X)                                                                      \
    X(saliency)                                                                                    \
    X(input_times_gradient)                                                                        \
    X(smooth_gradient)                                                                             \
    X(integrated_gradients)                                                                        \
    X(occlusion)                                                                                   \
    X(grad_cam)                                                                                    \
    X(shapley)                                                                                     \
    X(permutation_importance)                                                                      \
    X(activations)                                                                                 \
    X(neighbours)                                                                                  \
    X(filters)                                                                                     \
    X(maximise)                                                                                    \
    X(attention)                                                                                   \
    X(intervene)                                                                                   \
    X(prototypes)

#define LS_EXPLAIN_DECLARE(name) extern const struct ls_explain_method ls_explain_##name;
LS_EXPLAIN_METHODS(LS_EXPLAIN_DECLARE)
#undef LS_EXPLAIN_DECLARE

#endif
