/* Binary cross-entropy of logits against targets from 0 to 1, element by element: several labels of
 * a sample, concepts, pixels. Sums: elements on the right side of one half, elements; detailed: the
 * confusion matrix of a single output; of labels, samples whose labels are all right, the area
 * under the ROC curve, and counts of each label. */
#include "core/tasks/classes.h"
#include "core/tasks/list.h"
#include "core/tasks/ranking.h"

enum { HITS, COUNTED, SUMS, CONFUSION = SUMS, CLASSES = 2, EXACT = SUMS, AUROC, COUNTS };

enum { LABELS_MAX = 256 };

struct options {
    struct ls_term_options common;
    bool sum, labels;
};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_SUM_FIELD(struct options),
    {.name = "labels",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, labels),
     .initial = "false",
     .help =
         "each output is a label that a sample has or has not: targets 0 and 1, metrics of each"},
};

static const struct options *options_of(const struct ls_term *term) {
    return term->spec->options;
}

/* 0: the outputs are no labels. */
static int64_t labels_of(const struct ls_term *term) {
    return options_of(term)->labels ? ls_shape_row_count(term->of->shape) : 0;
}

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = options_of(term);
    if (labels_of(term) > LABELS_MAX)
        return ls_graph_fail(builder->graph, "at most %d labels, found %lld outputs", LABELS_MAX,
                             (long long)labels_of(term));
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    if (!term->target || !ls_builder_zero_to_one(builder, term->target))
        return NULL;
    if (options->labels)
        ls_builder_limit(builder, term->target, CLASSES);
    const struct ls_loss_options settings = {.sum = options->sum};
    return ls_binary_cross_entropy(builder->graph, term->of, term->target, NULL, &settings);
}

static int sum_count(const struct ls_term *term, bool detailed) {
    const int64_t labels = labels_of(term);
    const bool single = ls_shape_row_count(term->of->shape) == 1; /* then there is a matrix, too */
    if (labels)
        return detailed ? COUNTS + (int)labels * LS_CLASS_COUNTS : SUMS;
    return options_of(term)->sum ? 0 : SUMS + (detailed && single ? CLASSES * CLASSES : 0);
}

/* Whole numbers: any order gives the same sum. */
static void measure_labels(const struct ls_term *term, int64_t rows, const float *x, const float *t,
                           double *sums) {
    const int64_t labels = labels_of(term);
    struct ls_class_counts *counts = (void *)(sums + COUNTS);
    for (int64_t n = 0; n < rows; n++) {
        int64_t hits = 0;
        for (int64_t l = 0; l < labels; l++, x++, t++) {
            const bool answer = *x > 0, label = *t > 0.5f;
            counts[l].hits += answer && label;
            counts[l].predicted += answer;
            counts[l].labelled += label;
            hits += answer == label;
        }
        sums[EXACT] += hits == labels;
    }
}

static void measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums) {
    const bool confusion = !labels_of(term) && sum_count(term, detailed) > SUMS;
    const int64_t row = ls_shape_row_count(term->of->shape);
    const int64_t first = ls_run_microbatch_first(run, m) * row;
    const int64_t rows = ls_run_microbatch_rows(run, m), count = rows * row;
    const float *x = (const float *)term->of->data + first;
    const float *t = (const float *)term->target->data + first;
    for (int64_t i = 0; i < count; i++) {
        const int prediction = x[i] > 0, label = t[i] > 0.5f;
        sums[HITS] += prediction == label;
        if (confusion)
            sums[CONFUSION + label * CLASSES + prediction] += 1;
    }
    sums[COUNTED] = (double)count;
    if (labels_of(term) && detailed)
        measure_labels(term, rows, x, t, sums);
}

/* Of each label what the sample has, and the logit. */
static int score_width(const struct ls_term *term) {
    return 2 * (int)labels_of(term);
}

static void score(const struct ls_term *term, const struct ls_run *run, int m,
                  struct ls_scores scores) {
    const int64_t labels = labels_of(term), first = ls_run_microbatch_first(run, m) * labels;
    const float *x = (const float *)term->of->data + first;
    const float *t = (const float *)term->target->data + first;
    for (int64_t n = 0; n < ls_run_microbatch_rows(run, m); n++)
        for (int64_t l = 0; l < labels; l++, x++, t++) {
            scores.values[n * scores.step + 2 * l] = *t;
            scores.values[n * scores.step + 2 * l + 1] = *x;
        }
}

/* The mean of the labels that some samples have and others have not. */
static void judge(const struct ls_term *term, struct ls_scores scores, int64_t count,
                  double *sums) {
    struct ls_known_mean mean = {0};
    for (int64_t l = 0; l < labels_of(term); l++)
        ls_known_add(&mean, ls_auroc(&(struct ls_ranking){.count = count,
                                                          .step = scores.step,
                                                          .labels = scores.values + 2 * l,
                                                          .scores = scores.values + 2 * l + 1,
                                                          .positive = 1}));
    sums[AUROC] = ls_known_mean(&mean);
}

/* `each`: the mean loss of an element. */
static void label_metrics(const struct ls_term *term, double each, const double *sums,
                          struct ls_metrics *metrics) {
    const int labels = (int)labels_of(term);
    const struct ls_classes classes = {.count = labels,
                                       .counts = (const void *)(sums + COUNTS),
                                       .log_loss = each,
                                       .all_right = ls_ratio(sums[EXACT], sums[COUNTED] / labels),
                                       .auroc = sums + AUROC};
    ls_classes_metrics(&classes, metrics);
    ls_metrics_judge(metrics, classes.count, classes.counts, NULL);
}

static void metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    const int64_t labels = labels_of(term);
    if (sum_count(term, detailed))
        ls_metrics_add(metrics, "accuracy", ls_ratio(sums[HITS], sums[COUNTED]), true);
    if (labels && detailed)
        label_metrics(term, options_of(term)->sum ? loss / (double)labels : loss, sums, metrics);
    if (!labels && sum_count(term, detailed) > SUMS)
        ls_metrics_judge(metrics, CLASSES, NULL, sums + CONFUSION);
}

static const char *const inputs[] = {"target", NULL};

const struct ls_loss ls_loss_binary_cross_entropy = {
    .layer = {.name = "binary_cross_entropy",
              .help = "of logits against targets from 0 to 1, each number by itself",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct options),
              .inputs = inputs},
    .watched = "accuracy",
    .record = record,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = metrics,
    .score_width = score_width,
    .score = score,
    .judge = judge,
};
