/* The recording functions of losses: like record.c. */
#include "core/graph/graph.h"
#include "core/graph/ops.h"
#include "core/ops/options.h"

/* A loss of x and t, and perhaps what of them counts. */
static struct ls_value *loss(struct ls_graph *graph, enum ls_op_id op, struct ls_value *x,
                             struct ls_value *t, struct ls_value *valid,
                             const struct ls_loss_options *options) {
    return ls_graph_node(graph, op, (struct ls_value *[]){x, t, valid}, 3, options,
                         sizeof *options);
}

struct ls_value *ls_squared_error(struct ls_graph *graph, struct ls_value *x,
                                  struct ls_value *target, struct ls_value *valid,
                                  const struct ls_loss_options *options) {
    return loss(graph, LS_OP_squared_error, x, target, valid, options);
}

struct ls_value *ls_absolute_error(struct ls_graph *graph, struct ls_value *x,
                                   struct ls_value *target, struct ls_value *valid,
                                   const struct ls_loss_options *options) {
    return loss(graph, LS_OP_absolute_error, x, target, valid, options);
}

struct ls_value *ls_huber(struct ls_graph *graph, struct ls_value *x, struct ls_value *target,
                          struct ls_value *valid, const struct ls_loss_options *options) {
    return loss(graph, LS_OP_huber, x, target, valid, options);
}

struct ls_value *ls_quantile(struct ls_graph *graph, struct ls_value *x, struct ls_value *target,
                             struct ls_value *valid, const struct ls_loss_options *options) {
    return loss(graph, LS_OP_quantile, x, target, valid, options);
}

struct ls_value *ls_binary_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                         struct ls_value *target, struct ls_value *valid,
                                         const struct ls_loss_options *options) {
    return loss(graph, LS_OP_binary_cross_entropy, logits, target, valid, options);
}

struct ls_value *ls_gaussian_nll(struct ls_graph *graph, struct ls_value *mean,
                                 struct ls_value *log_variance, struct ls_value *target,
                                 struct ls_value *valid, const struct ls_loss_options *options) {
    struct ls_value *const inputs[] = {mean, log_variance, target, valid};
    return ls_graph_node(graph, LS_OP_gaussian_nll, inputs, 4, options, sizeof *options);
}

struct ls_value *ls_softmax_cross_entropy(struct ls_graph *graph, struct ls_value *logits,
                                          struct ls_value *target, struct ls_value *class_weights,
                                          struct ls_value *lengths,
                                          const struct ls_cross_entropy_options *options) {
    struct ls_value *const inputs[] = {logits, target, class_weights, lengths};
    return ls_graph_node(graph, LS_OP_softmax_cross_entropy, inputs, 4, options, sizeof *options);
}

struct ls_value *ls_kl_normal(struct ls_graph *graph, struct ls_value *mean,
                              struct ls_value *log_variance) {
    const struct ls_loss_options options = {.sum = true};
    return loss(graph, LS_OP_kl_normal, mean, log_variance, NULL, &options);
}

struct ls_value *ls_adversarial(struct ls_graph *graph, struct ls_value *x, int wanted,
                                enum ls_adversarial_kind kind) {
    const struct ls_adversarial_options options = {.kind = kind, .wanted = wanted};
    return ls_graph_node(graph, LS_OP_adversarial, &x, 1, &options, sizeof options);
}

struct ls_value *ls_contrastive(struct ls_graph *graph, struct ls_value *distance,
                                struct ls_value *same, const struct ls_loss_options *options) {
    return loss(graph, LS_OP_contrastive, distance, same, NULL, options);
}

struct ls_value *ls_triplet(struct ls_graph *graph, struct ls_value *near, struct ls_value *far,
                            const struct ls_loss_options *options) {
    return loss(graph, LS_OP_triplet, near, far, NULL, options);
}

struct ls_value *ls_nearest_distance(struct ls_graph *graph, struct ls_value *distances,
                                     bool over_samples) {
    return ls_graph_node(graph, over_samples ? LS_OP_nearest_sample : LS_OP_nearest_prototype,
                         &distances, 1, NULL, 0);
}

struct ls_value *ls_weighted_loss(struct ls_graph *graph, struct ls_value *const *losses,
                                  const double *weights, int count) {
    struct ls_weighted_loss_options options = {0};
    if (count > LS_TERMS_MAX)
        return ls_graph_fail(graph, "weighted_loss: at most %d losses, found %d", LS_TERMS_MAX,
                             count);
    for (int i = 0; i < count; i++)
        options.weights[i] = weights[i];
    return ls_graph_node(graph, LS_OP_weighted_loss, losses, count, &options, sizeof options);
}
