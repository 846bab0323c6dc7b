/* What the parts of the loss cross_entropy share: cross_entropy.c records it, and weighs samples;
 * cross_entropy_measures.c says how good the answers are. */
#ifndef LS_TASKS_CROSS_ENTROPY_H
#define LS_TASKS_CROSS_ENTROPY_H

#include "core/tasks/classes.h"

struct ls_cross_entropy_settings {
    struct ls_term_options common;
    double label_smoothing;
    int64_t ignored_label;             /* -1: none */
    struct ls_real_list class_weights; /* empty: all 1 */
    int64_t top_k;
    bool perplexity;
    int outputs;
};

/* One output: the logit of class 1. */
static inline bool ls_cross_entropy_binary(const struct ls_term *term) {
    return ls_shape_row_count(term->of->shape) == 1;
}

/* Logits of a vector. */
static inline int64_t ls_cross_entropy_outputs(const struct ls_term *term) {
    return ls_shape_last(term->of->shape);
}

/* See struct ls_loss. */
int ls_cross_entropy_sum_count(const struct ls_term *term, bool detailed);
void ls_cross_entropy_measure(const struct ls_term *term, const struct ls_run *run, int m,
                              bool detailed, double *sums);
void ls_cross_entropy_metrics(const struct ls_term *term, double loss, const double *sums,
                              bool detailed, struct ls_metrics *metrics);
int ls_cross_entropy_score_width(const struct ls_term *term);
void ls_cross_entropy_score(const struct ls_term *term, const struct ls_run *run, int m,
                            struct ls_scores scores);
void ls_cross_entropy_judge(const struct ls_term *term, struct ls_scores scores, int64_t count,
                            double *sums);

#endif
