/* How good the answers of a classifier are. Sums: hits, vectors counted, hits within the k largest;
 * detailed: log loss, the area under the ROC curve, counts of each class, and the confusion matrix
 * [label][prediction]. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/base/tree.h"
#include "core/tasks/cross_entropy.h"
#include "core/tasks/ranking.h"

enum { HITS, COUNTED, TOP_HITS, DETAILS, LOG_LOSS = DETAILS, AUROC, COUNTS };

enum { COUNTED_CLASSES_MAX = 4096 }; /* above it no counts of classes: they travel each batch */

static int64_t classes_of(const struct ls_term *term) {
    return ls_cross_entropy_binary(term) ? 2 : ls_cross_entropy_outputs(term);
}

/* What is said of classes, which are few and the same for all; language models say perplexity. */
static int64_t counted_classes(const struct ls_term *term) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
    const int64_t k = classes_of(term);
    return options->perplexity || k > COUNTED_CLASSES_MAX ? 0 : k;
}

static int64_t confused_classes(const struct ls_term *term) {
    const int64_t k = classes_of(term);
    return k <= LS_CONFUSION_CLASSES_MAX ? k : 0;
}

static int64_t confusion_at(const struct ls_term *term) {
    return COUNTS + counted_classes(term) * LS_CLASS_COUNTS;
}

int ls_cross_entropy_sum_count(const struct ls_term *term, bool detailed) {
    const int64_t k = confused_classes(term);
    return detailed ? (int)(confusion_at(term) + k * k) : DETAILS;
}

/* First of equals. */
static int64_t largest(const float *x, int64_t count) {
    int64_t best = 0;
    for (int64_t k = 1; k < count; k++)
        if (x[k] > x[best])
            best = k;
    return best;
}

/* Whether fewer than k outputs come before the label's: larger ones, and equal ones with a smaller
 * index. An output that is not a number comes before. */
static bool within_largest(const float *x, int64_t count, int64_t label, int64_t k) {
    int64_t before = 0;
    for (int64_t j = 0; j < count; j++)
        before += !(x[j] < x[label] || (x[j] <= x[label] && j >= label));
    return before < k;
}

/* Where the vectors of outputs of a run are. */
struct place {
    int64_t width, per_sample; /* of a vector, and vectors of a sample */
    int64_t first, end;        /* samples of the microbatch */
};

static struct place place_of(const struct ls_term *term, const struct ls_run *run, int m) {
    struct place place = {.width = ls_cross_entropy_outputs(term),
                          .first = ls_run_microbatch_first(run, m)};
    place.per_sample = ls_shape_row_count(term->of->shape) / place.width;
    place.end = place.first + ls_run_microbatch_rows(run, m);
    return place;
}

/* The label of vector i of the run; -1: it takes no part. */
static int64_t label_of(const struct ls_term *term, int64_t i) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
    if (ls_cross_entropy_binary(term))
        return ((const float *)term->target->data)[i] > 0.5f;
    const int32_t label = ((const int32_t *)term->target->data)[i];
    return label == options->ignored_label || label < 0 ? -1 : label;
}

static int64_t answer_of(const struct ls_term *term, const float *x) {
    return ls_cross_entropy_binary(term) ? x[0] > 0 : largest(x, ls_cross_entropy_outputs(term));
}

/* Whole numbers: any order gives the same sum. */
static void count_vector(const struct ls_term *term, const float *x, int64_t label, bool detailed,
                         double *sums) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
    const int64_t answer = answer_of(term, x), k = confused_classes(term);
    sums[HITS] += answer == label;
    sums[COUNTED] += 1;
    if (options->top_k)
        sums[TOP_HITS] += within_largest(x, ls_cross_entropy_outputs(term), label, options->top_k);
    if (detailed && counted_classes(term)) {
        struct ls_class_counts *counts = (void *)(sums + COUNTS);
        counts[label].hits += answer == label;
        counts[label].labelled += 1;
        counts[answer].predicted += 1;
    }
    if (detailed && k)
        sums[confusion_at(term) + label * k + answer] += 1;
}

void ls_cross_entropy_measure(const struct ls_term *term, const struct ls_run *run, int m,
                              bool detailed, double *sums) {
    const struct place place = place_of(term, run, m);
    const struct ls_shape target = term->target->shape;
    const int64_t positions = target.rank > 1 ? target.dims[1] : 1;
    const bool by_class = detailed && counted_classes(term);
    double lanes[LS_LANES_OF_ROWS] = {0};
    for (int64_t n = place.first; n < place.end; n++) {
        const int64_t counted = ls_term_items_counted(term, n, place.per_sample, positions);
        for (int64_t i = n * place.per_sample; i < n * place.per_sample + counted; i++) {
            const float *x = (const float *)term->of->data + i * place.width;
            const int64_t label = label_of(term, i);
            if (label < 0)
                continue;
            count_vector(term, x, label, detailed, sums);
            if (by_class)
                lanes[(n - place.first) % LS_LANES_OF_ROWS] +=
                    ls_classes_log_loss(x, place.width, label);
        }
    }
    if (by_class)
        sums[LOG_LOSS] = ls_tree_sum(lanes, LS_LANES_OF_ROWS, 1);
}

/* Two classes have one order of samples between them. */
static int64_t ranked_classes(const struct ls_term *term) {
    const bool one = ls_shape_row_count(term->of->shape) == ls_cross_entropy_outputs(term);
    const int64_t k = counted_classes(term);
    return !one || k > LS_CONFUSION_CLASSES_MAX ? 0 : k == 2 ? 1 : k;
}

/* The label, then a number for each ranked class. */
int ls_cross_entropy_score_width(const struct ls_term *term) {
    const int64_t k = ranked_classes(term);
    return k ? (int)(1 + k) : 0;
}

void ls_cross_entropy_score(const struct ls_term *term, const struct ls_run *run, int m,
                            struct ls_scores scores) {
    const struct place place = place_of(term, run, m);
    for (int64_t n = place.first; n < place.end; n++) {
        const float *x = (const float *)term->of->data + n * place.width;
        float *to = scores.values + (n - place.first) * scores.step;
        to[0] = ls_term_items_counted(term, n, 1, 1) ? (float)label_of(term, n) : -1;
        if (place.width == 1)
            to[1] = x[0];
        else if (place.width == 2)
            to[1] = (float)((double)x[1] - (double)x[0]);
        else
            ls_classes_odds(x, place.width, to + 1);
    }
}

/* One class against the rest; the mean of the classes that occur, and are not all there is. */
void ls_cross_entropy_judge(const struct ls_term *term, struct ls_scores scores, int64_t count,
                            double *sums) {
    const int64_t k = ranked_classes(term);
    struct ls_known_mean mean = {0};
    for (int64_t i = 0; i < k; i++)
        ls_known_add(&mean, ls_auroc(&(struct ls_ranking){.count = count,
                                                          .step = scores.step,
                                                          .labels = scores.values,
                                                          .scores = scores.values + 1 + i,
                                                          .positive = k == 1 ? 1 : (float)i}));
    sums[AUROC] = ls_known_mean(&mean);
}

void ls_cross_entropy_metrics(const struct ls_term *term, double loss, const double *sums,
                              bool detailed, struct ls_metrics *metrics) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
    const struct ls_class_counts *counts = (const void *)(sums + COUNTS);
    const int classes = (int)counted_classes(term), confused = (int)confused_classes(term);
    if (options->perplexity)
        ls_metrics_add(metrics, "perplexity", exp(loss), false);
    ls_metrics_add(metrics, term->gaps ? "masked_accuracy" : "accuracy",
                   ls_ratio(sums[HITS], sums[COUNTED]), true);
    if (options->top_k) {
        char name[LS_METRIC_NAME_MAX];
        snprintf(name, sizeof name, "top%" PRId64 "_accuracy", options->top_k);
        ls_metrics_add(metrics, name, ls_ratio(sums[TOP_HITS], sums[COUNTED]), true);
    }
    if (!detailed)
        return;
    if (classes)
        ls_classes_metrics(
            &(struct ls_classes){.count = classes,
                                 .counts = counts,
                                 .exclusive = true,
                                 .log_loss = ls_ratio(sums[LOG_LOSS], sums[COUNTED]),
                                 .auroc = ranked_classes(term) ? sums + AUROC : NULL},
            metrics);
    if (classes || confused)
        ls_metrics_judge(metrics, classes ? classes : confused, classes ? counts : NULL,
                         confused ? sums + confusion_at(term) : NULL);
}
