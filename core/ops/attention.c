/* Attention with several heads (Vaswani et al. 2017, section 3.2). Each head of each sample is one
 * call of tensor/kernels/attention.h, which states every sum. In step mode causal self-attention
 * keeps the keys and values of earlier positions in `state`, per sample and head in the blocks that
 * the kernel reads. */
#include "core/ops/check.h"
#include "core/ops/draw.h"
#include "core/ops/options.h"
#include "core/tensor/kernels/attention.h"
#include "core/tensor/kernels/pack.h"

/* Above so many probabilities of a sample they are not kept for backward, but made again. */
enum { KEPT_MAX = 1 << 20 };

static const struct ls_attention_options *options_of(const struct ls_node *node) {
    return node->options;
}

/* Queries, keys and values in one input. */
static bool is_packed(const struct ls_node *node) {
    return !node->inputs[1];
}

static bool in_steps(const struct ls_node *node) {
    return node->step_positions > 0 && is_packed(node);
}

static int64_t heads_of(const struct ls_node *node) {
    const int64_t heads = options_of(node)->heads;
    return heads > 0 ? heads : 1;
}

/* What all heads of all samples have in common. */
static struct ls_attention shape_of(const struct ls_node *node) {
    const struct ls_value *y = node->output, *source = node->inputs[is_packed(node) ? 0 : 1];
    const int64_t channels = ls_shape_last(y->shape);
    struct ls_attention a = {.queries = y->shape.dims[1],
                             .keys_max = source->shape.dims[1],
                             .width = channels / heads_of(node),
                             .causal = options_of(node)->causal,
                             .q_step = ls_shape_last(node->inputs[0]->shape),
                             .kv_step = ls_shape_last(source->shape),
                             .drop = ls_drop(options_of(node)->dropout)};
    if (in_steps(node)) {
        a.causal = false; /* the one query is the last position */
        a.packed = true;
        a.keys_max = node->step_positions;
        a.kv_step = a.keys_max * LS_PANEL;
    }
    a.keys = a.keys_max;
    a.keeps = heads_of(node) * a.queries * a.keys_max <= KEPT_MAX;
    return a;
}

static int64_t state_elements(const struct ls_attention *a) {
    return ls_panels(a->width) * a->kv_step; /* of the keys, or values, of a head */
}

static enum ls_status check_options(const struct ls_node *node, int64_t channels,
                                    struct ls_error *error) {
    const struct ls_attention_options *options = options_of(node);
    if (options->heads < 0 || channels % heads_of(node))
        return ls_fail(error, LS_INVALID,
                       "attention: the heads must divide the %lld channels, found %lld",
                       (long long)channels, (long long)options->heads);
    if (!(options->dropout >= 0 && options->dropout < 1))
        return ls_fail(error, LS_INVALID,
                       "attention: dropout must be at least 0 and below 1, found %g",
                       options->dropout);
    return LS_OK;
}

static enum ls_status check_steps(const struct ls_node *node, struct ls_error *error) {
    if (node->step_positions > 0 && !is_packed(node) && options_of(node)->causal)
        return ls_fail(error, LS_INVALID,
                       "attention: position by position, attention on another sequence cannot be "
                       "causal");
    if (!in_steps(node))
        return LS_OK;
    if (!options_of(node)->causal)
        return ls_fail(error, LS_INVALID,
                       "attention: position by position, self-attention must be causal: this one "
                       "looks at positions that do not exist yet");
    if (node->output->shape.dims[1] != 1)
        return ls_fail(error, LS_INVALID, "attention: a step brings 1 position, found %lld",
                       (long long)node->output->shape.dims[1]);
    return LS_OK;
}

/* Sets the output's shape. */
static enum ls_status infer_shape(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *x = node->inputs[0], *memory = node->inputs[1];
    const int parts = is_packed(node) ? 3 : 1;
    char q[LS_SHAPE_TEXT_MAX], kv[LS_SHAPE_TEXT_MAX];
    if (ls_check_batched(node, 0, 3, error) != LS_OK ||
        (memory && ls_check_batched(node, 1, 3, error) != LS_OK))
        return error->status;
    if (x->shape.rank != 3 || ls_shape_last(x->shape) % parts)
        return ls_fail(error, LS_INVALID, "attention: expects [samples, positions, %s], found %s",
                       memory ? "channels]" : "3 channels]", ls_shape_print(x->shape, q));
    ls_infer_like(node);
    node->output->shape.dims[2] /= parts;
    if (memory &&
        (memory->shape.rank != 3 || ls_shape_last(memory->shape) != 2 * ls_shape_last(x->shape)))
        return ls_fail(error, LS_INVALID,
                       "attention: keys and values must be [samples, positions, 2 channels] where "
                       "queries are %s, found %s",
                       ls_shape_print(x->shape, q), ls_shape_print(memory->shape, kv));
    return LS_OK;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    if (infer_shape(node, error) != LS_OK ||
        check_options(node, ls_shape_last(node->output->shape), error) != LS_OK ||
        ls_check_lengths(node, 2, error) != LS_OK || check_steps(node, error) != LS_OK)
        return error->status;
    const struct ls_attention a = shape_of(node);
    const int64_t heads = heads_of(node), rows = node->output->shape.dims[0];
    if (heads * a.queries * a.keys_max > UINT32_MAX)
        return ls_fail(error, LS_INVALID,
                       "attention: at most 2^32 probabilities per sample, found %lld heads of "
                       "%lld x %lld",
                       (long long)heads, (long long)a.queries, (long long)a.keys_max);
    node->scratch_bytes = LS_NAME(ls_attention_scratch_bytes)(&a);
    node->saved_bytes = (size_t)(rows * heads) * LS_NAME(ls_attention_saved_bytes)(&a);
    if (in_steps(node))
        node->state_bytes = (size_t)(2 * rows * heads * state_elements(&a)) * sizeof(real);
    node->flops = 4 * heads * a.queries * a.keys_max * a.width / (a.causal ? 2 : 1);
    return LS_OK;
}

/* Attention of one head of sample n, but for its keys and values. */
static struct ls_attention head_of(const struct ls_node *node, const struct ls_run *run, int64_t n,
                                   int64_t head) {
    struct ls_attention a = shape_of(node);
    const size_t saved = LS_NAME(ls_attention_saved_bytes)(&a);
    const int64_t number = n * heads_of(node) + head, length = ls_length_of(node, 2, n, a.keys_max);
    const int64_t seen = in_steps(node) ? run->position + 1 : a.causal ? a.queries : length;
    a.keys = length < seen ? length : seen;
    a.q = (const real *)node->inputs[0]->data + n * a.queries * a.q_step + head * a.width;
    a.position = head * a.queries * a.keys_max;
    a.saved = (char *)node->saved + (size_t)number * saved;
    a.scratch = node->scratch;
    if (!run->training)
        a.drop.threshold = 0;
    if (a.drop.threshold)
        a.key = ls_draw_key(node, run, n);
    return a;
}

/* Where the keys of head 0 of sample n begin among the elements of their input; values are
 * `channels` further on. */
static int64_t keys_at(const struct ls_node *node, const struct ls_attention *a, int64_t n) {
    return n * a->keys_max * a->kv_step +
           (is_packed(node) ? ls_shape_last(node->output->shape) : 0);
}

static void set_keys(const struct ls_node *node, struct ls_attention *a, int64_t n, int64_t head) {
    const real *from = node->inputs[is_packed(node) ? 0 : 1]->data;
    a->k = from + keys_at(node, a, n) + head * a->width;
    a->v = a->k + ls_shape_last(node->output->shape);
}

/* Adds this position's key and value to those in `state`. */
static void append(const struct ls_node *node, struct ls_attention *a, const struct ls_run *run,
                   int64_t n, int64_t head) {
    const int64_t channels = ls_shape_last(node->output->shape);
    real *k = (real *)node->state + 2 * (n * heads_of(node) + head) * state_elements(a);
    real *v = k + state_elements(a);
    LS_ASSERT(run->position >= 0 && run->position < node->step_positions,
              "%s: position %lld, expected 0 to %lld", node->name, (long long)run->position,
              (long long)node->step_positions - 1);
    ls_pack_blocks(1, a->width, a->q + channels, 0, k + run->position * LS_PANEL, a->kv_step);
    ls_pack_blocks(1, a->width, a->q + 2 * channels, 0, v + run->position * LS_PANEL, a->kv_step);
    a->k = k;
    a->v = v;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t channels = ls_shape_last(node->output->shape), heads = heads_of(node);
    real *y = node->output->data;
    for (int64_t n = 0; n < run->rows; n++)
        for (int64_t head = 0; head < heads; head++) {
            struct ls_attention a = head_of(node, run, n, head);
            if (in_steps(node))
                append(node, &a, run, n, head);
            else
                set_keys(node, &a, n, head);
            LS_NAME(ls_attention_forward)
            (&a, y + n * a.queries * channels + head * a.width, channels);
        }
}

/* Gradients of the keys and values that no query sees are 0. */
static void clear_unseen(const struct ls_node *node, const struct ls_attention *a, int64_t n) {
    const int64_t channels = ls_shape_last(node->output->shape);
    const int input = is_packed(node) ? 0 : 1;
    real *to = (real *)node->inputs[input]->gradient + keys_at(node, a, n);
    for (int64_t j = a->keys; !node->accumulate[input] && j < a->keys_max; j++)
        memset(to + j * a->kv_step, 0, (size_t)(2 * channels) * sizeof(real));
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    const int64_t channels = ls_shape_last(node->output->shape), heads = heads_of(node);
    const int source = is_packed(node) ? 0 : 1;
    real *dq = node->inputs[0]->gradient, *dk = node->inputs[source]->gradient;
    for (int64_t n = 0; n < run->rows; n++)
        for (int64_t head = 0; head < heads; head++) {
            struct ls_attention a = head_of(node, run, n, head);
            const int64_t first = n * a.queries, column = head * a.width;
            set_keys(node, &a, n, head);
            struct ls_attention_gradients g = {.dy = (const real *)node->output->gradient +
                                                     first * channels + column,
                                               .dy_step = channels,
                                               .dq_step = a.q_step,
                                               .dkv_step = a.kv_step,
                                               .add_q = node->accumulate[0],
                                               .add_kv = node->accumulate[source]};
            if (dq)
                g.dq = dq + first * a.q_step + column;
            if (dk) {
                g.dk = dk + keys_at(node, &a, n) + column;
                g.dv = g.dk + channels;
            }
            LS_NAME(ls_attention_backward)(&a, &g);
            if (dk && head == 0)
                clear_unseen(node, &a, n);
        }
}

#include "core/ops/attention_cases.h"

const struct ls_op LS_NAME(ls_op_attention) = {
    .name = "attention",
    .formula = "p = softmax over valid j of q[i] . k[j] / sqrt D per head; y[i] = sum of p v[j]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0 | 1u << 1 | 1u << 2,
    .cases = cases,
    .case_count = (int)(sizeof cases / sizeof *cases),
};
