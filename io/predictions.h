/* What a model says of each row, or what it makes up. FILE.h5: HDF5, a dataset [rows, ...] for each
 * kind of answer, float32, float64 or int32; FILE.csv: a line for each row; FILE.npy: the one
 * array. */
#ifndef LS_IO_PREDICTIONS_H
#define LS_IO_PREDICTIONS_H

#include "core/base/status.h"
#include "core/tensor/shape.h"
#include "io/row_names.h"

struct ls_predictions;

enum { LS_PREDICTIONS_MAX = 80, LS_PREDICTION_NOTES_MAX = 32 };
struct ls_predictions_options {
    const char *path;
    uint64_t rows;
    int count; /* of sets */
    struct ls_prediction_set {
        const char *name; /* "outputs" */
        struct ls_shape row_shape;
        bool integer;             /* int32, else float32 */
        bool wide;                /* float64 or int64 instead of that */
        bool single;              /* HDF5: one value for the file, in the first rows' data */
        const char *const *names; /* borrowed; NULL: none. Of real values: columns of a row; of
                                     integers: what they stand for */
        int name_count;
        const char *names_as; /* HDF5: their attribute; NULL: "names" */
    } sets[LS_PREDICTIONS_MAX];
    const struct ls_row_names *row_names; /* borrowed; NULL: rows are numbered */
    const char *id_name;                  /* of their ids' column */
    /* Borrowed: files that show what the one at path holds, and go just before a new one takes its
     * place. */
    const char *const *shown_in;
    int shown_in_count;
    /* Where they come from: attributes of the HDF5 file. */
    int note_count;
    struct ls_prediction_note {
        const char *name, *text;
    } notes[LS_PREDICTION_NOTES_MAX];
};

/* Whether a file of that ending can be written: .h5, .csv, .npy. */
LS_MUST_USE enum ls_status ls_predictions_check(const char *path, struct ls_error *error);

/* Writes beside path; ls_predictions_close renames into place. A path that ends otherwise, or whose
 * kind of file cannot hold these sets, is LS_INVALID. The options' names stay borrowed. */
LS_MUST_USE enum ls_status ls_predictions_create(struct ls_predictions **predictions,
                                                 const struct ls_predictions_options *options,
                                                 struct ls_error *error);
/* The next rows: data[count], of float, double or int32_t as each set is. */
LS_MUST_USE enum ls_status ls_predictions_append(struct ls_predictions *predictions,
                                                 const void *const *data, int64_t rows,
                                                 struct ls_error *error);
/* keep: false removes what was written (after an error). Frees predictions in any case. */
LS_MUST_USE enum ls_status ls_predictions_close(struct ls_predictions *predictions, bool keep,
                                                struct ls_error *error);

#endif
