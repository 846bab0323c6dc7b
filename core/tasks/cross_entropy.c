/* Classes. With K >= 2 outputs: logits of K classes, labels int32, cross-entropy of their softmax,
 * for each vector of outputs of a sample. With one output [N, 1]: the logit of class 1, labels 0.0
 * and 1.0, binary cross-entropy. */
#include "core/tasks/cross_entropy.h"
#include "core/tasks/list.h"

const char *const ls_class_weights_words[] = {"balanced", NULL};

/* How many outputs are wanted. */
enum { ANY, ONE, SEVERAL };

static const char *const outputs_names[] = {
    [ANY] = "auto", [ONE] = "one", [SEVERAL] = "several", NULL};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_LABEL_FIELDS(struct ls_cross_entropy_settings),
    LS_LOSS_TOP_K_FIELD(struct ls_cross_entropy_settings),
    {.name = "perplexity",
     .kind = LS_FIELD_BOOL,
     .offset = offsetof(struct ls_cross_entropy_settings, perplexity),
     .initial = "false",
     .help = "also report exp(loss)"},
    {.name = "outputs",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct ls_cross_entropy_settings, outputs),
     .initial = "auto",
     .choices = outputs_names,
     .help = "that the model must have; one: whether it is class 1; several: one per class"},
};

static bool weighs_labels(const struct ls_cross_entropy_settings *options) {
    return options->label_smoothing > 0 || options->ignored_label >= 0 ||
           options->class_weights.count;
}

static struct ls_value *record_binary(struct ls_term *term, struct ls_builder *builder,
                                      const struct ls_cross_entropy_settings *options) {
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

static bool any_weight(const struct ls_cross_entropy_settings *options) {
    for (int i = 0; i < options->class_weights.count; i++)
        if (options->class_weights.values[i] > 0)
            return true;
    return false;
}

static struct ls_value *check_options(struct ls_graph *graph,
                                      const struct ls_cross_entropy_settings *options,
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
                                       const struct ls_cross_entropy_settings *options) {
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
    struct ls_value *weights = ls_graph_parameter(
        graph, "class_weights", LS_SHAPE(ls_cross_entropy_outputs(term)), LS_LAYOUT_PLAIN,
        LS_PARAMETER_CONSTANT, false, 0, balanced ? one : given);
    term->balanced = balanced ? weights : NULL;
    return weights;
}

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
    struct ls_graph *graph = builder->graph;
    if (ls_cross_entropy_binary(term) && options->outputs != SEVERAL)
        return record_binary(term, builder, options);
    if (ls_cross_entropy_binary(term))
        return ls_graph_fail(graph,
                             "cross_entropy expects from 2 to %d outputs of the model, found 1",
                             LS_CLASSES_MAX);
    if (options->outputs == ONE)
        return ls_graph_fail(graph,
                             "binary_cross_entropy expects one output of the model, found %lld",
                             (long long)ls_shape_row_count(term->of->shape));
    const int64_t outputs = ls_cross_entropy_outputs(term);
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
    const struct ls_cross_entropy_settings *options = term->spec->options;
    return term->gaps || options->ignored_label >= 0;
}

static double row_weight(const struct ls_term *term) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
    if (ls_cross_entropy_binary(term))
        return 1;
    if (leaves_out(term) || options->class_weights.count ||
        ls_layer_spec_refers(term->spec, "lengths"))
        return 0;
    return (double)ls_shape_row_count(term->target->shape);
}

static double weight_of(const struct ls_term *term, int32_t label) {
    const struct ls_cross_entropy_settings *options = term->spec->options;
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

static const char *const inputs[] = {"target", "lengths", NULL};

const struct ls_loss ls_loss_cross_entropy = {
    .layer = {.name = "cross_entropy",
              .help = "classes: softmax cross-entropy of logits and labels; of one output, whether "
                      "it is class 1",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct ls_cross_entropy_settings),
              .inputs = inputs},
    .watched = "accuracy",
    .classifies = true,
    .record = record,
    .row_weight = row_weight,
    .weigh = weigh,
    .sum_count = ls_cross_entropy_sum_count,
    .measure = ls_cross_entropy_measure,
    .metrics = ls_cross_entropy_metrics,
    .score_width = ls_cross_entropy_score_width,
    .score = ls_cross_entropy_score,
    .judge = ls_cross_entropy_judge,
};
