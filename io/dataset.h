/* A data set: HDF5 files with /inputs (first dimension: the sample) and /targets.
 *
 * Foreign files are untrusted: external storage, virtual layouts, links other than hard ones and
 * unknown filters are refused, dimensions are bounded before anything is allocated. */
#ifndef LS_IO_DATASET_H
#define LS_IO_DATASET_H

#include "core/base/status.h"
#include "core/tensor/shape.h"

struct ls_dataset;

struct ls_dataset_options {
    const char
        *path; /* an HDF5 file, or a glob of files that are joined in the order of their names */
    const char *inputs;  /* NULL: "/inputs" */
    const char *targets; /* NULL: "/targets"; "" : there are none (predict) */
};

enum ls_data_type { LS_DATA_UINT8, LS_DATA_INTEGER, LS_DATA_REAL };

struct ls_dataset_info {
    uint64_t rows;
    struct ls_shape input_shape;  /* of one sample */
    enum ls_data_type input_type; /* uint8 is divided by 255 when read as real */
    bool has_targets;
    struct ls_shape target_shape; /* of one sample; rank 0: a scalar */
    enum ls_data_type target_type;
    int files;
};

LS_MUST_USE enum ls_status ls_dataset_open(struct ls_dataset **dataset,
                                           const struct ls_dataset_options *options,
                                           struct ls_error *error);
void ls_dataset_close(struct ls_dataset *dataset);
struct ls_dataset_info ls_dataset_info(const struct ls_dataset *dataset);

/* Reads `count` rows (any order) as reals; uint8 divided by 255 (a division: each value is the
 * float nearest to v/255). A value that is not finite is an error that names file and row, as in
 * all of these. No allocation after the first call of a size. Calls of several threads on one data
 * set wait for each other. */
LS_MUST_USE enum ls_status ls_dataset_read_inputs(struct ls_dataset *dataset, const uint64_t *rows,
                                                  int64_t count, float *inputs,
                                                  struct ls_error *error);
/* As int32; values that are not integers or do not fit are an error. */
LS_MUST_USE enum ls_status ls_dataset_read_input_indices(struct ls_dataset *dataset,
                                                         const uint64_t *rows, int64_t count,
                                                         int32_t *inputs, struct ls_error *error);
LS_MUST_USE enum ls_status ls_dataset_read_targets(struct ls_dataset *dataset, const uint64_t *rows,
                                                   int64_t count, float *targets,
                                                   struct ls_error *error);
/* Class labels; one outside 0 .. classes-1 is an error that names file, row and label. */
LS_MUST_USE enum ls_status ls_dataset_read_labels(struct ls_dataset *dataset, const uint64_t *rows,
                                                  int64_t count, int64_t classes, int32_t *labels,
                                                  struct ls_error *error);
/* Largest label + 1, over all rows (reads the targets once). */
LS_MUST_USE enum ls_status ls_dataset_classes(struct ls_dataset *dataset, int64_t *classes,
                                              struct ls_error *error);

/* A part of a data set: rows of a permutation (split), or all in order. */
struct ls_part {
    struct ls_dataset *dataset; /* borrowed; NULL: there is no such part */
    uint64_t first, count;      /* positions in the permutation */
    bool permuted;              /* position -> row by ls_random_permute(LS_STREAM_SPLIT of seed) */
    uint64_t seed;
};
uint64_t ls_part_row(const struct ls_part *part, uint64_t position);

/* Mean and 1/standard deviation (1 where it is constant) of each of `channels` columns, in double,
 * rows in order: the last dimension of a sample, or all of its elements. */
LS_MUST_USE enum ls_status ls_part_statistics(const struct ls_part *part, int64_t channels,
                                              float *mean, float *scale, struct ls_error *error);

#endif
