/* Classes. With K >= 2 outputs: logits of K classes, labels int32, cross-entropy of their softmax,
 * for each vector of outputs of a sample. With one output [N, 1]: the logit of class 1, labels 0.0
 * and 1.0, binary cross-entropy. Sums: hits, vectors counted, hits within the k largest; detailed:
 * log loss, the area under the ROC curve, counts of each class, and the confusion matrix
 * [label][prediction]. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/base/tree.h"
#include "core/tasks/classes.h"
#include "core/tasks/list.h"
#include "core/tasks/ranking.h"

enum { HITS, COUNTED, TOP_HITS, DETAILS, LOG_LOSS = DETAILS, AUROC, COUNTS };

enum { COUNTED_CLASSES_MAX = 4096 }; /* above it no counts of classes: they travel each batch */

const char *const ls_class_weights_words[] = {"balanced", NULL};

/* How many outputs are wanted. */
enum { ANY, ONE, SEVERAL };

struct options {
    struct ls_term_options common;
    double label_smoothing;
    int64_t ignored_label;             /* -1: none */
    struct ls_real_list class_weights; /* empty: all 1 */
    int64_t top_k;
    bool perplexity;
    int outputs;
};

static const char *const outputs_names[] = {
    [ANY] = "auto", [ONE] = "one", [SEVERAL] = "several", NULL};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_LABEL_FIELDS(struct options),
    LS_LOSS_TOP_K_FIELD(struct options),
    {.name = "perplexity",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct options, perplexity),
     .initial = "false",
     .help = "also report exp(loss)"},
    {.name = "outputs",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, outputs),
     .initial = "auto",
     .choices = outputs_names,
     .help = "that the model must have; one: whether it is class 1; several: one per class"},
};

static bool is_binary(const struct ls_term *term) {
    return ls_shape_row_count(term->of->shape) == 1;
}

static int64_t outputs_of(const struct ls_term *term) {
    return ls_shape_last(term->of->shape);
}

static int64_t classes_of(const struct ls_term *term) {
    return is_binary(term) ? 2 : outputs_of(term);
}

static bool weighs_labels(const struct options *options) {
    return options->label_smoothing > 0 || options->ignored_label >= 0 ||
           options->class_weights.count;
}

static struct ls_value *record_binary(struct ls_term *term, struct ls_builder *builder,
                                      const struct options *options) {
    struct ls_graph *graph = builder->graph;
    if (weighs_labels(options) || ls_layer_spec_refers(term->spec, "lengths"))
        return ls_graph_fail(
            graph, "label_smoothing, ignored_label, class_weights and lengths need a model with an "
                   "output per class, found one output");
    if (options->top_k)
        return ls_graph_fail(graph,
                             "top_k needs a model with an output per class, found one output");
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, LS_SHAPE(1));
    if (!term->target)
        return NULL;
    ls_builder_limit(builder, term->target, 2);
    return ls_binary_cross_entropy(graph, term->of, term->target, NULL, NULL);
}

static bool any_weight(const struct options *options) {
    for (int i = 0; i < options->class_weights.count; i++)
        if (options->class_weights.values[i] > 0)
            return true;
    return false;
}

static struct ls_value *check_options(struct ls_graph *graph, const struct options *options,
                                      int64_t outputs) {
    if (outputs < 2 || outputs > LS_CLASSES_MAX)
        return ls_graph_fail(graph,
                             "cross_entropy expects from 2 to %d outputs of the model, found %lld",
                             LS_CLASSES_MAX, (long long)outputs);
    if (options->top_k > outputs)
        return ls_graph_fail(graph, "top_k is %lld, but the model has %lld outputs",
                             (long long)options->top_k, (long long)outputs);
    if (options->class_weights.count > 0 && options->class_weights.count != outputs)
        return ls_graph_fail(graph, "class_weights expects %lld numbers, one per output, found %d",
                             (long long)outputs, options->class_weights.count);
    if (options->class_weights.count > 0 && !any_weight(options))
        return ls_graph_fail(graph, "class_weights are all 0: there is nothing to learn; expected "
                                    "one above 0 at least");
    return NULL;
}

/* Constants: given ones, or 1 until somebody has counted the labels. NULL: there are none. */
static struct ls_value *record_weights(struct ls_term *term, struct ls_graph *graph,
                                       const struct options *options) {
    const bool balanced = options->class_weights.count == LS_WEIGHTS_BALANCED;
    const struct ls_initialiser given = {.kind = LS_INIT_VALUES,
                                         .values = options->class_weights.values},
                                one = {.kind = LS_INIT_CONSTANT, .scale = 1};
    if (!options->class_weights.count)
        return NULL;
    if (balanced &&
        (term->target->producer || term->gaps || ls_layer_spec_refers(term->spec, "lengths")))
        return ls_graph_fail(graph, "class_weights: balanced counts labels of the data, all of "
                                    "them; found targets that a layer makes, or lengths");
    struct ls_value *weights =
        ls_graph_parameter(graph, "class_weights", LS_SHAPE(outputs_of(term)), LS_LAYOUT_PLAIN,
                           LS_PARAMETER_CONSTANT, false, 0, balanced ? one : given);
    term->balanced = balanced ? weights : NULL;
    return weights;
}

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    struct ls_graph *graph = builder->graph;
    if (is_binary(term) && options->outputs != SEVERAL)
        return record_binary(term, builder, options);
    if (is_binary(term))
        return ls_graph_fail(graph,
                             "cross_entropy expects from 2 to %d outputs of the model, found 1",
                             LS_CLASSES_MAX);
    if (options->outputs == ONE)
        return ls_graph_fail(graph,
                             "binary_cross_entropy expects one output of the model, found %lld",
                             (long long)ls_shape_row_count(term->of->shape));
    const int64_t outputs = outputs_of(term);
    check_options(graph, options, outputs);
    struct ls_shape labels = ls_shape_of_row(term->of->shape);
    labels.rank--;
    term->target =
        ls_graph_failed(graph) ? NULL : ls_loss_target(builder, term, LS_TYPE_INT32, labels);
    if (!term->target)
        return NULL;
    ls_builder_limit(builder, term->target, outputs);
    term->gaps = ls_builder_gaps(builder, term->target);
    const bool ignores = term->gaps || options->ignored_label >= 0;
    if (term->gaps && options->ignored_label >= 0)
        return ls_graph_fail(graph, "ignored_label: the targets of masks leave out all but the "
                                    "masked positions already");
    if (ignores)
        ls_builder_ignore(builder, term->target, (int32_t)options->ignored_label);
    struct ls_value *weights = record_weights(term, graph, options);
    if (ls_graph_failed(graph))
        return NULL;
    term->lengths = ls_layer_lengths(builder, term->spec, labels.rank > 0 ? labels.dims[0] : 1);
    const struct ls_cross_entropy_options settings = {.smoothing = options->label_smoothing,
                                                      .has_ignored = ignores,
                                                      .ignored = (int32_t)options->ignored_label};
    return ls_softmax_cross_entropy(graph, term->of, term->target, weights, term->lengths,
                                    &settings);
}

/* Some labels take no part: the one of ignored_label, which is -1 where the feed has gaps. */
static bool leaves_out(const struct ls_term *term) {
    const struct options *options = term->spec->options;
    return term->gaps || options->ignored_label >= 0;
}

static double row_weight(const struct ls_term *term) {
    const struct options *options = term->spec->options;
    if (is_binary(term))
        return 1;
    if (leaves_out(term) || options->class_weights.count ||
        ls_layer_spec_refers(term->spec, "lengths"))
        return 0;
    return (double)ls_shape_row_count(term->target->shape);
}

static double weight_of(const struct ls_term *term, int32_t label) {
    const struct options *options = term->spec->options;
    if (leaves_out(term) && label == options->ignored_label)
        return 0;
    if (term->balanced)
        return (double)((const float *)term->balanced->data)[label];
    return options->class_weights.count ? (double)(float)options->class_weights.values[label] : 1;
}

/* Of the positions that count, in order. */
static double weigh(const struct ls_term *term, const int32_t *targets, const int32_t *lengths,
                    int64_t rows) {
    const struct ls_shape shape = term->target->shape;
    const int64_t row = ls_shape_row_count(shape), length = shape.rank > 1 ? shape.dims[1] : 1;
    double sum = 0;
    for (int64_t n = 0; n < rows; n++) {
        const int64_t valid = ls_positions_counted(lengths, n, length);
        for (int64_t i = 0; i < valid * (row / length); i++)
            sum += weight_of(term, targets[n * row + i]);
    }
    return sum;
}

/* What is said of classes, which are few and the same for all; language models say perplexity. */
static int64_t counted_classes(const struct ls_term *term) {
    const struct options *options = term->spec->options;
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

static int sum_count(const struct ls_term *term, bool detailed) {
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
    struct place place = {.width = outputs_of(term), .first = ls_run_microbatch_first(run, m)};
    place.per_sample = ls_shape_row_count(term->of->shape) / place.width;
    place.end = place.first + ls_run_microbatch_rows(run, m);
    return place;
}

/* The label of vector i of the run; -1: it takes no part. */
static int64_t label_of(const struct ls_term *term, int64_t i) {
    const struct options *options = term->spec->options;
    if (is_binary(term))
        return ((const float *)term->target->data)[i] > 0.5f;
    const int32_t label = ((const int32_t *)term->target->data)[i];
    return label == options->ignored_label || label < 0 ? -1 : label;
}

static int64_t answer_of(const struct ls_term *term, const float *x) {
    return is_binary(term) ? x[0] > 0 : largest(x, outputs_of(term));
}

/* Whole numbers: any order gives the same sum. */
static void count_vector(const struct ls_term *term, const float *x, int64_t label, bool detailed,
                         double *sums) {
    const struct options *options = term->spec->options;
    const int64_t answer = answer_of(term, x), k = confused_classes(term);
    sums[HITS] += answer == label;
    sums[COUNTED] += 1;
    if (options->top_k)
        sums[TOP_HITS] += within_largest(x, outputs_of(term), label, options->top_k);
    if (detailed && counted_classes(term)) {
        struct ls_class_counts *counts = (void *)(sums + COUNTS);
        counts[label].hits += answer == label;
        counts[label].labelled += 1;
        counts[answer].predicted += 1;
    }
    if (detailed && k)
        sums[confusion_at(term) + label * k + answer] += 1;
}

static void measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums) {
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
    const bool one = place_of(term, &(struct ls_run){0}, 0).per_sample == 1;
    const int64_t k = counted_classes(term);
    return !one || k > LS_CONFUSION_CLASSES_MAX ? 0 : k == 2 ? 1 : k;
}

/* The label, then a number for each ranked class. */
static int score_width(const struct ls_term *term) {
    const int64_t k = ranked_classes(term);
    return k ? (int)(1 + k) : 0;
}

static void score(const struct ls_term *term, const struct ls_run *run, int m,
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
static void judge(const struct ls_term *term, struct ls_scores scores, int64_t count,
                  double *sums) {
    const int64_t k = ranked_classes(term);
    double sum = 0;
    int known = 0;
    for (int64_t i = 0; i < k; i++) {
        const double area = ls_auroc(&(struct ls_ranking){.count = count,
                                                          .step = scores.step,
                                                          .labels = scores.values,
                                                          .scores = scores.values + 1 + i,
                                                          .positive = k == 1 ? 1 : (float)i});
        sum += isnan(area) ? 0 : area;
        known += !isnan(area);
    }
    sums[AUROC] = known ? sum / known : (double)NAN;
}

static void metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    const struct options *options = term->spec->options;
    const struct ls_class_counts *counts = (const void *)(sums + COUNTS);
    const int classes = (int)counted_classes(term), confused = (int)confused_classes(term);
    if (options->perplexity)
        ls_metrics_add(metrics, "perplexity", exp(loss), false);
    ls_metrics_add(metrics, "accuracy", ls_ratio(sums[HITS], sums[COUNTED]), true);
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
    if (metrics->classes || !(classes || confused))
        return;
    metrics->classes = classes ? classes : confused;
    metrics->counts = classes ? counts : NULL;
    metrics->confusion = confused ? sums + confusion_at(term) : NULL;
}

static const char *const inputs[] = {"target", "lengths", NULL};

const struct ls_loss ls_loss_cross_entropy = {
    .layer = {.name = "cross_entropy",
              .help = "classes: softmax cross-entropy of logits and labels; of one output, whether "
                      "it is class 1",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct options),
              .inputs = inputs},
    .watched = "accuracy",
    .classifies = true,
    .record = record,
    .row_weight = row_weight,
    .weigh = weigh,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = metrics,
    .score_width = score_width,
    .score = score,
    .judge = judge,
};
