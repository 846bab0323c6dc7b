/* lstm, gru and rnn against their formulas, number by number, and against what PyTorch 1.13 gives,
 * so that the order of the gates is what files of others expect. */
#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/ops/options.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

enum { UNITS_MAX = 64 };

enum { X, W, U, BIAS, START, LENGTHS, EXTRA }; /* as in ops/recurrence.h */

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* The states of one row, h and c. */
struct state {
    double h[UNITS_MAX], c[UNITS_MAX];
};

/* Column k of x W + b, or of h U. */
static double column(const struct trial *trial, bool recurrent, const double *vector, int64_t k) {
    const int matrix = recurrent ? U : W;
    const struct ls_shape shape = trial->example->inputs[matrix].shape;
    const double *bias = recurrent ? NULL : trial->values[BIAS];
    double sum = bias ? bias[k] : 0;
    for (int64_t i = 0; i < shape.dims[0]; i++)
        sum += vector[i] * trial->values[matrix][i * shape.dims[1] + k];
    return sum;
}

static double activated(const struct trial *trial, double x) {
    const struct ls_recurrence_options *options = trial->example->options;
    return options->relu ? fmax(x, 0) : tanh(x);
}

/* One position: the new state of the old one and of x. */
static struct state step(const struct trial *trial, const double *x, const struct state *old,
                         int64_t units) {
    const double *extra = trial->values[EXTRA];
    struct state new = *old;
    for (int64_t j = 0; j < units; j++) {
        double z[4] = {0}, u[4] = {0};
        const struct ls_shape shape = trial->example->inputs[U].shape;
        for (int64_t gate = 0; gate < shape.dims[1] / units; gate++) {
            z[gate] = column(trial, false, x, gate * units + j);
            u[gate] = column(trial, true, old->h, gate * units + j);
        }
        if (trial->op == ls_ops_f64[LS_OP_lstm]) {
            new.c[j] = sigmoid(z[1] + u[1]) * old->c[j] + sigmoid(z[0] + u[0]) * tanh(z[2] + u[2]);
            new.h[j] = sigmoid(z[3] + u[3]) * tanh(new.c[j]);
        } else if (trial->op == ls_ops_f64[LS_OP_gru]) {
            const double r = sigmoid(z[0] + u[0]), keep = sigmoid(z[1] + u[1]);
            const double n = tanh(z[2] + r * (u[2] + (extra ? extra[j] : 0)));
            new.h[j] = (1 - keep) * n + keep * old->h[j];
        } else
            new.h[j] = activated(trial, z[0] + u[0]);
    }
    return new;
}

static struct state begin(const struct trial *trial, int64_t n, int64_t units) {
    const double *h = trial->values[START], *c = trial->values[EXTRA];
    struct state state = {0};
    for (int64_t j = 0; h && j < units; j++)
        state.h[j] = h[n * units + j];
    for (int64_t j = 0; c && trial->op == ls_ops_f64[LS_OP_lstm] && j < units; j++)
        state.c[j] = c[n * units + j];
    return state;
}

static void check_row(const struct trial *trial, int64_t n) {
    const struct ls_recurrence_options *options = trial->example->options;
    const struct ls_shape x = trial->example->inputs[X].shape;
    const int64_t units = trial->example->inputs[U].shape.dims[0];
    const double *lengths = trial->values[LENGTHS];
    const int64_t length = lengths ? (int64_t)lengths[n] : x.dims[1];
    struct state state = begin(trial, n, units);
    ck_assert_int_le(units, UNITS_MAX);
    for (int64_t k = 0; k < x.dims[1]; k++) {
        const int64_t t = options->reverse ? x.dims[1] - 1 - k : k;
        if (t < length)
            state = step(trial, trial->values[X] + (n * x.dims[1] + t) * x.dims[2], &state, units);
        for (int64_t j = 0; j < units; j++)
            ck_assert_msg(fabs(trial->result[(n * x.dims[1] + t) * units + j] - state.h[j]) < 1e-12,
                          "%s, row %lld, position %lld, unit %lld: found %.15g, expected %.15g",
                          trial_name(trial), (long long)n, (long long)t, (long long)j,
                          trial->result[(n * x.dims[1] + t) * units + j], state.h[j]);
    }
}

/* All example cases of the op; what they are to contain is counted. */
static void check_cases(enum ls_op_id id) {
    bool empty = false, full = false;
    for (int k = 0; k < ls_ops_f64[id]->case_count; k++) {
        struct trial *trial = trial_create(id, &ls_ops_f64[id]->cases[k], LS_F64, false);
        const double *lengths = trial->values[LENGTHS];
        trial_run(trial, 0, trial_microbatches(trial), false);
        for (int64_t n = 0; n < trial->rows; n++) {
            check_row(trial, n);
            empty = empty || (lengths && lengths[n] == 0);
            full = full || (lengths && lengths[n] == trial->example->inputs[X].shape.dims[1]);
        }
        trial_destroy(trial);
    }
    ck_assert_msg(empty && full, "%s: no case has a row of no position and one of all",
                  ls_ops_f64[id]->name);
}

START_TEST(lstm_follows_its_formulas) {
    check_cases(LS_OP_lstm);
}
END_TEST

START_TEST(gru_follows_its_formulas) {
    check_cases(LS_OP_gru);
}
END_TEST

START_TEST(rnn_follows_its_formula) {
    check_cases(LS_OP_rnn);
}
END_TEST

#define GIVEN(...)                                                                                 \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .low = 0, .high = 1 }
#define WEIGHT(...)                                                                                \
    {                                                                                              \
        .shape = LS_CASE_SHAPE(__VA_ARGS__), .parameter = true, .layout = LS_LAYOUT_PANELS,        \
        .low = 0, .high = 1                                                                        \
    }
#define VECTOR(...)                                                                                \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .parameter = true, .low = 0, .high = 1 }

/* x, W, U, b, h, extra hold sin(first), sin(first + 1), ... with first = 6, 1, 2, 3, 4, 5; found
 * with torch.nn.LSTM and GRU in double: W and U transposed, bias_hh zero but for the candidate's.
 */
static void check_recorded(enum ls_op_id id, const struct ls_op_case *example,
                           const double *expected) {
    static const int firsts[] = {6, 1, 2, 3, 4, 0, 5};
    struct trial *trial = trial_create(id, example, LS_F64, false);
    for (int i = 0; i < example->input_count; i++)
        for (int64_t k = 0; k < trial_count(trial, i); k++)
            trial->values[i][k] = sin((double)(firsts[i] + k));
    trial_run(trial, 0, 1, false);
    for (int64_t k = 0; k < trial_output_count(trial); k++)
        ck_assert_double_eq_tol(trial->result[k], expected[k], 1e-14);
    trial_destroy(trial);
}

START_TEST(gates_lie_as_in_pytorch) {
    static const struct ls_recurrence_options forward = {0};
    const struct ls_op_case lstm = {.name = "as recorded",
                                    .options = &forward,
                                    .options_size = sizeof forward,
                                    .input_count = 7,
                                    .inputs = {GIVEN(1, 3, 2),
                                               WEIGHT(2, 8),
                                               WEIGHT(2, 8),
                                               VECTOR(8),
                                               GIVEN(1, 2),
                                               {.absent = true},
                                               GIVEN(1, 2)}};
    struct ls_op_case gru = lstm;
    gru.inputs[W] = (struct ls_op_case_input)WEIGHT(2, 6);
    gru.inputs[U] = (struct ls_op_case_input)WEIGHT(2, 6);
    gru.inputs[BIAS] = (struct ls_op_case_input)VECTOR(6);
    gru.inputs[EXTRA] = (struct ls_op_case_input)VECTOR(2);
    check_recorded(LS_OP_lstm, &lstm,
                   (const double[]){-0.0703520577402822, 0.0269157561347514, -0.065039852649414,
                                    0.210400876122266, 0.0576844574178609, 0.0864881012822619});
    check_recorded(LS_OP_gru, &gru,
                   (const double[]){-0.359183303481106, -0.669626622092691, -0.55856031235748,
                                    -0.267722918649392, 0.521196368818734, -0.0466604384258503});
}
END_TEST

LS_SUITE(lstm_follows_its_formulas, gru_follows_its_formulas, rnn_follows_its_formula,
         gates_lie_as_in_pytorch)
