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

/* What a plan gives memory to. */
enum ls_part { LS_PART_DATA, LS_PART_GRADIENT, LS_PART_SAVED, LS_PART_COUNT };

/* Memory that a node needs for another's sake, or leaves alone because another node does what it
 * would need it for (weave.c); `index` is a content, or a node whose saved block it is. */
struct ls_touch {
    enum ls_part part;
    int index;
    int time;
};
struct ls_skip {
    enum ls_part part;
    int index;
    int node;
};

/* A use of a trained parameter that may not be the first to write its slot (uses.c). */
struct ls_use {
    int node;
    struct ls_value *value;
    bool forward; /* a running statistic: forward writes the slot, else backward does */
    bool adds;    /* of a weight: backward has met another use before */
    int buffer;   /* index in buffers */
    void *memory; /* there */
    void *slot;   /* while the node runs: where its gradient belongs */
};

struct ls_graph {
    struct ls_graph_options options;
    const struct ls_op *const *ops; /* static */
    struct ls_kernel_choice kernels;
    size_t element_size;

    char *scope; /* "stage1.conv1"; owned */
    size_t scope_length, scope_room;
    size_t *scope_starts; /* length of scope before each push; owned */
    int depth, depth_room;

    int group;     /* of parameters that are recorded now */
    bool recorded; /* nothing more is recorded; fused */
    bool failed, planned;
    struct ls_error error; /* the first one */

    struct ls_value **values; /* owned, items too */
    struct ls_value_plan *plans;
    int value_count, value_room;
    struct ls_node **nodes; /* owned, items too; in recording order */
    int node_count, node_room;
    uint32_t next_stream;     /* of the next node's random numbers */
    struct ls_node **removed; /* became part of others, or nobody needs them; owned, items too */
    int removed_count;
    struct ls_value **parameters; /* values that are parameters; owned array */
    int parameter_count;
    struct ls_value *loss;

    struct ls_touch *touches; /* owned */
    struct ls_skip *skips;    /* owned */
    int touch_count, skip_count;
    struct ls_buffer *buffers;
    int buffer_count;
    int *saved_buffers;  /* per node: index in buffers, or -1 */
    int scratch_buffer;  /* shared by all nodes */
    bool *backward_runs; /* per node: backward from the loss reaches it */
    /* per parameter of the set: its value here, or NULL; owned array */
    struct ls_value **set_values;
    int *finished_by; /* per parameter of the set: the node whose backward writes its slot, or -1 */
    struct ls_use *uses; /* by node; owned */
    int use_count;
    int *uses_before;           /* per node, and behind the last: uses of the nodes before it */
    int group_first, group_end; /* parameters of the set that are of this graph's group */
    int *ready_end;             /* per node: those before this one are final after its backward */
    char *arena, *state;        /* owned mappings; the arena may be borrowed */
    size_t arena_bytes, state_bytes;
};

static inline struct ls_value_plan *ls_plan_of(const struct ls_graph *graph,
                                               const struct ls_value *value) {
    return &graph->plans[graph->plans[value->index].content];
}

static inline int ls_content_of(const struct ls_graph *graph, const struct ls_value *value) {
    return graph->plans[value->index].content;
}

static inline int ls_backward_time(const struct ls_graph *graph, int node) {
    return 2 * graph->node_count - node;
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

/* Whether this graph updates a parameter: by a gradient, or by what forward sees (statistics). */
static inline bool ls_trains(const struct ls_graph *graph, const struct ls_parameter *parameter) {
    return !graph->options.inference && parameter->kind != LS_PARAMETER_CONSTANT &&
           parameter->group == graph->options.group;
}

/* Keeps graph->error, with the layer's name in front, as the graph's first error; returns NULL. */
struct ls_value *ls_keep_error(struct ls_graph *graph);

enum { LS_NORM_INPUTS = 5 }; /* of a batch norm without a residual */

/* One op makes the value for one other, and nobody else sees it. */
bool ls_passes_once(const struct ls_graph *graph, const struct ls_value *value);

/* Nodes that were taken out (NULL) leave no gap. */
void ls_close_gaps(struct ls_graph *graph);

/* The steps of ls_graph_plan, in this order. The first two see all that was recorded, so that the
 * layout of the parameters does not depend on what a graph is asked for; only then is pruned. */
void ls_plan_fuse(struct ls_graph *graph);
void ls_plan_prune(struct ls_graph *graph);
LS_MUST_USE enum ls_status ls_plan_gradients(struct ls_graph *graph, struct ls_error *error);
void ls_plan_weave(struct ls_graph *graph);
void ls_plan_lifetimes(struct ls_graph *graph);
void ls_plan_memory(struct ls_graph *graph);

/* Finds the further uses of parameters; a part of ls_plan_gradients. */
LS_MUST_USE enum ls_status ls_plan_uses(struct ls_graph *graph, struct ls_error *error);

/* Around forward or backward of a node: its gradients of parameters that are used again go to
 * memory of their own, and are then added to the slots. */
void ls_uses_begin(struct ls_graph *graph, int node, bool forward);
void ls_uses_end(struct ls_graph *graph, int node, bool forward);

/* Marks what backward from `start` (NULL: nothing) reaches, sets node->accumulate accordingly, and
 * notes after which node which part of the gradient buffer is final. Allocates nothing. */
void ls_mark_backward(struct ls_graph *graph, const struct ls_value *start);

/* Gives every buffer an offset, so that no two that live at the same time overlap; returns the
 * bytes. */
size_t ls_place_buffers(struct ls_buffer *buffers, int count);

#endif
