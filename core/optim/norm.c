/* The norm of the gradient: sums of squares over blocks that no slice cuts, so that any cut of the
 * buffer gives the same bits. */
#include <math.h>

#include "core/base/tree.h"
#include "core/optim/optimizer.h"

enum { LANES = 16 };

/* Infinite: none. NaN stays NaN. */
static inline double square(float value, const double limit) {
    const double size = fabs((double)value);
    return size > limit ? limit * limit : size * size;
}

/* Within a block: lane = element mod 16, lanes along the tree. */
static inline double square_sum(const float *values, int64_t count, const double limit) {
    double lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] += square(values[i + lane], limit);
    for (; i < count; i++)
        lanes[i % LANES] += square(values[i], limit);
    return ls_tree_sum(lanes, LANES, 1);
}

static double block_sum(const float *values, int64_t count, double limit) {
    return limit < (double)INFINITY ? square_sum(values, count, limit)
                                    : square_sum(values, count, (double)INFINITY);
}

/* Blocks of [begin, end), in order; their sums too unless sums is NULL. */
static int64_t walk_blocks(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                           const float *gradients, double limit, double *sums) {
    int64_t blocks = 0;
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *parameter = set->items[i];
        const int64_t stop = parameter->offset + parameter->count;
        const int64_t last = stop < end ? stop : end;
        int64_t unit = parameter->offset > begin ? parameter->offset : begin;
        if (parameter->kind != LS_PARAMETER_WEIGHT)
            continue;
        for (; unit < last; unit += parameter->unit) {
            const int64_t unit_end = last - unit < parameter->unit ? last : unit + parameter->unit;
            for (int64_t at = unit; at < unit_end; at += LS_NORM_BLOCK, blocks++) {
                const int64_t left = unit_end - at;
                if (sums)
                    sums[blocks] = block_sum(gradients + (at - begin),
                                             left < LS_NORM_BLOCK ? left : LS_NORM_BLOCK, limit);
            }
        }
    }
    return blocks;
}

int64_t ls_norm_blocks(const struct ls_parameter_set *set, int64_t begin, int64_t end) {
    return walk_blocks(set, begin, end, NULL, (double)INFINITY, NULL);
}

void ls_norm_block_sums(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                        const float *gradients, double *sums) {
    walk_blocks(set, begin, end, gradients, (double)INFINITY, sums);
}

void ls_norm_clipped_block_sums(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                                const float *gradients, double limit, double *sums) {
    walk_blocks(set, begin, end, gradients, limit, sums);
}

double ls_norm_finish(const double *sums, int64_t blocks, double weight) {
    return sqrt(ls_tree_sum(sums, (int)blocks, 1)) / weight;
}

double ls_clip_factor(double norm, double clip_norm) {
    return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1.0;
}
