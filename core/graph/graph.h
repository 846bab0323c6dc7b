/* The graph: recorded once, planned, replayed every step.
 *
 * Recording: ops.h functions look like eager calls but add a node. An error (shapes that do not
 * fit) is kept in the graph and every later call returns NULL, so a model reads like a formula;
 * ls_graph_plan reports the first error, with the layer's name.
 *
 * Planning: fuses, orders parameters as backward finishes them, prunes what nobody asked for,
 * decides where backward assigns and where it adds, computes lifetimes, and lays activations,
 * gradients and scratch into one arena.
 *
 * Running: per step, for each piece: write the inputs, forward, backward. No allocation. */
#ifndef LS_GRAPH_GRAPH_H
#define LS_GRAPH_GRAPH_H

#include "core/base/patterns.h"
#include "core/graph/parameters.h"
#include "core/ops/list.h"
#include "core/ops/op.h"
#include "core/tensor/isa.h"

struct ls_graph;

struct ls_graph_options {
    enum ls_variant variant;
    int64_t rows_max;                    /* samples of the largest piece */
    struct ls_parameter_set *parameters; /* borrowed; shared by the graphs of a run */
    bool no_fusion;                      /* for tests */
    bool keep_all;                       /* every value keeps its own memory (explaining, tests) */
    bool inference;                      /* never run backward: plan without gradients */
    enum ls_winograd winograd;           /* compute.winograd */
    bool openblas;                       /* compute.gemm: openblas: products in free order */
    /* Step mode: every sequence has one position in the graph, and a run is one step;
     * run->position counts them. What T steps give is what one run over T positions gives, bit for
     * bit. Ops that look back keep so many positions, which must not be passed; a recurrence keeps
     * a state and goes on for ever. 0: off. Inference only. */
    int64_t step_positions;
    /* The group of parameters that this graph trains: its weights get gradients, its running
     * statistics learn. All other parameters are constants here (a norm of another group still
     * normalises over the microbatch). LS_GROUP_NONE: it trains none. */
    int group;
    /* Node i of the recording draws from the random stream stream_first + i. Graphs that run in one
     * step take different ones, so that they draw different noise. */
    uint32_t stream_first;
    /* Parameters of such names are of no group (LS_GROUP_FIXED): nobody updates them. Borrowed
     * until the recording has ended; NULL: none. */
    const struct ls_pattern_list *frozen;
    /* Planning maps no arena: the caller binds one (ls_graph_bind_arena). Graphs that run in turn
     * may share one. */
    bool borrows_arena;
};

/* The ops of a variant, indexed by enum ls_op_id; NULL if this build does not have it. */
const struct ls_op *const *ls_variant_ops(enum ls_variant variant);

struct ls_graph *ls_graph_create(const struct ls_graph_options *options);
void ls_graph_destroy(struct ls_graph *graph);

/* Recording. Names of scopes join with dots: push "stage1", push "conv1" -> "stage1.conv1". */
void ls_graph_push(struct ls_graph *graph, const char *name);
void ls_graph_pop(struct ls_graph *graph);

/* Records outside all scopes until they are resumed: what belongs to no layer, though a layer asks
 * for it. The result is for ls_graph_resume_scope alone, which frees it. */
LS_MUST_USE char *ls_graph_suspend_scope(struct ls_graph *graph);
void ls_graph_resume_scope(struct ls_graph *graph, char *scope);

/* The scope that is open, "" outside of all. */
const char *ls_graph_scope(const struct ls_graph *graph);

/* A batched input; shape without the batch dimension. */
struct ls_value *ls_graph_input(struct ls_graph *graph, const char *name, struct ls_shape row_shape,
                                enum ls_type type);

/* The input of that name; NULL if there is none. */
struct ls_value *ls_graph_find_input(const struct ls_graph *graph, const char *name);

/* The output of the layer that was recorded under a path ("blocks.block0.attention1"): the last
 * value made in that scope or in one inside it. NULL if there is none. To read it after forward,
 * keep it before planning. */
struct ls_value *ls_graph_find(const struct ls_graph *graph, const char *path);

/* The group of parameters that are recorded from now on; at first 0. */
void ls_graph_set_group(struct ls_graph *graph, int group);

/* A parameter "SCOPE.name". It belongs to the group that was set when it was first recorded, or is
 * frozen. */
struct ls_value *ls_graph_parameter(struct ls_graph *graph, const char *name, struct ls_shape shape,
                                    enum ls_layout layout, enum ls_parameter_kind kind, bool decay,
                                    double momentum, struct ls_initialiser init);

/* One node; options are copied. An op that is a source has no inputs (NULL, 0). NULL after an
 * error.
 */
struct ls_value *ls_graph_node(struct ls_graph *graph, enum ls_op_id op,
                               struct ls_value *const *inputs, int input_count, const void *options,
                               size_t options_size);

/* Records an error of the caller's (a layer's bad option) as if an op had found it; returns NULL.
 */
struct ls_value *ls_graph_fail(struct ls_graph *graph, const char *format, ...) LS_PRINTF(2, 3);
bool ls_graph_failed(const struct ls_graph *graph);

/* The loss: a value [rows, 2], per sample the weighted loss and the weight. Backward starts here
 * with 1 and 0. */
void ls_graph_set_loss(struct ls_graph *graph, struct ls_value *loss);

/* A value that callers read after forward: it is kept to the end of the run. */
void ls_graph_keep(struct ls_graph *graph, struct ls_value *value);

/* Asks for a gradient of an input (saliency; tests). */
void ls_graph_want_gradient(struct ls_graph *graph, struct ls_value *value);

/* Gives the parameters of a set their offsets, from graphs that were all recorded and not planned:
 * those of a group lie in the order in which backward of the graph that trains it finishes them. It
 * ends the recording of these graphs. Does nothing if the set has offsets already, or if a graph
 * failed (its ls_graph_plan says why). */
void ls_graph_order_parameters(struct ls_graph *const *graphs, int count);

/* Plans; orders the parameters by this graph alone if nobody did before. Nodes that no kept value,
 * loss, asked gradient or learning statistic needs are left out; an input that only they read gets
 * no memory (data is NULL). A graph that was asked for nothing keeps all its nodes. */
LS_MUST_USE enum ls_status ls_graph_plan(struct ls_graph *graph, struct ls_error *error);

/* Whether each training run of the graph must be one microbatch: a parameter that it trains is used
 * several times, and the sum of the uses is defined per microbatch. */
bool ls_graph_single_microbatch(const struct ls_graph *graph);

/* With options.borrows_arena, after planning and before the first run: `arena` (borrowed, 64-byte
 * aligned) holds at least ls_graph_arena_bytes. Values keep what was read or written there only
 * until another graph of the same arena runs. */
size_t ls_graph_arena_bytes(const struct ls_graph *graph);
void ls_graph_bind_arena(struct ls_graph *graph, void *arena);

/* Weights for the coming runs (flat buffer, borrowed) have changed: bind and prepare. Once per
 * step. */
void ls_graph_prepare(struct ls_graph *graph, const void *parameters);

/* Forward of one piece. Inputs: write to value->data (rows * row elements) before. `statistics` is
 * the flat gradient buffer that takes the statistics' slots when training; may be NULL otherwise.
 */
void ls_graph_forward(struct ls_graph *graph, const struct ls_run *run, void *gradients);

/* Backward of the same piece: assigns the gradient of every parameter of the graph's group (the
 * tree sum over the run's microbatches; where several nodes use it, the last one's plus that of the
 * one before, and so on to the first one's) into the flat buffer `gradients`. ready(context, first,
 * end): the elements [first, end) of the flat buffer are final for this piece; called in ascending
 * order without gaps, so that a whole backward covers the range of the group, and where there is
 * only one group and nothing is frozen [0, total). May be NULL. */
typedef void ls_gradient_ready(void *context, int64_t first, int64_t end);
void ls_graph_backward(struct ls_graph *graph, const struct ls_run *run, void *gradients,
                       ls_gradient_ready *ready, void *context);

/* For tests and explanations: backward from any value whose gradient the caller has written. */
void ls_graph_backward_from(struct ls_graph *graph, struct ls_value *value,
                            const struct ls_run *run, void *gradients);

/* What the plan says, for `inspect` and for tests. */
struct ls_graph_summary {
    int nodes;
    int64_t arena_bytes; /* activations, gradients, scratch */
    int64_t
        row_bytes; /* of them per sample, but scratch of a fixed size: what a larger piece adds */
    int64_t state_bytes;   /* packed weights and the like */
    int64_t flops_forward; /* per sample */
};
struct ls_graph_summary ls_graph_summarise(const struct ls_graph *graph);
int ls_graph_node_count(const struct ls_graph *graph);
const struct ls_node *ls_graph_node_at(const struct ls_graph *graph, int index);
/* options.step_positions: above 0 in step mode. */
int64_t ls_graph_step_positions(const struct ls_graph *graph);

#endif
