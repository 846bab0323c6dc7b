#include <stdlib.h>

#include "core/base/memory.h"
#include "dist/exchange.h"

enum {
    BUCKET_BYTES = 4 << 20,
    FIRST_BUCKET_PART = 4 /* the first one is smaller, so that messages start early */
};

static int microbatch_first(const struct ls_cut *cut, int rank) {
    return (int)((int64_t)rank * cut->microbatches / cut->size);
}

static void plan_nodes(struct ls_cut *cut) {
    const int room = cut->microbatches; /* a node has at least one */
    cut->nodes = ls_calloc((size_t)room, sizeof *cut->nodes);
    cut->node_bounds = ls_calloc((size_t)cut->size + 1, sizeof *cut->node_bounds);
    for (int r = 0; r < cut->size; r++) {
        const int first = microbatch_first(cut, r), used = cut->node_bounds[r];
        cut->node_bounds[r + 1] =
            used + ls_tree_cover(cut->microbatches, first, microbatch_first(cut, r + 1) - first, 0,
                                 cut->nodes + used, room - used);
    }
}

/* No bucket crosses from one group into another: each is reduced on its own. */
static void plan_buckets(struct ls_cut *cut, const struct ls_range *groups, int64_t bucket_bytes) {
    if (!bucket_bytes)
        bucket_bytes = BUCKET_BYTES;
    const int64_t part = (int64_t)sizeof(float) * LS_UNIT * FIRST_BUCKET_PART;
    const int64_t small = (bucket_bytes + part - 1) / part * LS_UNIT,
                  large = small * FIRST_BUCKET_PART;
    int used = 0;
    cut->buckets =
        ls_calloc((size_t)(2 * LS_GROUPS_MAX + cut->total / large), sizeof *cut->buckets);
    for (int g = 0; g < LS_GROUPS_MAX; g++) {
        const int64_t last = groups[g].end;
        for (int64_t first = groups[g].first, size = small; first < last; size = large) {
            const int64_t end = last - first < size ? last : first + size;
            cut->buckets[used++] = (struct ls_range){first, end};
            first = end;
        }
        cut->bucket_bounds[g + 1] = used;
    }
}

void ls_cut_create(struct ls_cut *cut, const struct ls_parameter_set *parameters, int microbatches,
                   int rank, int size, int64_t bucket_bytes) {
    *cut = (struct ls_cut){
        .rank = rank, .size = size, .microbatches = microbatches, .total = parameters->total};
    cut->slices = ls_calloc((size_t)size * (LS_GROUP_FIXED + 1), sizeof *cut->slices);
    cut->hosts = ls_calloc((size_t)size, sizeof *cut->hosts);
    for (int r = 0; r < size; r++)
        cut->hosts[r] = r;
    for (int g = 0; g <= LS_GROUP_FIXED; g++)
        for (int r = 0; r < size; r++)
            cut->slices[g * size + r] = ls_parameters_slice(parameters, g, r, size);
    plan_nodes(cut);
    plan_buckets(cut, parameters->groups, bucket_bytes);
}

void ls_cut_destroy(struct ls_cut *cut) {
    free(cut->slices);
    free(cut->nodes);
    free(cut->node_bounds);
    free(cut->buckets);
    free(cut->hosts);
}
