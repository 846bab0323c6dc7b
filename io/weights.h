/* A model's parameters as other programs read them: float32 in plain row-major order, under the
 * names and in the shapes that configs, `inspect` and `checkpoint show` have. Each file is written
 * beside its path and renamed into place. */
#ifndef LS_IO_WEIGHTS_H
#define LS_IO_WEIGHTS_H

#include "core/graph/parameters.h"

struct ls_weights_note {
    const char *name, *text; /* UTF-8 */
};

/* All borrowed. */
struct ls_weights {
    const struct ls_parameter_set *parameters;
    const float *flat;
    const struct ls_weights_note *notes; /* [note_count] where they come from */
    int note_count;
};

/* https://github.com/huggingface/safetensors#format; the notes are its metadata. */
LS_MUST_USE enum ls_status ls_weights_save_safetensors(const struct ls_weights *weights,
                                                       const char *path, struct ls_error *error);
/* What numpy.load reads without pickle. It has no place for notes. More than 4 GB are LS_INVALID.
 */
LS_MUST_USE enum ls_status ls_weights_save_npz(const struct ls_weights *weights, const char *path,
                                               struct ls_error *error);
/* HDF5 with a dataset for each parameter; the notes are attributes of the file. */
LS_MUST_USE enum ls_status ls_weights_save_hdf5(const struct ls_weights *weights, const char *path,
                                                struct ls_error *error);

/* The parameter at place `order` of the names in the order of their bytes; and its values in plain
 * order, owned by the caller. */
const struct ls_parameter *ls_weights_at(const struct ls_weights *weights, int order);
float *ls_weights_values(const struct ls_weights *weights, const struct ls_parameter *parameter);

#endif
