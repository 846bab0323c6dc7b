/* Sums the gradients of a rank's pieces along the microbatch tree.
 *
 * A rank holds a run of microbatches. The tree cuts it into the fewest whole nodes (partials):
 * those are what the reducer sends. A partial too large for one piece is run in several and added
 * up here, left + right, on a stack of flat buffers. Everything is laid down once, in a plan. */
#ifndef LS_GRAPH_ACCUMULATE_H
#define LS_GRAPH_ACCUMULATE_H

#include "core/base/tree.h"
#include "core/graph/graph.h"

struct ls_piece {
    struct ls_tree_node node; /* the microbatches it runs */
    int partial;              /* the partial it belongs to */
    int depth;                /* its slot on the stack: 0 is the partial's own buffer */
    int merges;               /* after it, this many times: slot[depth-1] += slot[depth], depth-- */
};

struct ls_accumulator;

/* microbatches: of the global batch; first, count: this rank's; piece_microbatches: most in one
 * piece; partials: as many flat buffers of `total` elements as ls_tree_cover gives nodes
 * (borrowed). */
struct ls_accumulator *ls_accumulator_create(int microbatches, int first, int count,
                                             int piece_microbatches, int64_t total,
                                             float *const *partials);
void ls_accumulator_destroy(struct ls_accumulator *accumulator);

int ls_accumulator_pieces(const struct ls_accumulator *accumulator);
struct ls_piece ls_accumulator_piece(const struct ls_accumulator *accumulator, int index);

/* The flat buffer that piece `index` writes its gradients to. */
float *ls_accumulator_buffer(struct ls_accumulator *accumulator, int index);

/* Elements [first, end) of piece `index` are there: merges them down the stack. For the rank's last
 * piece the range is then final in all partials. */
void ls_accumulator_ready(struct ls_accumulator *accumulator, int index, int64_t first,
                          int64_t end);

#endif
