/* How well scores rank samples: metrics that are no sums. */
#ifndef LS_TASKS_RANKING_H
#define LS_TASKS_RANKING_H

#include <math.h>
#include <stdint.h>

/* A score and a label per sample, `step` floats from sample to sample. */
struct ls_ranking {
    int64_t count, step;
    const float *scores, *labels;
    float positive; /* the label of the class in question; labels below 0 take no part */
};

/* The area under the receiver operating characteristic (Hanley & McNeil 1982): the share of pairs
 * of a sample of the class and one of another that the scores rank right; equal scores count half.
 * It depends on the order of the scores alone. NaN where there are no such pairs, or a score is no
 * number. */
double ls_auroc(const struct ls_ranking *ranking);

/* The mean of those values that are numbers; NaN if none is. Begins as {0}. */
struct ls_known_mean {
    double sum;
    int count;
};

static inline void ls_known_add(struct ls_known_mean *mean, double value) {
    mean->sum += isnan(value) ? 0 : value;
    mean->count += !isnan(value);
}

static inline double ls_known_mean(const struct ls_known_mean *mean) {
    return mean->count ? mean->sum / mean->count : (double)NAN;
}

#endif
