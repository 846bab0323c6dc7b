#include "core/tasks/classes.h"

#include "core/base/random.h"

struct ls_class_scores ls_classes_score(struct ls_class_counts c) {
    return (struct ls_class_scores){.precision = ls_ratio(c.hits, c.predicted),
                                    .recall = ls_ratio(c.hits, c.labelled),
                                    .f1 = ls_ratio(2 * c.hits, c.predicted + c.labelled)};
}

/* Sums of scores, and of what they count. */
struct mean {
    double precision, recall, f1, weight;
};

static void add(struct mean *mean, struct ls_class_scores scores, double weight) {
    mean->precision += weight * scores.precision;
    mean->recall += weight * scores.recall;
    mean->f1 += weight * scores.f1;
    mean->weight += weight;
}

void ls_classes_metrics(const struct ls_classes *classes, struct ls_metrics *metrics) {
    const int before = metrics->count;
    struct mean plain = {0}, weighted = {0}, labelled = {0};
    for (int k = 0; k < classes->count; k++) {
        const struct ls_class_counts counts = classes->counts[k];
        const struct ls_class_scores scores = ls_classes_score(counts);
        add(&plain, scores, !classes->exclusive || counts.labelled + counts.predicted > 0);
        add(&weighted, scores, counts.labelled);
        add(&labelled, scores, counts.labelled > 0);
    }
    ls_metrics_add(metrics, "precision", ls_ratio(plain.precision, plain.weight), true);
    ls_metrics_add(metrics, "recall", ls_ratio(plain.recall, plain.weight), true);
    ls_metrics_add(metrics, "f1", ls_ratio(plain.f1, plain.weight), true);
    if (classes->auroc)
        ls_metrics_add(metrics, "auroc", *classes->auroc, true);
    ls_metrics_add(metrics, "log_loss", classes->log_loss, false);
    if (classes->exclusive)
        ls_metrics_add(metrics, "balanced_accuracy", ls_ratio(labelled.recall, labelled.weight),
                       true);
    ls_metrics_add(metrics, "precision_weighted", ls_ratio(weighted.precision, weighted.weight),
                   true);
    ls_metrics_add(metrics, "recall_weighted", ls_ratio(weighted.recall, weighted.weight), true);
    ls_metrics_add(metrics, "f1_weighted", ls_ratio(weighted.f1, weighted.weight), true);
    if (!classes->exclusive)
        ls_metrics_add(metrics, "subset_accuracy", classes->all_right, true);
    for (int i = before; i < metrics->count; i++)
        metrics->items[i].of_classes = true;
}

static float largest(const float *x, int64_t count) {
    float top = x[0];
    for (int64_t k = 1; k < count; k++)
        top = x[k] > top ? x[k] : top;
    return top;
}

/* exp(x - top) for x up to top; not a number stays that. */
static double power(float x, float top) {
    const double below = (double)x - (double)top;
    return below <= 0 ? ls_random_exp(below) : below;
}

/* log(x); of 0 less than of any other; not a number stays that. */
static double logarithm(double x) {
    return x > 0 ? ls_random_log(x) : x < 0 || x != x ? x : -750;
}

double ls_classes_log_loss(const float *x, int64_t classes, int64_t label) {
    if (classes == 1) { /* the logits 0 and x */
        const float both[2] = {0, x[0]};
        return ls_classes_log_loss(both, 2, label);
    }
    const float top = largest(x, classes);
    double sum = 0;
    for (int64_t k = 0; k < classes; k++)
        sum += power(x[k], top);
    return logarithm(sum) - ((double)x[label] - (double)top);
}

void ls_classes_odds(const float *x, int64_t classes, float *scores) {
    const float top = largest(x, classes);
    double sum = 0, others = 0;
    int64_t best = 0;
    while (best + 1 < classes && !(x[best] >= top))
        best++;
    for (int64_t k = 0; k < classes; k++) {
        sum += power(x[k], top);
        others += k == best ? 0 : power(x[k], top);
    }
    for (int64_t k = 0; k < classes; k++) {
        const double rest = k == best ? others : sum - power(x[k], top);
        scores[k] = (float)((double)x[k] - (double)top - logarithm(rest));
    }
}
