/* What the files of this folder share: the graph's struct and the steps of planning. */
#ifndef LS_GRAPH_INTERNAL_H
#define LS_GRAPH_INTERNAL_H

#include <limits.h>

#include "core/graph/graph.h"

/* A stretch of the arena. Times: forward of node i is i, seeding the loss is n, backward of node i
 * is 2n - i; the run ends at 2n + 1 (n nodes). */
struct ls_buffer {
    size_t bytes, offset;
    int first, last;
};

/* What the planner knows about a value; beside ls_value, at the same index. */
struct ls_value_plan {
    bool kept;           /* read by the caller after forward */
    bool asked;          /* its gradient is read by the caller after backward */
    bool input;          /* written by the caller before forward */
    int content;         /* index of the value whose elements these are (alias ops), else its own */
    bool reached;        /* of a content: backward from the loss writes its gradient */
    int data_buffer;     /* of a content: index in buffers; -1 for parameters and unused values */
    int gradient_buffer; /* of a content; -1 where there is none */
    int gradient_of;     /* of a content: whose gradient's memory its own takes; itself, mostly */
};

struct ls_graph {
    struct ls_graph_options options;
    const struct ls_op *const *ops; /* static */
    size_t element_size;

    char *scope; /* "stage1.conv1"; owned */
    size_t scope_length, scope_room;
    size_t *scope_starts; /* length of scope before each push; owned */
    int depth, depth_room;

    int group; /* of parameters that are recorded now */
    bool failed, planned;
    struct ls_error error; /* the first one */

    struct ls_value **values; /* owned, items too */
    struct ls_value_plan *plans;
    int value_count, value_room;
    struct ls_node **nodes; /* owned, items too; in recording order */
    int node_count, node_room, recorded;
    struct ls_node **fused; /* nodes that became part of others; owned, items too */
    int fused_count;
    struct ls_value **parameters; /* values that are parameters; owned array */
    int parameter_count;
    struct ls_value *loss;

    struct ls_buffer *buffers;
    int buffer_count;
    int *saved_buffers;  /* per node: index in buffers, or -1 */
    int scratch_buffer;  /* shared by all nodes */
    bool *backward_runs; /* per node: backward from the loss reaches it */
    /* per parameter of the set: its value here, or NULL; owned array */
    struct ls_value **set_values;
    int *finished_by; /* per parameter of the set: the node whose backward writes its slot, or -1 */
    int *ready_count; /* per node: parameters of the set, from the first on, final after it */
    char *arena, *state; /* owned mappings */
    size_t arena_bytes, state_bytes;
};

static inline struct ls_value_plan *ls_plan_of(const struct ls_graph *graph,
                                               const struct ls_value *value) {
    return &graph->plans[graph->plans[value->index].content];
}

static inline bool ls_node_reads_input(const struct ls_node *node, int i) {
    return node->op->backward_reads_inputs >> (i < 31 ? i : 31) & 1;
}

static inline bool ls_node_reads_output(const struct ls_node *node) {
    return node->op->backward_reads_output || node->activation != LS_ACTIVATION_NONE;
}

static inline bool ls_keeps_all(const struct ls_graph *graph) {
    return graph->options.keep_all || (!graph->loss && !graph->options.inference);
}

/* Keeps graph->error, with the layer's name in front, as the graph's first error; returns NULL. */
struct ls_value *ls_keep_error(struct ls_graph *graph);

enum { LS_NORM_INPUTS = 5 }; /* of a batch norm without a residual */

/* One op makes the value for one other, and nobody else sees it. */
bool ls_passes_once(const struct ls_graph *graph, const struct ls_value *value);

/* The steps of ls_graph_plan, in this order. */
void ls_plan_fuse(struct ls_graph *graph);
void ls_plan_order_parameters(struct ls_graph *graph);
LS_MUST_USE enum ls_status ls_plan_gradients(struct ls_graph *graph, struct ls_error *error);
void ls_plan_weave(struct ls_graph *graph);
void ls_plan_lifetimes(struct ls_graph *graph);
void ls_plan_memory(struct ls_graph *graph);

/* Marks what backward from `start` (NULL: nothing) reaches, sets node->accumulate accordingly, and
 * notes after which node which part of the gradient buffer is final. Allocates nothing. */
void ls_mark_backward(struct ls_graph *graph, const struct ls_value *start);

/* Gives every buffer an offset, so that no two that live at the same time overlap; returns the
 * bytes. */
size_t ls_place_buffers(struct ls_buffer *buffers, int count);

#endif
