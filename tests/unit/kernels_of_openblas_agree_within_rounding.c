/* linear with and without compute.gemm: openblas, on the same numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/parameters.h"
#include "core/ops/op.h"
#include "core/ops/list.h"
#include "core/graph/graph.h"
#include "tests/support/support.h"

enum { ROWS = 21, IN = 70, OUT = 45, PANELS = 2 * IN * LS_PANEL };

static float values[3][8192]; /* x, weight (panels), bias */
struct result {
    float y[ROWS * OUT], dx[ROWS * IN], dw[PANELS], db[OUT];
};

static void fill(void) {
    srand(7);
    for (int v = 0; v < 3; v++)
        for (int i = 0; i < 8192; i++)
            values[v][i] = (float)(rand() % 2001 - 1000) * 0x1p-10f;
    for (int k = 0; k < IN; k++) /* columns past OUT are padding */
        for (int c = OUT - LS_PANEL; c < LS_PANEL; c++)
            values[1][(IN + k) * LS_PANEL + c] = 0;
}

static struct result run(bool openblas, bool accumulate) {
    static struct result r;
    struct ls_value x = {.shape = LS_SHAPE(ROWS, IN),
                         .batched = true,
                         .wants_gradient = true,
                         .data = values[0],
                         .gradient = r.dx};
    struct ls_value w = {.shape = LS_SHAPE(IN, OUT), .data = values[1], .gradient = r.dw};
    struct ls_value b = {.shape = LS_SHAPE(OUT), .data = values[2], .gradient = r.db};
    float dy[ROWS * OUT];
    struct ls_value y = {.data = r.y, .gradient = dy};
    struct ls_value *inputs[] = {&x, &w, &b};
    bool adds[] = {accumulate, false, false};
    const struct ls_op *op = ls_variant_ops(ls_variant_best())[LS_OP_linear];
    struct ls_node node = {.op = op,
                           .input_count = 3,
                           .inputs = inputs,
                           .accumulate = adds,
                           .output = &y,
                           .activation = LS_ACTIVATION_RELU,
                           .kernels = &(const struct ls_kernel_choice){.openblas = openblas}};
    ls_require(op->infer(&node, &ls_test_error));
    node.scratch = ls_calloc(1, node.scratch_bytes + 1);
    node.state = ls_calloc(1, node.state_bytes + 1);
    ck_assert_int_eq(openblas, node.state_bytes > 0);
    const struct ls_run step = {
        .training = true, .rows = ROWS, .microbatch_rows = 8, .microbatches = 3};
    for (int i = 0; i < ROWS * IN; i++)
        r.dx[i] = 1;
    for (int i = 0; i < ROWS * OUT; i++)
        dy[i] = values[0][i] + values[2][i];
    if (op->prepare)
        op->prepare(&node);
    op->forward(&node, &step);
    op->backward(&node, &step);
    free(node.scratch);
    free(node.state);
    return r;
}

static void near(const float *a, const float *b, int count, const char *what) {
    for (int i = 0; i < count; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-4f))
            ck_abort_msg("%s[%d] is %g, with our kernels %g", what, i, (double)a[i], (double)b[i]);
}

START_TEST(linear_agrees) {
    fill();
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        const struct result ours = run(false, accumulate), theirs = run(true, accumulate);
        near(theirs.y, ours.y, ROWS * OUT, "y");
        near(theirs.dx, ours.dx, ROWS * IN, "dx");
        near(theirs.dw, ours.dw, PANELS, "dw");
        near(theirs.db, ours.db, OUT, "db");
        ck_assert_msg(memcmp(&ours.dw[IN * LS_PANEL + OUT - LS_PANEL], &(float){0}, 4) == 0,
                      "the padding of dw is not zero");
    }
}
END_TEST

LS_SUITE(linear_agrees)
