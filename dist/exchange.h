/* Inside a reducer: its cut, which both kinds share, and the few calls in which they differ. */
#ifndef LS_DIST_EXCHANGE_H
#define LS_DIST_EXCHANGE_H

#include "dist/mpi_check.h"
#include "dist/reducer.h"

enum { LS_UNIT = 16 }; /* elements: every parameter, slice and bucket starts at a multiple */

/* Who owns what in a world, from the parameter set and the number of microbatches alone; but for
 * `hosts`. */
struct ls_cut {
    int rank, size, microbatches;
    int threads; /* of folds */
    enum ls_variant variant;
    int64_t total;
    struct ls_range *slices;    /* owned; per group and rank, see ls_cut_slice */
    struct ls_tree_node *nodes; /* owned; every rank's partials, by rank: together the whole tree */
    int *node_bounds;           /* owned; rank r's are node_bounds[r] .. node_bounds[r + 1] - 1 */
    struct ls_range *buckets;   /* owned; group after group, the range of each in order */
    int bucket_bounds[LS_GROUPS_MAX + 1]; /* group g's are bucket_bounds[g] .. [g + 1] - 1 */
    int *hosts; /* owned; per rank: the first rank that it shares memory with, at first itself */
};

void ls_cut_create(struct ls_cut *cut, const struct ls_parameter_set *parameters, int microbatches,
                   int rank, int size, int64_t bucket_bytes);
void ls_cut_destroy(struct ls_cut *cut);

static inline struct ls_range ls_cut_slice(const struct ls_cut *cut, int group, int rank) {
    return cut->slices[group * cut->size + rank];
}

/* Buckets of all groups. What no phase updates is in none. */
static inline int ls_cut_buckets(const struct ls_cut *cut) {
    return cut->bucket_bounds[LS_GROUPS_MAX];
}

static inline int ls_cut_partials(const struct ls_cut *cut, int rank) {
    return cut->node_bounds[rank + 1] - cut->node_bounds[rank];
}

static inline bool ls_cut_near(const struct ls_cut *cut, int rank) {
    return cut->hosts[rank] == cut->hosts[cut->rank];
}

struct ls_host;

/* How partials become sums. The state belongs to the kind; cut and host are borrowed. */
struct ls_exchange {
    void *(*create)(const struct ls_cut *cut, struct ls_host *host, MPI_Comm comm);
    void (*destroy)(void *state);
    /* Of a group's reduction: nothing of it is final yet. What follows is about its buckets. */
    void (*begin)(void *state, int group, float *sums);
    void (*start)(void *state,
                  int bucket);     /* final in all partials of this rank; buckets in order */
    void (*progress)(void *state); /* lets MPI work */
    /* Waits for the bucket's sums where this rank owns them; buckets in order, all have started. */
    void (*complete)(void *state, int bucket);
    const float *(*finish)(void *state); /* all its buckets are complete; the slice's sums */
};

extern const struct ls_exchange ls_exchange_ordered, ls_exchange_allreduce;

#endif
