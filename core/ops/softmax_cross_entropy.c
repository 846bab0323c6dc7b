/* Cross-entropy of class labels on logits, with softmax inside. Forward saves the probabilities;
 * backward is then one pass over them: dx = weight (p - q).
 *
 * A sample has one or more positions (a label t each), whose losses are added in double; K classes,
 * of weight w. With z = x - max x, s = sum exp z, smoothing a and the shares q = (1 - a) w_t
 * onehot(t) + a w / K, the loss of a position is sum(q) log s - sum(q z), and its weight w_t: what
 * smoothing gives to a class counts as that class does, which is PyTorch's definition.
 *
 * Lengths, int32 [N], say how many positions of dimension 1 count; the others are not looked at. */
#include "core/ops/loss.h"
#include "core/ops/options.h"
#include "core/ops/softmax.h"

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_cross_entropy_options *options = node->options;
    const struct ls_value *x = node->inputs[0], *t = node->inputs[1];
    char first[LS_SHAPE_TEXT_MAX], second[LS_SHAPE_TEXT_MAX];
    enum ls_status status = ls_check_batched(node, 0, 2, error);
    if (status != LS_OK)
        return status;
    const int64_t classes = ls_shape_last(x->shape);
    if (!t->batched || t->type != LS_TYPE_INT32 ||
        ls_shape_row_count(t->shape) * classes != ls_shape_row_count(x->shape))
        return ls_fail(error, LS_INVALID,
                       "softmax_cross_entropy: logits of shape %s need one whole-number label per "
                       "%lld classes, "
                       "found %s targets of shape %s",
                       ls_shape_print(x->shape, first), (long long)classes,
                       t->type == LS_TYPE_INT32 ? "integer" : "real",
                       ls_shape_print(t->shape, second));
    if (!(options->smoothing >= 0 && options->smoothing <= 1))
        return ls_fail(error, LS_INVALID,
                       "softmax_cross_entropy: smoothing must be 0 to 1, found %g",
                       options->smoothing);
    status = ls_check_parameter(node, 2, "class weights", LS_SHAPE(classes), error);
    if (status == LS_OK)
        status = ls_check_lengths(node, 3, error);
    if (status != LS_OK)
        return status;
    ls_loss_output(node);
    node->saved_bytes = (size_t)ls_shape_count(x->shape) * sizeof(real);
    node->flops = 16 * ls_shape_row_count(x->shape);
    return LS_OK;
}

/* How positions are judged: all of them alike. */
struct judge {
    const struct ls_node *node;
    int64_t classes;
    real smoothing;
    const real *weights; /* of the classes; NULL: all 1 */
    real each, total;    /* what smoothing gives each class of weight 1, and all of them together */
};

static struct judge judge_of(const struct ls_node *node) {
    const struct ls_cross_entropy_options *options = node->options;
    struct judge j = {.node = node,
                      .classes = ls_shape_last(node->inputs[0]->shape),
                      .smoothing = (real)options->smoothing,
                      .weights = node->inputs[2] ? node->inputs[2]->data : NULL};
    j.each = j.smoothing / (real)j.classes;
    j.total = j.weights ? j.each * ls_row_sum(j.weights, j.classes) : j.smoothing;
    return j;
}

/* What a position is held against: the weight of its label, and whether anything of it counts. */
struct label {
    int32_t of;
    real weight;
    bool counts;
};

static struct label label_of(const struct judge *j, int32_t label, bool valid) {
    const struct ls_cross_entropy_options *options = j->node->options;
    if (!valid || (options->has_ignored && label == options->ignored))
        return (struct label){.of = label};
    LS_ASSERT(label >= 0 && label < j->classes, "%s: label %d, expected 0 to %lld", j->node->name,
              (int)label, (long long)j->classes - 1);
    const real weight = j->weights ? j->weights[label] : 1;
    return (struct label){label, weight, weight > 0 || j->smoothing > 0};
}

/* The first so many positions of sample n, of `positions`, count. */
static int64_t valid_of(const struct ls_node *node, int64_t n, int64_t positions) {
    const struct ls_shape shape = node->inputs[1]->shape;
    const int64_t longest = shape.rank > 1 ? shape.dims[1] : 1;
    return ls_length_of(node, 3, n, longest) * (positions / longest);
}

/* Writes the probabilities of one position to p; returns its loss. */
static real position_loss(const struct judge *j, const real *restrict x, struct label label,
                          real *restrict p) {
    const int64_t classes = j->classes;
    real largest, spread = 0;
    if (j->smoothing > 0) {
        const real top = ls_row_max(x, classes);
        for (int64_t c = 0; c < classes; c++)
            p[c] = x[c] - top;
        spread = j->each *
                 (j->weights ? ls_row_dot(j->weights, p, classes) : ls_row_sum(p, classes));
    }
    const real sum = ls_softmax_row(x, classes, p, &largest);
    const real inverse = 1 / sum, own = (1 - j->smoothing) * label.weight;
    for (int64_t c = 0; c < classes; c++)
        p[c] *= inverse;
    return (own + j->total) * ls_math_log(sum) - own * (x[label.of] - largest) - spread;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct judge j = judge_of(node);
    const int64_t positions = ls_shape_row_count(node->inputs[1]->shape);
    const real *x = node->inputs[0]->data;
    const int32_t *labels = node->inputs[1]->data;
    real *p = node->saved, *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++) {
        const int64_t valid = valid_of(node, n, positions);
        double loss = 0, total = 0;
        for (int64_t i = 0; i < positions; i++, x += j.classes, p += j.classes, labels++) {
            const struct label label = label_of(&j, *labels, i < valid);
            if (!label.counts)
                continue; /* backward writes zeros without looking at p */
            loss += (double)position_loss(&j, x, label, p);
            total += (double)label.weight;
        }
        y[2 * n] = (real)loss;
        y[2 * n + 1] = (real)total;
    }
}

/* dx = scale (sum(q) p - q), or added to it. */
LS_INLINE void position_gradient(const struct judge *j, struct label label, real scale,
                                 const real *restrict p, const bool accumulate,
                                 real *restrict dx) {
    const int64_t classes = j->classes;
    const real *restrict weights = j->weights;
    const real own = (1 - j->smoothing) * label.weight, all = scale * (own + j->total);
    const real each = scale * j->each;
    if (weights)
        for (int64_t c = 0; c < classes; c++)
            dx[c] = (accumulate ? dx[c] : 0) + ls_fma(all, p[c], -each * weights[c]);
    else
        for (int64_t c = 0; c < classes; c++)
            dx[c] = (accumulate ? dx[c] : 0) + ls_fma(all, p[c], -each);
    dx[label.of] -= scale * own;
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct judge j = judge_of(node);
    const int64_t positions = ls_shape_row_count(node->inputs[1]->shape);
    const int32_t *labels = node->inputs[1]->data;
    const real *dy = node->output->gradient, *p = node->saved;
    real *dx = node->inputs[0]->gradient;
    const bool accumulate = node->accumulate[0];
    for (int64_t k = 0; dx && k < run->rows * positions; k++, p += j.classes, dx += j.classes) {
        const bool valid = k % positions < valid_of(node, k / positions, positions);
        const struct label label = label_of(&j, labels[k], valid);
        const real scale = dy[2 * (k / positions)];
        if (label.counts && accumulate)
            position_gradient(&j, label, scale, p, true, dx);
        else if (label.counts)
            position_gradient(&j, label, scale, p, false, dx);
        else if (!accumulate)
            memset(dx, 0, (size_t)j.classes * sizeof(real));
    }
}

static const struct ls_op_case cases[] = {
    {.name = "a label per sample",
     .options = &(const struct ls_cross_entropy_options){0},
     .options_size = sizeof(struct ls_cross_entropy_options),
     .input_count = 4,
     .inputs = {{.shape = LS_CASE_SHAPE(5, 10), .low = -3, .high = 3},
                {.shape = LS_CASE_SHAPE(5), .integer = true, .constant = true, .low = 0, .high = 9},
                {.absent = true},
                {.absent = true}},
     .microbatches = 2},
    {.name = "smoothing, class weights, an ignored label",
     .options = &(const struct ls_cross_entropy_options){.smoothing = 0.1,
                                                         .has_ignored = true,
                                                         .ignored = -1},
     .options_size = sizeof(struct ls_cross_entropy_options),
     .input_count = 4,
     .inputs =
         {{.shape = LS_CASE_SHAPE(4, 6, 21), .low = -3, .high = 3},
          {.shape = LS_CASE_SHAPE(4, 6), .integer = true, .constant = true, .low = -1, .high = 2},
          {.shape = LS_CASE_SHAPE(21), .parameter = true, .constant = true, .low = 0.5, .high = 2},
          {.absent = true}},
     .microbatches = 2},
    {.name = "one position in its own dimension",
     .options = &(const struct ls_cross_entropy_options){.smoothing = 1},
     .options_size = sizeof(struct ls_cross_entropy_options),
     .input_count = 4,
     .inputs =
         {{.shape = LS_CASE_SHAPE(2, 1, 3), .low = -3, .high = 3},
          {.shape = LS_CASE_SHAPE(2, 1), .integer = true, .constant = true, .low = 0, .high = 2},
          {.absent = true},
          {.absent = true}}},
    {.name = "lengths",
     .options = &(const struct ls_cross_entropy_options){0},
     .options_size = sizeof(struct ls_cross_entropy_options),
     .input_count = 4,
     .inputs =
         {{.shape = LS_CASE_SHAPE(6, 4, 2, 5), .low = -3, .high = 3},
          {.shape = LS_CASE_SHAPE(6, 4, 2), .integer = true, .constant = true, .low = 0, .high = 4},
          {.absent = true},
          {.shape = LS_CASE_SHAPE(6), .integer = true, .constant = true, .low = 0, .high = 4}},
     .microbatches = 2},
};

const struct ls_op LS_NAME(ls_op_softmax_cross_entropy) = {
    .name = "softmax_cross_entropy",
    .formula =
        "sum over positions of -sum_k q_k log softmax(x)_k, q = (1 - a) w[t] onehot(t) + a w / K",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 1 | 1u << 2 | 1u << 3,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
