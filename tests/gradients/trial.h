/* One example case of one op in one variant, recorded, planned and run through the graph API.
 * Values and gradients go in and out as double, in plain row-major shapes; a float in a double
 * keeps its bits. */
#ifndef LS_TESTS_TRIAL_H
#define LS_TESTS_TRIAL_H

#include "core/graph/graph.h"
#include "core/ops/op.h"

struct trial {
    enum ls_variant variant;
    const struct ls_op *op;
    const struct ls_op_case *example;
    struct ls_graph *graph;
    struct ls_parameter_set *set;
    struct ls_value *inputs[LS_CASE_INPUTS_MAX]; /* NULL: not given */
    struct ls_value *output;
    struct ls_value *end; /* where backward starts: output, or output and inputs side by side */
    bool joined;
    /* What runs say, for tests to set: struct ls_run has the words. */
    bool mean_only;
    const double *term_factors; /* borrowed */
    int64_t rows, microbatch_rows;
    struct ls_node *node;               /* of the op */
    void *parameters, *gradients;       /* flat buffers */
    double *values[LS_CASE_INPUTS_MAX]; /* what the inputs hold; float values in every variant */
    double *slopes; /* d check / d output: random; 0 for the weight column of losses */
    double *side_slopes[LS_CASE_INPUTS_MAX]; /* d check / d input beside the op, when joined */
    uint64_t *row_ids;
    double *result; /* output of the last runs */
    double
        *by_input[LS_CASE_INPUTS_MAX]; /* gradients of the last runs; NULL where none is checked */
    double *statistics[LS_CASE_INPUTS_MAX]; /* slots that forward fills (batch_norm) */
};

/* joined: each input is also used beside the op, so that the op's backward must add to its
 * gradient. */
struct trial *trial_create(enum ls_op_id id, const struct ls_op_case *example,
                           enum ls_variant variant, bool joined);
void trial_destroy(struct trial *trial);

/* Elements of input i, or of the output, of all rows. */
int64_t trial_count(const struct trial *trial, int i);
int64_t trial_output_count(const struct trial *trial);

/* Forward, and backward if asked, of microbatches first .. first+count-1 as one run. Rows go to
 * their place in result and by_input; parameters' gradients and statistics are those of this run.
 */
void trial_run(struct trial *trial, int first, int count, bool backward);

/* Microbatches of the case. */
int trial_microbatches(const struct trial *trial);

/* Sum of slopes * output (and of side_slopes * inputs when joined) over all rows: what backward
 * derives. */
double trial_check(struct trial *trial);

/* "conv2d, case 'one pixel'" */
const char *trial_name(const struct trial *trial);

#endif
