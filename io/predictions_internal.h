/* One set of functions for each kind of file. Internal to io. */
#ifndef LS_IO_PREDICTIONS_INTERNAL_H
#define LS_IO_PREDICTIONS_INTERNAL_H

#include "io/predictions.h"

struct ls_predictions_writer {
    const char *ending; /* ".h5" */
    /* Why such a file cannot hold these sets; NULL: it can. */
    const char *(*refuse)(const struct ls_predictions_options *options);
    /* Into the file called temporary; false: it cannot be written. *writer is its own struct. */
    bool (*begin)(void **writer, const struct ls_predictions_options *options,
                  const char *temporary);
    bool (*append)(void *writer, const struct ls_predictions_options *options, uint64_t first,
                   const void *const *data, int64_t rows);
    bool (*finish)(void *writer); /* frees it, also after a failed begin */
};

extern const struct ls_predictions_writer ls_predictions_hdf5, ls_predictions_csv,
    ls_predictions_npy;

#endif
