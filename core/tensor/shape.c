#include "core/tensor/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/status.h"

int64_t ls_shape_count(struct ls_shape shape) {
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        LS_ASSERT(!__builtin_mul_overflow(count, shape.dims[i], &count),
                  "dimension %d of %d is %lld", i, shape.rank, (long long)shape.dims[i]);
    return count;
}

int64_t ls_shape_row_count(struct ls_shape shape) {
    int64_t count = 1;
    for (int i = 1; i < shape.rank; i++)
        LS_ASSERT(!__builtin_mul_overflow(count, shape.dims[i], &count),
                  "dimension %d of %d is %lld", i, shape.rank, (long long)shape.dims[i]);
    return count;
}

struct ls_shape ls_shape_of_row(struct ls_shape shape) {
    struct ls_shape row = {.rank = shape.rank - 1};
    for (int i = 0; i < row.rank; i++)
        row.dims[i] = shape.dims[i + 1];
    return row;
}

bool ls_shape_batched(int64_t rows, struct ls_shape row, struct ls_shape *shape) {
    int64_t count = rows;
    if (row.rank >= LS_RANK_MAX)
        return false;
    shape->rank = row.rank + 1;
    shape->dims[0] = rows;
    for (int i = 0; i < row.rank; i++) {
        shape->dims[i + 1] = row.dims[i];
        if (row.dims[i] < 1 || __builtin_mul_overflow(count, row.dims[i], &count))
            return false;
    }
    return count < INT64_MAX / 64;
}

int64_t ls_shape_last(struct ls_shape shape) {
    return shape.rank ? shape.dims[shape.rank - 1] : 1;
}

bool ls_shape_equal(struct ls_shape a, struct ls_shape b) {
    if (a.rank != b.rank)
        return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dims[i] != b.dims[i])
            return false;
    return true;
}

char *ls_shape_print(struct ls_shape shape, char text[LS_SHAPE_TEXT_MAX]) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < shape.rank; i++)
        used += (size_t)snprintf(text + used, LS_SHAPE_TEXT_MAX - used, "%s%" PRId64, i ? "x" : "",
                                 shape.dims[i]);
    if (!shape.rank)
        snprintf(text, LS_SHAPE_TEXT_MAX, "scalar");
    return text;
}

const char *ls_sample_print(struct ls_shape shape, char text[LS_SHAPE_TEXT_MAX]) {
    return shape.rank ? ls_shape_print(shape, text) : "single values";
}
