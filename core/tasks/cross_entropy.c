/* Classes. With K >= 2 outputs: logits of K classes, labels int32, cross-entropy of their softmax,
 * for each vector of outputs of a sample. With one output [N, 1]: the logit of class 1, labels 0.0
 * and 1.0, binary cross-entropy. Sums: hits, vectors counted, hits within the k largest; detailed:
 * the confusion matrix [label][prediction]. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/tasks/list.h"

enum { HITS, COUNTED, TOP_HITS, CONFUSION };

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

static struct ls_value *check_options(struct ls_graph *graph, const struct options *options,
                                      int64_t outputs) {
    if (outputs < 2 || outputs > LS_CLASSES_MAX)
        return ls_graph_fail(graph,
                             "cross_entropy expects from 2 to %d outputs of the model, found %lld",
                             LS_CLASSES_MAX, (long long)outputs);
    if (options->top_k > outputs)
        return ls_graph_fail(graph, "top_k is %lld, but the model has %lld outputs",
                             (long long)options->top_k, (long long)outputs);
    if (options->class_weights.count && options->class_weights.count != outputs)
        return ls_graph_fail(graph, "class_weights expects %lld numbers, one per output, found %d",
                             (long long)outputs, options->class_weights.count);
    return NULL;
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
    struct ls_value *weights = NULL;
    if (options->class_weights.count)
        weights =
            ls_graph_parameter(graph, "class_weights", LS_SHAPE(outputs), LS_LAYOUT_PLAIN,
                               LS_PARAMETER_CONSTANT, false, 0,
                               (struct ls_initialiser){.kind = LS_INIT_VALUES,
                                                       .values = options->class_weights.values});
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

static int sum_count(const struct ls_term *term, bool detailed) {
    const int64_t k = classes_of(term);
    return CONFUSION + (detailed && k <= LS_CONFUSION_CLASSES_MAX ? (int)(k * k) : 0);
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

static void measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums) {
    const struct options *options = term->spec->options;
    const int64_t width = outputs_of(term), k = classes_of(term);
    const int64_t per_sample = ls_shape_row_count(term->of->shape) / width; /* vectors of outputs */
    const struct ls_shape target = term->target->shape;
    const int64_t positions = target.rank > 1 ? target.dims[1] : 1;
    const int64_t first = ls_run_microbatch_first(run, m);
    const int64_t end = first + ls_run_microbatch_rows(run, m);
    const bool confusion = sum_count(term, detailed) > CONFUSION;
    for (int64_t n = first; n < end; n++) {
        const int64_t counted = ls_term_items_counted(term, n, per_sample, positions);
        for (int64_t i = n * per_sample; i < n * per_sample + counted; i++) {
            const float *x = (const float *)term->of->data + i * width;
            int64_t label, prediction;
            if (is_binary(term)) {
                label = ((const float *)term->target->data)[i] > 0.5f;
                prediction = x[0] > 0;
            } else {
                label = ((const int32_t *)term->target->data)[i];
                if (label == options->ignored_label || label < 0)
                    continue;
                prediction = largest(x, width);
                if (options->top_k)
                    sums[TOP_HITS] += within_largest(x, width, label, options->top_k);
            }
            sums[HITS] += prediction == label; /* whole numbers: any order gives the same sum */
            sums[COUNTED] += 1;
            if (confusion)
                sums[CONFUSION + label * k + prediction] += 1;
        }
    }
}

static void metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    const struct options *options = term->spec->options;
    if (options->perplexity)
        ls_metrics_add(metrics, "perplexity", exp(loss), false);
    ls_metrics_add(metrics, "accuracy", ls_ratio(sums[HITS], sums[COUNTED]), true);
    if (options->top_k) {
        char name[LS_METRIC_NAME_MAX];
        snprintf(name, sizeof name, "top%" PRId64 "_accuracy", options->top_k);
        ls_metrics_add(metrics, name, ls_ratio(sums[TOP_HITS], sums[COUNTED]), true);
    }
    if (sum_count(term, detailed) > CONFUSION && !metrics->classes) {
        metrics->classes = (int)classes_of(term);
        metrics->confusion = sums + CONFUSION;
    }
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
};
