/* What a model says of each row, or what it makes up, as an HDF5 file: one dataset [rows, ...] for
 * each kind of answer, float32 or int32. */
#ifndef LS_IO_PREDICTIONS_H
#define LS_IO_PREDICTIONS_H

#include "core/base/status.h"
#include "core/tensor/shape.h"

struct ls_predictions;

enum { LS_PREDICTIONS_MAX = 3 };
struct ls_predictions_options {
    const char *path;
    uint64_t rows;
    int count; /* of datasets */
    struct ls_prediction_set {
        const char *name; /* "outputs" */
        struct ls_shape row_shape;
        bool integer; /* int32, else float32 */
    } sets[LS_PREDICTIONS_MAX];
};

/* Writes beside path; ls_predictions_close renames into place. */
LS_MUST_USE enum ls_status ls_predictions_create(struct ls_predictions **predictions,
                                                 const struct ls_predictions_options *options,
                                                 struct ls_error *error);
/* The next rows: data[count], of float or int32_t as each dataset is. */
LS_MUST_USE enum ls_status ls_predictions_append(struct ls_predictions *predictions,
                                                 const void *const *data, int64_t rows,
                                                 struct ls_error *error);
/* keep: false removes what was written (after an error). Frees predictions in any case. */
LS_MUST_USE enum ls_status ls_predictions_close(struct ls_predictions *predictions, bool keep,
                                                struct ls_error *error);

#endif
