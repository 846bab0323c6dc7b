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

double ls_norm_block_sum(const float *values, int64_t count) {
    return square_sum(values, count, (double)INFINITY);
}

int64_t ls_norm_walk(const struct ls_parameter_set *set, struct ls_range range,
                     ls_norm_visit *visit, void *context) {
    struct ls_norm_block block = {0};
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *parameter = set->items[i];
        const int64_t stop = parameter->offset + parameter->count;
        const int64_t last = stop < range.end ? stop : range.end;
        int64_t unit = parameter->offset > range.first ? parameter->offset : range.first;
        if (parameter->kind != LS_PARAMETER_WEIGHT)
            continue;
        block.parameter = i;
        for (; unit < last; unit += parameter->unit) {
            const int64_t unit_end = last - unit < parameter->unit ? last : unit + parameter->unit;
            for (block.first = unit; block.first < unit_end; block.first += LS_NORM_BLOCK) {
                const int64_t left = unit_end - block.first;
                block.count = left < LS_NORM_BLOCK ? left : LS_NORM_BLOCK;
                if (visit)
                    visit(context, &block);
                block.index++;
            }
        }
    }
    return block.index;
}

int64_t ls_norm_blocks(const struct ls_parameter_set *set, int64_t begin, int64_t end) {
    return ls_norm_walk(set, (struct ls_range){begin, end}, NULL, NULL);
}

struct summing {
    const float *gradients; /* of element `begin` */
    int64_t begin;
    double limit;
    double *sums;
};

static void sum_block(void *context, const struct ls_norm_block *block) {
    const struct summing *summing = context;
    const float *values = summing->gradients + (block->first - summing->begin);
    summing->sums[block->index] = summing->limit < (double)INFINITY
                                      ? square_sum(values, block->count, summing->limit)
                                      : ls_norm_block_sum(values, block->count);
}

void ls_norm_block_sums(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                        const float *gradients, double *sums) {
    ls_norm_clipped_block_sums(set, begin, end, gradients, (double)INFINITY, sums);
}

void ls_norm_clipped_block_sums(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                                const float *gradients, double limit, double *sums) {
    struct summing summing = {gradients, begin, limit, sums};
    ls_norm_walk(set, (struct ls_range){begin, end}, sum_block, &summing);
}

struct gathering {
    int parameter; /* of the blocks so far; -1: none */
    int64_t first; /* their first */
    const double *sums;
    double *norms;
};

static void end_parameter(struct gathering *gathering, int64_t end) {
    if (gathering->parameter >= 0)
        gathering->norms[gathering->parameter] =
            sqrt(ls_tree_sum(gathering->sums + gathering->first, (int)(end - gathering->first), 1));
}

static void gather_block(void *context, const struct ls_norm_block *block) {
    struct gathering *gathering = context;
    if (block->parameter == gathering->parameter)
        return;
    end_parameter(gathering, block->index);
    gathering->parameter = block->parameter;
    gathering->first = block->index;
}

void ls_norm_parameters(const struct ls_parameter_set *set, struct ls_range group,
                        const double *sums, double *norms) {
    struct gathering gathering = {.parameter = -1, .sums = sums, .norms = norms};
    const int64_t blocks = ls_norm_walk(set, group, gather_block, &gathering);
    end_parameter(&gathering, blocks);
}

double ls_norm_finish(const double *sums, int64_t blocks, double weight) {
    return sqrt(ls_tree_sum(sums, (int)blocks, 1)) / weight;
}

double ls_clip_factor(double norm, double clip_norm) {
    return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1.0;
}
