/* Recurrences as the operators LSTM, GRU and RNN of ONNX, which have the same formulas. What
 * differs: positions come before samples there; weights are turned, have a dimension of directions,
 * and their gates another order. Nodes turn the parameters, which keep the names and shapes that
 * they have here; a runtime does that once, when it loads the model. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/ops/options.h"
#include "launcher/onnx/list.h"
#include "launcher/onnx/positions.h"

/* Inputs: core/ops/recurrence.h. */
enum { X, WEIGHT, RECURRENT, BIAS, START, LENGTHS, EXTRA };

/* An operator: how many gates it has, and which of ours each of them is. */
struct recurrence {
    const char *type;
    int gates;
    int order[4];
};

static int64_t hidden_of(const struct ls_node *node) {
    return ls_shape_last(node->output->shape);
}

/* Columns of a weight [rows, gates * hidden], or of a bias, in the operator's order. */
static const char *ordered(struct ls_onnx *onnx, const struct ls_node *node, int input,
                           const struct recurrence *recurrence) {
    const char *parts[4], *all = ls_onnx_last(onnx, node->inputs[input]);
    const int64_t hidden = hidden_of(node);
    if (recurrence->gates == 1)
        return all;
    for (int g = 0; g < recurrence->gates; g++) {
        const int64_t first = recurrence->order[g] * hidden;
        parts[g] = ls_onnx_slice(onnx, all, (struct ls_onnx_slice){-1, first, first + hidden, 1});
    }
    return ls_onnx_concat(onnx, parts, recurrence->gates, -1);
}

/* [1, gates * hidden, rows] */
static const char *weight_of(struct ls_onnx *onnx, const struct ls_node *node, int input,
                             const struct recurrence *recurrence) {
    const char *turned =
        ls_onnx_transpose(onnx, ordered(onnx, node, input, recurrence), LS_SHAPE(1, 0));
    return ls_onnx_unsqueeze(onnx, turned, 0);
}

static const char *zeros(struct ls_onnx *onnx, int64_t count) {
    float *values = ls_calloc((size_t)count, sizeof *values);
    const char *name = ls_onnx_constant(onnx, LS_ONNX_REAL, LS_SHAPE(count), values);
    free(values);
    return name;
}

/* [1, 2 * gates * hidden]: those of what comes in, and those of the recurrence, of which only a GRU
 * has one, for its candidate, the last gate. */
static const char *bias_of(struct ls_onnx *onnx, const struct ls_node *node,
                           const struct recurrence *recurrence) {
    const int64_t all = recurrence->gates * hidden_of(node);
    const struct ls_value *candidate =
        !strcmp(recurrence->type, "GRU") ? node->inputs[EXTRA] : NULL;
    if (!node->inputs[BIAS] && !candidate)
        return NULL;
    const char *parts[3];
    int count = 0;
    parts[count++] = node->inputs[BIAS] ? ordered(onnx, node, BIAS, recurrence) : zeros(onnx, all);
    parts[count++] = zeros(onnx, candidate ? all - hidden_of(node) : all);
    if (candidate)
        parts[count++] = ls_onnx_last(onnx, candidate);
    return ls_onnx_unsqueeze(onnx, ls_onnx_concat(onnx, parts, count, 0), 0);
}

/* [1, N, hidden], or NULL. */
static const char *state_of(struct ls_onnx *onnx, const struct ls_value *state) {
    return state ? ls_onnx_unsqueeze(onnx, ls_onnx_last(onnx, state), 0) : NULL;
}

/* y [N, T, hidden] of the operator, to what it is here: behind a sample's positions the state stays
 * as it was, and of no positions it is the one before the first. */
static const char *hold(struct ls_onnx *onnx, const struct ls_node *node, const char *y) {
    const struct ls_recurrence_options *options = node->options;
    const struct ls_value *lengths = node->inputs[LENGTHS], *start = node->inputs[START];
    const int64_t positions = node->output->shape.dims[1];
    const char *before = start ? ls_onnx_unsqueeze(onnx, ls_onnx_last(onnx, start), 1) : NULL;
    if (options->reverse) {
        const char *valid = ls_onnx_valid(onnx, lengths, positions, LS_SHAPE(0, 1));
        return LS_ONNX_NODE(onnx, "Where", ls_onnx_unsqueeze(onnx, valid, -1), y,
                            before ? before : ls_onnx_real(onnx, 0));
    }
    const char *places = LS_ONNX_NODE(onnx, "Min", ls_onnx_counting(onnx, positions),
                                      ls_onnx_last_place(onnx, lengths));
    return ls_onnx_where_any(onnx, lengths, ls_onnx_gather_places(onnx, y, places),
                             (struct ls_onnx_else){3, before});
}

/* int32 [N], or NULL. Read forward, a position does not know whether others follow: then what comes
 * behind the length is left to hold(). */
static const char *lengths_of(struct ls_onnx *onnx, const struct ls_node *node) {
    const struct ls_recurrence_options *options = node->options;
    return node->inputs[LENGTHS] && options->reverse
               ? ls_onnx_reshape(onnx, ls_onnx_last(onnx, node->inputs[LENGTHS]), LS_SHAPE(-1))
               : NULL;
}

/* The operator's output y [T, 1, N, hidden], with its attributes but activations. */
static const char *run(struct ls_onnx *onnx, const struct ls_node *node,
                       const struct recurrence *recurrence) {
    const struct ls_recurrence_options *options = node->options;
    const bool carries = !strcmp(recurrence->type, "LSTM");
    const char *x = ls_onnx_transpose(onnx, ls_onnx_last(onnx, node->inputs[X]), LS_SHAPE(1, 0, 2));
    const char *weight = weight_of(onnx, node, WEIGHT, recurrence),
               *recurrent = weight_of(onnx, node, RECURRENT, recurrence),
               *bias = bias_of(onnx, node, recurrence), *lengths = lengths_of(onnx, node),
               *start = state_of(onnx, node->inputs[START]),
               *cell = carries ? state_of(onnx, node->inputs[EXTRA]) : NULL;
    const char *y =
        LS_ONNX_NODE(onnx, recurrence->type, x, weight, recurrent, bias, lengths, start, cell);
    ls_onnx_set_integer(onnx, "hidden_size", hidden_of(node));
    if (options->reverse)
        ls_onnx_set_text(onnx, "direction", "reverse");
    return y;
}

static struct ls_onnx_tensor finish(struct ls_onnx *onnx, const struct ls_node *node,
                                    const char *y) {
    y = LS_ONNX_NODE(onnx, "Squeeze", y, ls_onnx_integers(onnx, LS_SHAPE(1)));
    y = ls_onnx_transpose(onnx, y, LS_SHAPE(1, 0, 2));
    return ls_onnx_channels_last(node->inputs[LENGTHS] ? hold(onnx, node, y) : y);
}

/* Ours: i, f, g, o; theirs: i, o, f, g. */
struct ls_onnx_tensor ls_onnx_op_lstm(struct ls_onnx *onnx, const struct ls_node *node) {
    static const struct recurrence lstm = {"LSTM", 4, {0, 3, 1, 2}};
    return finish(onnx, node, run(onnx, node, &lstm));
}

/* Ours: reset, update, candidate; theirs: update, reset, candidate. */
struct ls_onnx_tensor ls_onnx_op_gru(struct ls_onnx *onnx, const struct ls_node *node) {
    static const struct recurrence gru = {"GRU", 3, {1, 0, 2}};
    const char *y = run(onnx, node, &gru);
    ls_onnx_set_integer(onnx, "linear_before_reset", 1);
    return finish(onnx, node, y);
}

struct ls_onnx_tensor ls_onnx_op_rnn(struct ls_onnx *onnx, const struct ls_node *node) {
    static const struct recurrence rnn = {"RNN", 1, {0}};
    const struct ls_recurrence_options *options = node->options;
    const char *const activation = options->relu ? "Relu" : "Tanh";
    const char *y = run(onnx, node, &rnn);
    ls_onnx_set_texts(onnx, "activations", &activation, 1);
    return finish(onnx, node, y);
}
