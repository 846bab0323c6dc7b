/* Several HDF5 files joined to one data set. Internal to io. */
#ifndef LS_IO_DATASET_INTERNAL_H
#define LS_IO_DATASET_INTERNAL_H

#include <pthread.h>

#include "io/array.h"
#include "io/csv_words.h"
#include "io/dataset.h"

/* Missing cells of a table that were filled in with what was learned from its column: a run fills
 * them in again, with what its training part alone teaches (fill.c). */
struct ls_fill {
    uint64_t count;
    int64_t *cells;       /* [count][2] owned: row, and place in it; ascending by rows */
    const double *values; /* [places] borrowed; NULL: what the file has */
};

struct ls_dataset_file {
    char *path;               /* owned */
    struct ls_hdf5_file file; /* owned; id 0: not open */
    struct ls_array *arrays;  /* [columns of the data set] owned */
    struct ls_array *ends;    /* [columns] owned; of ragged ones */
    uint64_t first;           /* sample of the data set that is this file's sample 0 */
    uint64_t samples;
    struct ls_fill fill; /* of the array of its inputs, if that is open */
};

/* A wanted sample and where it goes. */
struct ls_wanted_sample {
    uint64_t sample;
    int64_t position;
};

struct ls_dataset {
    struct ls_dataset_info info;
    struct ls_column columns[LS_FEEDS_MAX]; /* names owned */
    char *ends[LS_FEEDS_MAX]; /* owned; names of the ends of ragged columns; or NULL */
    int64_t reach, stride;    /* of windows: rows from a window's first to behind its feeds' last;
                                 reach 0: samples are rows */
    int count;
    struct ls_dataset_file *files;   /* [count] owned */
    struct ls_csv_words labels;      /* owned; of targets that are texts */
    pthread_mutex_t mutex;           /* guards all below, and the files' reads */
    struct ls_wanted_sample *wanted; /* [wanted_room] owned */
    int64_t wanted_room;
    char *raw; /* [raw_room] owned; a run of rows as the file has them */
    size_t raw_room;
    double *fill_values; /* owned; for missing cells, of each place of a row; NULL: the files' */
};

/* Index of the column of that name; -1: none. */
int ls_dataset_find_column(const struct ls_dataset *dataset, const char *name);

/* What of its rows a feed takes: of each line (the last dimension) some channels. Where the first
 * dimension has the channels, value c of line i is that of plane c at i. */
struct ls_cut_of_rows {
    const struct ls_feed_use *use;
    bool planes;
    int64_t lines; /* of a row */
    int64_t width; /* values of a line, of which `channels` from `first` on are taken */
    int64_t first, channels;
    int64_t values; /* taken of a row */
};
struct ls_cut_of_rows ls_dataset_cut(const struct ls_array *array, const struct ls_feed_use *use);

/* Rows first .. first + count - 1 of an array, as they were read. */
struct ls_block_of_rows {
    const struct ls_array *array;
    uint64_t first;
    int64_t count;
    const char *raw;
};

/* The place of the only 1 among the 0s of a row of the block; -1: it is not like that. */
int64_t ls_row_hot(const struct ls_block_of_rows *block, int64_t row);

/* Bytes of a value as the use has it. */
static inline size_t ls_use_bytes(const struct ls_feed_use *use) {
    return use->exact ? sizeof(double) : sizeof(float); /* or an int32 */
}

/* What is taken off the value at that place of a sample. */
static inline double ls_feed_centre(const struct ls_feed_options *feed, int64_t place) {
    return feed->centre ? feed->centre[place % feed->centre_count] : 0;
}

/* Converts what the cut takes of the block's rows into `to` (as the use says), and checks it. */
LS_MUST_USE enum ls_status ls_dataset_convert(const struct ls_cut_of_rows *cut,
                                              const struct ls_block_of_rows *block, void *to,
                                              struct ls_error *error);

/* Reads rows of the use's column in order, in small pieces, each once: all of them (part NULL), or
 * those that the windows of a part cover. look may be NULL: the values are only checked. */
LS_MUST_USE enum ls_status ls_dataset_pass(struct ls_dataset *dataset,
                                           const struct ls_feed_use *use,
                                           const struct ls_part *part, ls_dataset_look *look,
                                           void *context, struct ls_error *error);

/* The files that a path or glob stands for, in dataset->files. */
LS_MUST_USE enum ls_status ls_dataset_find_files(struct ls_dataset *dataset, const char *path,
                                                 struct ls_error *error);
/* What options->decode says, for an opened data set. */
LS_MUST_USE enum ls_status ls_dataset_decode(struct ls_dataset *dataset,
                                             const struct ls_dataset_options *options,
                                             struct ls_error *error);

enum ls_data_type ls_array_data_type(const struct ls_array *array);
/* Type, shape and the like of a column, from one of its arrays. */
void ls_array_describe(const struct ls_array *array, struct ls_column *column);

/* Numbers the words of columns of text, which only targets may be. */
LS_MUST_USE enum ls_status ls_dataset_number_labels(struct ls_dataset *dataset,
                                                    const struct ls_dataset_options *options,
                                                    struct ls_error *error);

/* Room for so many bytes in dataset->raw (its mutex is held). */
void ls_dataset_room(struct ls_dataset *dataset, size_t bytes);

#endif
