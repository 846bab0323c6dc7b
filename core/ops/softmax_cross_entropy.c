/* Cross-entropy of class labels on logits, with softmax inside. Forward saves the probabilities;
 * backward is then one pass over them: dx = weight (p - q).
 *
 * A sample has one or more positions (a label each); K classes. With z = x - max x and s = sum exp
 * z, and as the q sum to 1: loss = log s - (1 - smoothing) z_t - smoothing mean(z).
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

/* The weight of a position; 0 where the label is ignored. */
static real weight_of(const struct ls_node *node, int32_t label, int64_t classes) {
    const struct ls_cross_entropy_options *options = node->options;
    if (options->has_ignored && label == options->ignored)
        return 0;
    LS_ASSERT(label >= 0 && label < classes, "%s: label %d, expected 0 to %lld", node->name,
              (int)label, (long long)classes - 1);
    return node->inputs[2] ? ((const real *)node->inputs[2]->data)[label] : 1;
}

/* The first so many positions of sample n, of `positions`, count. */
static int64_t valid_of(const struct ls_node *node, int64_t n, int64_t positions) {
    const struct ls_shape shape = node->inputs[1]->shape;
    const int64_t longest = shape.rank > 1 ? shape.dims[1] : 1;
    return ls_length_of(node, 3, n, longest) * (positions / longest);
}

/* Writes the probabilities of one position to p; returns its loss. */
static real position_loss(const real *restrict x, int64_t classes, int32_t label, real smoothing,
                          real *restrict p) {
    real largest;
    const real sum = ls_softmax_row(x, classes, p, &largest);
    const real inverse = 1 / sum;
    for (int64_t c = 0; c < classes; c++)
        p[c] *= inverse;
    const real loss = ls_math_log(sum) - (1 - smoothing) * (x[label] - largest);
    return smoothing > 0 ? loss - smoothing * (ls_row_sum(x, classes) / (real)classes - largest)
                         : loss;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_cross_entropy_options *options = node->options;
    const int64_t classes = ls_shape_last(node->inputs[0]->shape);
    const int64_t positions = ls_shape_row_count(node->inputs[1]->shape);
    const real *x = node->inputs[0]->data;
    const int32_t *labels = node->inputs[1]->data;
    real *p = node->saved, *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++) {
        const int64_t valid = valid_of(node, n, positions);
        real loss = 0, total = 0;
        for (int64_t i = 0; i < positions; i++, x += classes, p += classes, labels++) {
            const real weight = i < valid ? weight_of(node, *labels, classes) : 0;
            if (weight == 0)
                continue; /* backward writes zeros without looking at p */
            loss += weight * position_loss(x, classes, *labels, (real)options->smoothing, p);
            total += weight;
        }
        y[2 * n] = loss;
        y[2 * n + 1] = total;
    }
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_cross_entropy_options *options = node->options;
    const int64_t classes = ls_shape_last(node->inputs[0]->shape);
    const int64_t positions = ls_shape_row_count(node->inputs[1]->shape);
    const real smoothing = (real)options->smoothing, each = smoothing / (real)classes;
    const int32_t *labels = node->inputs[1]->data;
    const real *dy = node->output->gradient;
    const real *restrict p = node->saved;
    real *restrict dx = node->inputs[0]->gradient;
    const bool accumulate = node->accumulate[0];
    if (!dx)
        return;
    for (int64_t k = 0; k < run->rows * positions; k++, p += classes, dx += classes) {
        const bool valid = k % positions < valid_of(node, k / positions, positions);
        const real weight = valid ? weight_of(node, labels[k], classes) : 0;
        const real scale = dy[2 * (k / positions)] * weight;
        if (weight == 0) {
            if (!accumulate)
                memset(dx, 0, (size_t)classes * sizeof(real));
            continue;
        }
        if (accumulate)
            for (int64_t c = 0; c < classes; c++)
                dx[c] += scale * (p[c] - each);
        else
            for (int64_t c = 0; c < classes; c++)
                dx[c] = scale * (p[c] - each);
        dx[labels[k]] -= scale * (1 - smoothing);
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
        "sum over positions of w[t] * -sum_k q_k log softmax(x)_k, q = (1 - a) onehot(t) + a / K",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 1 | 1u << 2 | 1u << 3,
    .loss = true,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
