/* Shapes of tensors: row-major, at most six dimensions. */
#ifndef LS_TENSOR_SHAPE_H
#define LS_TENSOR_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

enum { LS_RANK_MAX = 6, LS_SHAPE_TEXT_MAX = 96 };

struct ls_shape {
    int rank;
    int64_t dims[LS_RANK_MAX];
};

/* LS_SHAPE(8, 28, 28, 1) */
#define LS_SHAPE(...)                                                                              \
    ((struct ls_shape){.rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),          \
                       .dims = {__VA_ARGS__}})

/* Product of the dimensions; 1 for rank 0. An overflow is a bug (sizes from outside are checked
 * before). */
int64_t ls_shape_count(struct ls_shape shape);

/* Product of all dimensions but the first: elements of one sample. */
int64_t ls_shape_row_count(struct ls_shape shape);

/* The shape of one sample: without the first dimension. */
struct ls_shape ls_shape_of_row(struct ls_shape shape);

/* [rows, row...]; false if that has too many dimensions, one below 1, or absurdly many elements. */
bool ls_shape_batched(int64_t rows, struct ls_shape row, struct ls_shape *shape);

/* The last dimension; 1 for rank 0. */
int64_t ls_shape_last(struct ls_shape shape);

bool ls_shape_equal(struct ls_shape a, struct ls_shape b);

/* "28x28x1"; returns text. */
char *ls_shape_print(struct ls_shape shape, char text[LS_SHAPE_TEXT_MAX]);

/* The same of one sample: "28x28x1", or "single values" for scalars. */
const char *ls_sample_print(struct ls_shape shape, char text[LS_SHAPE_TEXT_MAX]);

#endif
