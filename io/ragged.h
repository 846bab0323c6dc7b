/* Rows of different lengths: /NAME holds their values one behind the other, /NAME.ends [rows] where
 * each row ends: row n is values ends[n - 1] .. ends[n] - 1. Internal to io. */
#ifndef LS_IO_RAGGED_H
#define LS_IO_RAGGED_H

#include "io/dataset_internal.h"

/* "source.ends", owned by the caller; NULL: the file has no such dataset, so the column is not
 * ragged. */
char *ls_ragged_ends(hid_t file, const char *column);
/* Whether a dataset holds the ends of another one of the file. */
bool ls_ragged_is_ends(hid_t file, const char *name);

/* Opens the ends of `values`; both must fit each other. */
LS_MUST_USE enum ls_status ls_ragged_open(struct ls_array *ends, const struct ls_array *values,
                                          const struct ls_hdf5_file *file, const char *name,
                                          struct ls_error *error);

/* The values of a row: *count from *first on. Ends that descend or lie beyond the values are an
 * error. */
LS_MUST_USE enum ls_status ls_ragged_row(const struct ls_array *values, const struct ls_array *ends,
                                         uint64_t row, uint64_t *first, uint64_t *count,
                                         struct ls_error *error);

/* Puts the wanted samples (dataset->wanted, sorted) of a feed of a ragged column where they are
 * wanted: see struct ls_feed_options. The data set's mutex is held. */
LS_MUST_USE enum ls_status ls_ragged_read(struct ls_dataset *dataset, const struct ls_feed_use *use,
                                          int64_t count, void *to, struct ls_error *error);

/* Whether the tokens that the feed puts in front and behind are below the use's limit. */
LS_MUST_USE enum ls_status ls_ragged_check(const struct ls_feed_use *use, struct ls_error *error);

#endif
