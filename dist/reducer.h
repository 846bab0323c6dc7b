/* Averages gradients: from the ranks' partial sums to every slice's sum, and updated parameters
 * back, one group of parameters at a time. Ranks of one host do it in memory that they share, as
 * far as there is enough of it; between hosts go messages. The bits are the same.
 *
 * A rank owns a run of microbatches and brings one partial sum (a flat buffer) for each maximal
 * node of the tree in its run. `ordered` adds all partials of a slice in tree order at the slice's
 * owner: the same bits at any world size. `allreduce` adds a rank's partials locally and lets
 * MPI_Iallreduce do the rest: bits may depend on the world size. Both start buckets as backward
 * finishes them. */
#ifndef LS_DIST_REDUCER_H
#define LS_DIST_REDUCER_H

#include "core/base/tree.h"
#include "core/graph/parameters.h"
#include "core/tensor/isa.h"
#include "dist/communicator.h"

enum ls_reducer_kind { LS_REDUCE_ORDERED, LS_REDUCE_ALLREDUCE };

struct ls_reducer_options {
    enum ls_reducer_kind kind;
    const struct ls_parameter_set *parameters; /* borrowed; planned */
    int microbatches;                          /* of a global batch; at least the world size */
    int64_t bucket_bytes;                      /* 0: 4 MiB; the first is a quarter of it */
    int threads;                               /* that add partials up; 0: 1 */
    enum ls_variant variant;                   /* of the kernels that add; changes no bit */
    int sharing_max;          /* ranks of one host that share memory; 0: all of them, 1: none */
    int64_t shared_bytes_max; /* of a host; 0: what its file system has free */
};

struct ls_reducer;

/* Collective. */
LS_MUST_USE enum ls_status ls_reducer_create(struct ls_reducer **reducer,
                                             struct ls_communicator *communicator,
                                             const struct ls_reducer_options *options,
                                             struct ls_error *error);
void ls_reducer_destroy(struct ls_reducer *reducer);

/* This rank's microbatches: floor(r M / N) .. floor((r + 1) M / N) - 1. */
void ls_reducer_microbatches(const struct ls_reducer *reducer, int *first, int *count);
/* This rank's partials: flat buffers that pieces write to (owned by the reducer). */
int ls_reducer_partial_count(const struct ls_reducer *reducer);
float *const *ls_reducer_partials(const struct ls_reducer *reducer);
/* The flat buffer of parameters, one for all ranks that share memory (owned by the reducer; zero at
 * first). A rank writes its slice only, while nobody reads it, and nobody reads it before the call
 * of ls_reducer_gather that follows; or rank 0 writes all of it, and ls_reducer_broadcast follows.
 */
float *ls_reducer_parameters(const struct ls_reducer *reducer);
/* Ranks that share memory with this one, itself included. */
int ls_reducer_near(const struct ls_reducer *reducer);
/* This rank's slice of a group (ls_parameters_slice). */
struct ls_range ls_reducer_slice(const struct ls_reducer *reducer, int group);

/* The gradients of one group (not the fixed one, which has none). begin; then ready for ranges that
 * ascend through the group's, as they become final in all partials (full buckets start to travel);
 * then finish, which waits and returns the sums of this rank's slice (first element: the slice's
 * first), until the next begin. sums: where to add them up; NULL: in place, so that the partials
 * hold no gradients any more. All ranks reduce the same groups in the same order, each as often as
 * they like; the partials of all other groups are left alone. */
void ls_reducer_begin(struct ls_reducer *reducer, int group, float *sums);
void ls_reducer_ready(struct ls_reducer *reducer, int64_t first, int64_t end);
const float *ls_reducer_finish(struct ls_reducer *reducer);

/* Every rank's slice of a group's parameters (of the fixed ones, too) to all ranks. */
void ls_reducer_gather(struct ls_reducer *reducer, int group);
/* Rank 0's parameters to all ranks. */
void ls_reducer_broadcast(struct ls_reducer *reducer);

/* Sums of blocks (ls_norm_block_sums of each slice of a group) from all ranks, in slice order. mine
 * may lie in all. */
void ls_reducer_gather_blocks(struct ls_reducer *reducer, int group, const double *mine,
                              double *all);
int64_t ls_reducer_blocks(const struct ls_reducer *reducer, int group); /* of all slices */

/* For `inspect`: bytes that a rank sends in a step, which reduces every group once, in a world of
 * that size where ranks share no memory, without building anything. */
int64_t ls_reducer_bytes_sent(const struct ls_parameter_set *parameters, int microbatches,
                              int world_size, enum ls_reducer_kind kind);

#endif
