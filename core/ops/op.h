/* What an operation is: one constant struct per file of this folder, collected in list.h.
 *
 * An op's source is compiled once per variant (core/tensor/variant.h), so `real` is float or
 * double. The definition in double is what tests/gradients checks; the float builds are what
 * trains.
 *
 * The contract of forward and backward:
 * - Dimension 0 of a batched value is the sample; run->rows of them are there, at most
 *   shape.dims[0].
 * - The result of a row never depends on the other rows of the call, except for ops that say
 *   over_microbatch; those never look beyond their microbatch.
 * - A sum over samples is taken inside each microbatch in a stated order (sum.h,
 *   tensor/kernels/gemm.h), then over the run's microbatches along the fixed tree (base/tree.h).
 * - backward reads output->gradient and writes the gradient of every input that wants one
 *   (input->gradient != NULL): it adds where node->accumulate[i] is set and assigns elsewhere.
 *   It may overwrite output->gradient. The gradient of a parameter is always assigned: the sum
 *   over this run.
 * - Nothing allocates. Memory comes from what infer() asked for. */
#ifndef LS_OPS_OP_H
#define LS_OPS_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/tensor/algorithm.h"
#include "core/tensor/layout.h"
#include "core/tensor/shape.h"

struct ls_parameter;
struct ls_weave;

enum ls_type { LS_TYPE_REAL, LS_TYPE_INT32 };

/* A tensor of a graph. Owned by the graph; data and gradient are set by its planner (parameters:
 * before each run, see graph.h). */
struct ls_value {
    struct ls_shape shape; /* dims[0] is rows_max if batched */
    bool batched;          /* dimension 0 is the sample */
    enum ls_type type;
    bool wants_gradient;                  /* a parameter, or computed from one, or asked for */
    const struct ls_parameter *parameter; /* borrowed; NULL if it is none */
    enum ls_layout layout;                /* of a parameter */
    bool fixed;                           /* a parameter that no graph trains */
    const char *name; /* of an input, or the path of the layer that made it; NULL: a parameter */
    void *data;       /* real[] or int32_t[]; a parameter's is in its storage layout */
    void *gradient;   /* real[], as data; NULL where none is wanted */
    struct ls_node *producer; /* borrowed; NULL for inputs and parameters */
    int index;                /* in the graph's list of values */
};

/* Activations that products, convolutions and norms can take into their epilogue. */
enum ls_activation { LS_ACTIVATION_NONE, LS_ACTIVATION_RELU };

/* Which of several kernels for the same product; they differ in bits. */
struct ls_kernel_choice {
    enum ls_winograd winograd; /* of conv2d, conv_transpose2d */
    bool openblas; /* products in free order (linear only; bits may depend on the rows of a call) */
};

/* One recorded call of an op. Owned by the graph. */
struct ls_node {
    const struct ls_op *op;
    const char *name;    /* path of the layer that recorded it ("stage1.block0.conv1"); owned */
    uint32_t ordinal;    /* position in the recording, from the graph's stream_first on: the stream
                            of its random numbers */
    const void *options; /* the op's options struct; owned copy */
    int64_t rows_max;    /* samples of the largest run */
    int input_count;
    struct ls_value **inputs; /* a NULL entry is an optional input that was not given */
    bool *accumulate;         /* per input: backward adds to its gradient */
    struct ls_value *output;
    enum ls_activation activation; /* fused by the planner; LS_ACTIVATION_NONE unless op->fuses */
    const struct ls_kernel_choice *kernels; /* borrowed from the graph */
    const struct ls_weave *weave; /* passes made by or for the node beside it (weave.h); owned, set
                                     by the planner, mostly NULL */
    /* Step mode (graph.h): 0, or how many positions an op keeps of a sequence, of which every run
     * brings one. Ops that look back keep in `state` what they need, and check that run->position
     * is below it. */
    int64_t step_positions;

    /* Set by infer(): bytes wanted, per run. */
    size_t saved_bytes;       /* written by forward, read by backward */
    size_t scratch_bytes;     /* free during one call of forward or of backward */
    size_t scratch_row_bytes; /* how much of that one more row takes; 0: mostly of a fixed size */
    size_t state_bytes;       /* kept over steps, zeroed at first (weights packed once per step) */
    int64_t flops;            /* of forward, per sample */

    /* Set by the planner; 64-byte aligned. */
    void *saved, *scratch, *state;
};

/* One call: some whole microbatches of a global batch, in order. */
struct ls_run {
    bool training;  /* false: dropout is off, norms use running statistics */
    bool mean_only; /* sample_normal gives its mean, as predict and explain want it. Else it
                       draws, also in evaluation, where a loss is measured */
    int64_t rows;   /* samples here */
    int64_t microbatch_rows; /* samples of each microbatch; the last may have fewer */
    int microbatches;        /* ceil(rows / microbatch_rows) */
    uint64_t seed, step;     /* step is 0 in evaluation, so that every one of them draws the same */
    const uint64_t *row_ids; /* per sample: its index in the data set */
    uint64_t row_first;      /* position of sample 0 in the global batch */
    int64_t position;        /* step mode: of the one position of each sequence; 0 starts anew */
    /* Of weighted_loss, for each of its losses: what the sum over the global batch is divided by /
     * the sum of this loss's weights there. Borrowed; NULL: all 1. */
    const double *term_factors;
};

static inline int64_t ls_run_microbatch_first(const struct ls_run *run, int m) {
    return m * run->microbatch_rows;
}

static inline int64_t ls_run_microbatch_rows(const struct ls_run *run, int m) {
    const int64_t left = run->rows - m * run->microbatch_rows;
    return left < run->microbatch_rows ? left : run->microbatch_rows;
}

/* An example for the tests: how to call the op, and with what values. LS_CASE_SHAPE(5, 3) is
 * LS_SHAPE as a constant initialiser. */
#define LS_CASE_SHAPE(...)                                                                         \
    {                                                                                              \
        .rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dims = { __VA_ARGS__ } \
    }

struct ls_op_case_input {
    struct ls_shape
        shape; /* with its batch dimension if batched; rank 0 with absent set: not given */
    bool absent;
    bool parameter; /* bound as a parameter (layout below), so it is not batched */
    enum ls_layout layout;
    bool integer;   /* int32 in [low, high], else uniform in [low, high] */
    bool constant;  /* no gradient is checked (targets, masks) */
    bool statistic; /* a running statistic: constant, and forward fills its slot when training */
    double low, high;
    double gap;    /* keep this far from the kinks at multiples of kink */
    double kink;   /* e.g. 1e9: only 0 is a kink; 0: none */
    bool distinct; /* values of a row differ by at least gap (for max) */
};

enum { LS_CASE_INPUTS_MAX = 8 };

struct ls_op_case {
    const char *name;
    const void *options;
    size_t options_size;
    int input_count;
    struct ls_op_case_input inputs[LS_CASE_INPUTS_MAX];
    int64_t rows;     /* samples, where no input says how many; else 0 */
    int microbatches; /* 0 means 1; rows are cut into that many, the last may be shorter */
    bool evaluation;  /* run with training = false */
    enum ls_activation activation;
    enum ls_winograd winograd;
    double tolerance; /* of the gradient test; 0 means 1e-6 */
};

struct ls_op {
    const char *name;
    const char *formula; /* one line */
    /* Checks inputs and options; sets output->shape, ->type, ->batched and the node's needs. The
     * error names what was expected and found; the graph puts the layer's name in front. */
    enum ls_status (*infer)(struct ls_node *node, struct ls_error *error);
    /* NULL, or called once per step before its first run (weights have changed). */
    void (*prepare)(struct ls_node *node);
    void (*forward)(const struct ls_node *node, const struct ls_run *run);
    /* NULL: no gradient flows through it. */
    void (*backward)(const struct ls_node *node, const struct ls_run *run);
    uint32_t backward_reads_inputs; /* bit i: backward reads inputs[i]->data */
    bool backward_reads_output;     /* backward reads output->data */
    /* Bit i: the gradient of inputs[i] is what backward leaves in the output's, so that both may be
     * the same memory. */
    uint32_t passes_gradient;
    bool alias;    /* the output is inputs[0]'s memory under another shape; no forward or
                      backward runs (reshape, flatten) */
    bool source;   /* has no inputs: its output comes from the run alone (noise) */
    bool in_place; /* forward may write its output over inputs[0]'s data */
    bool fuses;    /* honours node->activation (backward then reads the output too) */
    bool loss; /* gives [N, 2]: per sample a weighted loss, and its weight, which has no slope */
    bool over_microbatch; /* a row's result may depend on the other rows of its microbatch */
    const struct ls_op_case *cases;
    int case_count;
};

#endif
