/* Missing cells of a table (struct ls_fill): their list in a file, their values. Internal to io. */
#ifndef LS_IO_FILL_H
#define LS_IO_FILL_H

#include "io/dataset_internal.h"

/* The mean (in their order), or the median, of values, which are sorted then. */
double ls_fill_value(double *values, uint64_t count, bool median);

/* What /table/missing lists of an array; nothing where there is no such list or it is not about
 * that array. */
LS_MUST_USE enum ls_status ls_fill_open(struct ls_fill *fill, const struct ls_hdf5_file *file,
                                        const struct ls_array *array, struct ls_error *error);
void ls_fill_close(struct ls_fill *fill); /* also of a zeroed one */

/* Puts the values into what the cut took of the block's rows. */
void ls_fill_apply(const struct ls_fill *fill, const struct ls_cut_of_rows *cut,
                   const struct ls_block_of_rows *block, void *to);

#endif
