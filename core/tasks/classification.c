/* Classes. With K >= 2 outputs: logits of K classes, labels int32, cross-entropy of their softmax.
 * With one output: the logit of class 1, labels 0.0 and 1.0, binary cross-entropy. Sums: hits,
 * vectors counted, hits within the k largest; detailed: the confusion matrix [label][prediction].
 */
#include "core/graph/ops.h"
#include "core/tasks/kind.h"

enum { HITS, COUNTED, TOP_HITS, CONFUSION };

static bool is_binary(const struct ls_task *task) {
    return task->loss == LS_LOSS_BINARY_CROSS_ENTROPY;
}

static bool target_integer(const struct ls_task *task) {
    return !is_binary(task);
}

static int64_t classes(const struct ls_task *task) {
    return is_binary(task) ? 2 : task->outputs;
}

static bool weighs_labels(const struct ls_task_options *options) {
    return options->label_smoothing > 0 || options->ignored_label >= 0 ||
           options->class_weights.count;
}

static enum ls_status check(const struct ls_task_options *options, struct ls_error *error) {
    if (options->loss == LS_LOSS_BINARY_CROSS_ENTROPY && weighs_labels(options))
        return ls_fail(error, LS_INVALID,
                       "loss: label_smoothing, ignored_label and class_weights need cross_entropy; "
                       "found binary_cross_entropy");
    return LS_OK;
}

static struct ls_value *record_binary(struct ls_task *task, struct ls_graph *graph,
                                      struct ls_value *output, struct ls_value **target) {
    if (task->outputs != 1 || output->shape.rank != 2)
        return ls_graph_fail(graph,
                             "binary_cross_entropy expects one output of the model, found %lld: "
                             "use loss.name cross_entropy, or end the model in one unit",
                             (long long)ls_shape_row_count(output->shape));
    if (weighs_labels(&task->options))
        return ls_graph_fail(
            graph, "label_smoothing, ignored_label and class_weights need a model with an "
                   "output per class, found one output");
    if (task->options.top_k)
        return ls_graph_fail(graph,
                             "task.top_k needs a model with an output per class, found one output");
    *target = ls_graph_input(graph, "target", LS_SHAPE(1), LS_TYPE_REAL);
    ls_graph_push(graph, "loss");
    struct ls_value *loss = ls_binary_cross_entropy(graph, output, *target);
    ls_graph_pop(graph);
    return loss;
}

static struct ls_value *record_many(struct ls_task *task, struct ls_graph *graph,
                                    struct ls_value *output, struct ls_value **target) {
    const struct ls_task_options *options = &task->options;
    if (task->outputs < 2 || task->outputs > LS_CLASSES_MAX)
        return ls_graph_fail(graph,
                             "cross_entropy expects from 2 to %d outputs of the model, found %lld",
                             LS_CLASSES_MAX, (long long)task->outputs);
    if (options->top_k > task->outputs)
        return ls_graph_fail(graph, "task.top_k is %lld, but the model has %lld outputs",
                             (long long)options->top_k, (long long)task->outputs);
    if (options->class_weights.count && options->class_weights.count != task->outputs)
        return ls_graph_fail(graph,
                             "loss.class_weights expects %lld numbers, one per output, found %d",
                             (long long)task->outputs, options->class_weights.count);
    struct ls_shape labels = {.rank = output->shape.rank - 2};
    for (int i = 0; i < labels.rank; i++)
        labels.dims[i] = output->shape.dims[i + 1];
    *target = ls_graph_input(graph, "target", labels, LS_TYPE_INT32);
    ls_graph_push(graph, "loss");
    struct ls_value *weights = NULL;
    if (options->class_weights.count)
        weights = ls_graph_parameter(
            graph, "class_weights", LS_SHAPE(task->outputs), LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT,
            false, 0,
            (struct ls_initialiser){.kind = LS_INIT_VALUES, .values = task->class_weights});
    const struct ls_cross_entropy_options settings = {.smoothing = options->label_smoothing,
                                                      .has_ignored = options->ignored_label >= 0,
                                                      .ignored = (int32_t)options->ignored_label};
    struct ls_value *loss = ls_softmax_cross_entropy(graph, output, *target, weights, &settings);
    ls_graph_pop(graph);
    return loss;
}

static struct ls_value *record(struct ls_task *task, struct ls_graph *graph,
                               struct ls_value *output, struct ls_value **target) {
    if (task->loss == LS_LOSS_AUTO)
        task->loss = task->outputs == 1 ? LS_LOSS_BINARY_CROSS_ENTROPY : LS_LOSS_CROSS_ENTROPY;
    return is_binary(task) ? record_binary(task, graph, output, target)
                           : record_many(task, graph, output, target);
}

static int sum_count(const struct ls_task *task, bool detailed) {
    const int64_t k = classes(task);
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

static void measure(const struct ls_task *task, const struct ls_run *run, int m,
                    const struct ls_value *output, const struct ls_value *target, bool detailed,
                    double *sums) {
    const int64_t width = task->outputs, k = classes(task);
    const int64_t per_sample = ls_shape_row_count(output->shape) / width; /* vectors of outputs */
    const int64_t first = ls_run_microbatch_first(run, m) * per_sample;
    const int64_t count = ls_run_microbatch_rows(run, m) * per_sample;
    const float *outputs = (const float *)output->data + first * width;
    const bool confusion = sum_count(task, detailed) > CONFUSION;
    for (int64_t i = 0; i < count; i++) {
        const float *x = outputs + i * width;
        int64_t label, prediction;
        if (is_binary(task)) {
            label = ((const float *)target->data)[first + i] > 0.5f;
            prediction = x[0] > 0;
        } else {
            label = ((const int32_t *)target->data)[first + i];
            if (label == task->options.ignored_label)
                continue;
            prediction = largest(x, width);
            if (task->options.top_k)
                sums[TOP_HITS] += within_largest(x, width, label, task->options.top_k);
        }
        sums[HITS] += prediction == label; /* whole numbers: any order gives the same sum */
        sums[COUNTED] += 1;
        if (confusion)
            sums[CONFUSION + label * k + prediction] += 1;
    }
}

static void metrics(const struct ls_task *task, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    ls_metrics_add(metrics, "accuracy", ls_ratio(sums[HITS], sums[COUNTED]));
    if (task->options.top_k)
        ls_metrics_add(metrics, task->top_name, ls_ratio(sums[TOP_HITS], sums[COUNTED]));
    if (sum_count(task, detailed) > CONFUSION) {
        metrics->classes = (int)classes(task);
        metrics->confusion = sums + CONFUSION;
    }
}

const struct ls_task_type ls_task_classification = {
    .name = "classification",
    .watched = "accuracy",
    .losses = {LS_LOSS_CROSS_ENTROPY, LS_LOSS_BINARY_CROSS_ENTROPY, LS_LOSS_AUTO},
    .check = check,
    .record = record,
    .target_integer = target_integer,
    .classes = classes,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = metrics,
};
