#include <stdlib.h>

#include "core/base/memory.h"
#include "dist/exchange.h"

enum {
    BUCKET_BYTES = 4 << 20,
    FIRST_BUCKET_PART = 4 /* the first one is smaller, so that messages start early */
};

static int microbatch_first(const struct ls_plan *plan, int rank) {
    return (int)((int64_t)rank * plan->microbatches / plan->size);
}

static void plan_nodes(struct ls_plan *plan) {
    const int room = plan->microbatches; /* a node has at least one */
    plan->nodes = ls_calloc((size_t)room, sizeof *plan->nodes);
    plan->node_bounds = ls_calloc((size_t)plan->size + 1, sizeof *plan->node_bounds);
    for (int r = 0; r < plan->size; r++) {
        const int first = microbatch_first(plan, r), used = plan->node_bounds[r];
        plan->node_bounds[r + 1] =
            used + ls_tree_cover(plan->microbatches, first, microbatch_first(plan, r + 1) - first,
                                 0, plan->nodes + used, room - used);
    }
}

static void plan_buckets(struct ls_plan *plan, int64_t bucket_bytes) {
    if (!bucket_bytes)
        bucket_bytes = BUCKET_BYTES;
    const int64_t part = (int64_t)sizeof(float) * LS_UNIT * FIRST_BUCKET_PART;
    const int64_t small = (bucket_bytes + part - 1) / part * LS_UNIT,
                  large = small * FIRST_BUCKET_PART;
    plan->buckets = ls_calloc((size_t)(2 + plan->total / large), sizeof *plan->buckets);
    for (int64_t first = 0; first < plan->total;) {
        const int64_t size = plan->bucket_count ? large : small;
        const int64_t end = plan->total - first < size ? plan->total : first + size;
        plan->buckets[plan->bucket_count++] = (struct ls_range){first, end};
        first = end;
    }
}

void ls_plan_create(struct ls_plan *plan, const struct ls_parameter_set *parameters,
                    int microbatches, int rank, int size, int64_t bucket_bytes) {
    *plan = (struct ls_plan){
        .rank = rank, .size = size, .microbatches = microbatches, .total = parameters->total};
    plan->slices = ls_calloc((size_t)size, sizeof *plan->slices);
    plan->hosts = ls_calloc((size_t)size, sizeof *plan->hosts);
    for (int r = 0; r < size; r++) {
        ls_parameters_slice(parameters, r, size, &plan->slices[r].first, &plan->slices[r].end);
        plan->hosts[r] = r;
    }
    plan_nodes(plan);
    plan_buckets(plan, bucket_bytes);
}

void ls_plan_destroy(struct ls_plan *plan) {
    free(plan->slices);
    free(plan->nodes);
    free(plan->node_bounds);
    free(plan->buckets);
    free(plan->hosts);
}
