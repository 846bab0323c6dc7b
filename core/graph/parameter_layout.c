/* Where a parameter's plain elements lie in the flat buffer, and how that buffer may be cut. */
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/parameters.h"

/* Plain [rows, out] <-> panels [ceil(out/32)][rows][32]. Elements are moved, never computed with,
 * so one source serves float and double. */
static void panels_store(int64_t rows, int64_t out, size_t size, const char *plain, char *stored) {
    for (int64_t first = 0; first < out; first += LS_PANEL) {
        const int64_t width = out - first < LS_PANEL ? out - first : LS_PANEL;
        for (int64_t k = 0; k < rows; k++, stored += LS_PANEL * size) {
            memcpy(stored, plain + (size_t)(k * out + first) * size, (size_t)width * size);
            memset(stored + (size_t)width * size, 0, (size_t)(LS_PANEL - width) * size);
        }
    }
}

static void panels_fetch(int64_t rows, int64_t out, size_t size, const char *stored, char *plain) {
    for (int64_t first = 0; first < out; first += LS_PANEL) {
        const int64_t width = out - first < LS_PANEL ? out - first : LS_PANEL;
        for (int64_t k = 0; k < rows; k++, stored += LS_PANEL * size)
            memcpy(plain + (size_t)(k * out + first) * size, stored, (size_t)width * size);
    }
}

static void store(enum ls_layout layout, struct ls_shape shape, int64_t count, size_t size,
                  const void *plain, void *stored) {
    const int64_t elements = ls_shape_count(shape), out = ls_shape_last(shape);
    if (layout == LS_LAYOUT_PANELS) {
        panels_store(elements / out, out, size, plain, stored);
        return;
    }
    memcpy(stored, plain, (size_t)elements * size);
    memset((char *)stored + (size_t)elements * size, 0, (size_t)(count - elements) * size);
}

static void fetch(enum ls_layout layout, struct ls_shape shape, size_t size, const void *stored,
                  void *plain) {
    const int64_t elements = ls_shape_count(shape), out = ls_shape_last(shape);
    if (layout == LS_LAYOUT_PANELS)
        panels_fetch(elements / out, out, size, stored, plain);
    else
        memcpy(plain, stored, (size_t)elements * size);
}

void ls_parameter_store(const struct ls_parameter *parameter, const float *plain, float *stored) {
    store(parameter->layout, parameter->shape, parameter->count, sizeof *plain, plain, stored);
}

void ls_parameter_fetch(const struct ls_parameter *parameter, const float *stored, float *plain) {
    fetch(parameter->layout, parameter->shape, sizeof *plain, stored, plain);
}

void ls_parameter_store_f64(const struct ls_parameter *parameter, const double *plain,
                            double *stored) {
    store(parameter->layout, parameter->shape, parameter->count, sizeof *plain, plain, stored);
}

void ls_parameter_fetch_f64(const struct ls_parameter *parameter, const double *stored,
                            double *plain) {
    fetch(parameter->layout, parameter->shape, sizeof *plain, stored, plain);
}

/* The place nearest to `element` where the buffer may be cut. */
static int64_t cut(const struct ls_parameter_set *set, int64_t element) {
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *parameter = set->items[i];
        const int64_t inside = element - parameter->offset;
        if (inside >= parameter->count)
            continue;
        const int64_t below = inside / parameter->unit * parameter->unit;
        const int64_t next = below + parameter->unit;
        const int64_t above = next < parameter->count ? next : parameter->count;
        return parameter->offset + (inside - below <= above - inside ? below : above);
    }
    return set->total;
}

struct ls_range ls_parameters_slice(const struct ls_parameter_set *set, int group, int part,
                                    int parts) {
    LS_ASSERT(set->planned && part >= 0 && part < parts && group >= 0 && group <= LS_GROUP_FIXED,
              "group %d, part %d of %d, planned %d", group, part, parts, set->planned);
    const struct ls_range range = set->groups[group];
    const int64_t count = ls_range_count(range);
    return (struct ls_range){cut(set, range.first + count * part / parts),
                             cut(set, range.first + count * (part + 1) / parts)};
}

static struct ls_parameter_block block_of(const struct ls_parameter *parameter, int64_t low,
                                          int64_t high) {
    struct ls_parameter_block block = {.parameter = parameter,
                                       .shape = parameter->shape,
                                       .offset = parameter->offset + low,
                                       .stored = high - low};
    const int64_t *dims = parameter->shape.dims;
    int64_t step, step_elements, length; /* a step along the axis holds so many stored elements */
    LS_ASSERT(low % parameter->unit == 0 &&
                  (high % parameter->unit == 0 || high == parameter->count),
              "%s: elements %lld to %lld, units of %lld", parameter->name, (long long)low,
              (long long)high, (long long)parameter->unit);
    if (parameter->layout == LS_LAYOUT_PANELS) {
        block.axis = parameter->shape.rank ? parameter->shape.rank - 1 : 0;
        step = LS_PANEL;
        step_elements = parameter->unit;
        length = ls_shape_last(parameter->shape);
    } else {
        step = 1;
        step_elements = ls_shape_row_count(parameter->shape);
        length = parameter->shape.rank ? dims[0] : 1;
    }
    block.first = low / step_elements * step;
    block.count = (high == parameter->count ? length : high / step_elements * step) - block.first;
    if (block.shape.rank)
        block.shape.dims[block.axis] = block.count;
    return block;
}

struct ls_parameter_block *ls_parameters_blocks(const struct ls_parameter_set *set,
                                                struct ls_range slice, int *count) {
    struct ls_parameter_block *blocks = ls_calloc((size_t)set->count + 1, sizeof *blocks);
    *count = 0;
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *parameter = set->items[i];
        const int64_t offset = parameter->offset;
        const struct ls_range part =
            ls_range_common((struct ls_range){offset, offset + parameter->count}, slice);
        if (ls_range_count(part))
            blocks[(*count)++] = block_of(parameter, part.first - offset, part.end - offset);
    }
    return blocks;
}

/* A block is stored exactly as a parameter of the block's shape would be. */
void ls_parameter_block_store(const struct ls_parameter_block *block, const float *plain,
                              float *stored) {
    store(block->parameter->layout, block->shape, block->stored, sizeof *plain, plain, stored);
}

void ls_parameter_block_fetch(const struct ls_parameter_block *block, const float *stored,
                              float *plain) {
    fetch(block->parameter->layout, block->shape, sizeof *plain, stored, plain);
}
