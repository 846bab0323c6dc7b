/* How far attributions can be trusted: what the model says when the features that they rank first
 * go, or come, first; and whether they stay where nothing changes, and go where everything does. */
#ifndef LS_EXPLAIN_FAITHFULNESS_H
#define LS_EXPLAIN_FAITHFULNESS_H

#include "core/explain/explain.h"

enum { LS_CURVE_POINTS = 21 }; /* 0, 5, ... 100 % of the features */

/* The explained values of the samples at hand, [rows][LS_CURVE_POINTS] (Petsiuk et al. 2018, RISE):
 * deletion with more and more of the features at the baseline, those of the largest attributions
 * first; insertion with more and more of them there. Features are pixels, tokens, numbers.
 * attributions: [rows, ...] of ls_explainer_shape. */
void ls_faithfulness_curves(const struct ls_explainer *explainer, const float *attributions,
                            float *deletion, float *insertion);

/* |a' - a| / |a| of each sample (Yeh et al. 2019), where a' explains the sample with normal noise
 * of a fiftieth of its range. */
void ls_faithfulness_noise(const struct ls_explain_method *method,
                           const struct ls_explanation *explanation, float *sensitivities);

/* Spearman's rank correlation of |a| and |b|, count numbers each; equal ones share the mean of
 * their ranks. Places where both are 0 are left out: the black border of an image, of which no
 * weights say anything, would make all attributions alike. 0 where one of them is constant. */
double ls_rank_correlation(const float *a, const float *b, int64_t count);

#endif
