/* What a model says of each row, as an HDF5 file: /outputs [rows, ...] float32, and for a
 * classification /classes [rows] int32; or what it makes up: /samples. */
#ifndef LS_IO_PREDICTIONS_H
#define LS_IO_PREDICTIONS_H

#include "core/base/status.h"
#include "core/tensor/shape.h"

struct ls_predictions;

struct ls_predictions_options {
    const char *path;
    const char *name; /* of the dataset; NULL: "outputs" */
    uint64_t rows;
    struct ls_shape row_shape; /* outputs of one row */
    bool classes;
};

/* Writes beside path; ls_predictions_close renames into place. */
LS_MUST_USE enum ls_status ls_predictions_create(struct ls_predictions **predictions,
                                                 const struct ls_predictions_options *options,
                                                 struct ls_error *error);
/* The next rows; labels NULL unless classes were asked for. */
LS_MUST_USE enum ls_status ls_predictions_append(struct ls_predictions *predictions,
                                                 const float *outputs, const int32_t *labels,
                                                 int64_t rows, struct ls_error *error);
/* keep: false removes what was written (after an error). Frees predictions in any case. */
LS_MUST_USE enum ls_status ls_predictions_close(struct ls_predictions *predictions, bool keep,
                                                struct ls_error *error);

#endif
