/* What the values of a column's rows are called, where its file says so. */
#ifndef LS_IO_COLUMN_NAMES_H
#define LS_IO_COLUMN_NAMES_H

#include "core/base/status.h"

/* The texts of the attribute `columns` of a column of an HDF5 file, as imports of tables write
 * them, and h5py does with a list of texts. *count 0: it has none. Owned by the caller:
 * ls_schema_free_names. */
LS_MUST_USE enum ls_status ls_column_names(const char *path, const char *column, char ***names,
                                           int *count, struct ls_error *error);

#endif
