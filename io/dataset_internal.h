/* Several HDF5 files joined to one data set. Internal to io. */
#ifndef LS_IO_DATASET_INTERNAL_H
#define LS_IO_DATASET_INTERNAL_H

#include <pthread.h>

#include "io/array.h"
#include "io/dataset.h"

struct ls_dataset_file {
    char *path; /* owned */
    hid_t file; /* owned; 0: not open */
    struct ls_array inputs, targets;
    uint64_t first; /* row of the data set that is this file's row 0 */
};

/* A wanted row and where it goes. */
struct ls_wanted_row {
    uint64_t row;
    int64_t position;
};

struct ls_dataset {
    struct ls_dataset_info info;
    char *inputs, *targets; /* names of the datasets; owned */
    int count;
    struct ls_dataset_file *files; /* [count] owned */
    pthread_mutex_t mutex;         /* guards all below, and the files' reads */
    struct ls_wanted_row *wanted;  /* [wanted_room] owned */
    int64_t wanted_room;
    char *raw; /* [raw_room] owned; a run of rows as the file has them */
    size_t raw_room;
};

enum ls_read_as { LS_READ_REAL, LS_READ_INTEGER, LS_READ_LABEL };

/* What to read, and as what. */
struct ls_reading {
    bool targets;
    enum ls_read_as as;
    int64_t classes; /* labels must be below it */
    void *to;        /* float or int32, [count, values of a row] */
};

LS_MUST_USE enum ls_status ls_dataset_read(struct ls_dataset *dataset,
                                           const struct ls_reading *reading, const uint64_t *rows,
                                           int64_t count, struct ls_error *error);

#endif
