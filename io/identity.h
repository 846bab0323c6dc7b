/* Which data a data set is: enough to notice that a file is another one than before, wherever it
 * lies. */
#ifndef LS_IO_IDENTITY_H
#define LS_IO_IDENTITY_H

#include "io/dataset.h"

struct ls_identity {
    uint64_t rows;   /* of all files */
    uint64_t bytes;  /* of the values of the columns that are read */
    uint64_t digest; /* of them in order; of evenly spread blocks where there are more than 64 MB */
};

LS_MUST_USE enum ls_status ls_dataset_identity(struct ls_dataset *dataset,
                                               struct ls_identity *identity,
                                               struct ls_error *error);

#endif
