/* A data set: HDF5 files, whose datasets are its columns. The first dimension of a column counts
 * rows; a sample is a row of each, or a window over the rows of columns that are streams. A ragged
 * column has rows of different lengths: the dataset holds their values, NAME.ends where each ends.
 *
 * Foreign files are untrusted: a child process opens them first (trial.h), and decodes what is
 * chunked or compressed; rows must be there, not only claimed; external storage, virtual layouts,
 * links other than hard ones and unknown filters are refused, dimensions are bounded before
 * anything is allocated. */
#ifndef LS_IO_DATASET_H
#define LS_IO_DATASET_H

#include "core/base/status.h"
#include "io/feed.h"

struct ls_dataset;

/* What becomes of chunked, compressed or byte-swapped columns: their rows cost a chunk's decoding
 * each, unless they are decoded once, into the cache. */
enum ls_decode {
    LS_DECODE_NOT,        /* read as they are stored */
    LS_DECODE_IF_IT_FITS, /* else a window of rows is read at a time */
    LS_DECODE_ALL         /* rows are read in any order: where they do not fit, it is an error */
};

/* Beside a ragged column of tokens, NAME, a file may have what they were made of: the ragged column
 * NAME.text, bytes. */
#define LS_COLUMN_TEXT ".text"

struct ls_dataset_options {
    const char
        *path; /* an HDF5 file, or a glob: files that are joined in the order of their names */
    const struct ls_feed_options
        *feeds; /* [feed_count] their columns are opened; NULL: "inputs"
                   from /inputs, and "targets" from /targets if it is there */
    int feed_count;
    int64_t stride;    /* rows from one window to the next; 0: 1 */
    const char *group; /* a further column that is opened, for ls_dataset_groups; NULL: none */
    bool texts;        /* the texts of columns that have them are opened, too: ls_dataset_text */
    bool links;        /* those that stay below a file's folder are followed (hdf5_support.h) */
    enum ls_decode decode;
    bool checked; /* decoded copies that are there were made or checked just now, on this host */
    const char *const *labels; /* [label_count] sorted; of targets that are texts; NULL: all that
                                  are there */
    int label_count;
    uint64_t window_rows; /* with LS_DECODE_IF_IT_FITS: that are read in any order at a time */
};

enum ls_data_type { LS_DATA_BOOLEAN, LS_DATA_UINT8, LS_DATA_INTEGER, LS_DATA_REAL };
const char *ls_data_type_name(enum ls_data_type type);

struct ls_column {
    const char *name; /* as the feed calls it */
    enum ls_data_type type;
    uint64_t rows;         /* in all files */
    struct ls_shape shape; /* of one row; rank 0: a scalar */
    const char *kind;      /* of the numbers: "uint16" */
    float divisor;         /* of reals of it (io/array.h); 1: none */
    bool ragged;           /* rows have different lengths; shape is of one of their values */
    int64_t vocabulary;    /* tokens that it has words for (io/vocabulary.h); 0: it is no text */
};

struct ls_dataset_info {
    uint64_t samples;
    int files;
    int column_count;
    const struct ls_column *columns; /* borrowed from the data set */
};

LS_MUST_USE enum ls_status ls_dataset_open(struct ls_dataset **dataset,
                                           const struct ls_dataset_options *options,
                                           struct ls_error *error);
void ls_dataset_close(struct ls_dataset *dataset);
struct ls_dataset_info ls_dataset_info(const struct ls_dataset *dataset);
const char *ls_dataset_path(const struct ls_dataset *dataset); /* of the first file */
const char *ls_dataset_file(const struct ls_dataset *dataset, int file);

/* What a file holds; of a glob, the first file that matches. */
struct ls_columns {
    int count;
    struct ls_column *items; /* [count] owned, with their names: datasets that could be columns */
    int other_count;
    char **others; /* [other_count] owned: "/names: ..." and why it could be none */
};
/* Of the options, path and links count. deep: also what lies in groups. */
LS_MUST_USE enum ls_status ls_columns_list(const struct ls_dataset_options *options, bool deep,
                                           struct ls_columns *columns, struct ls_error *error);
void ls_columns_clear(struct ls_columns *columns);

/* The words behind the numbers of targets that are texts; borrowed from the data set. */
const char *const *ls_dataset_labels(const struct ls_dataset *dataset, int *count);

/* How many windows behind a window share rows with it: so many less a part has, that no other part
 * sees its rows. 0 where samples are rows. */
uint64_t ls_dataset_overlap(const struct ls_dataset *dataset);

/* The column of that name, or NULL. */
const struct ls_column *ls_dataset_column(const struct ls_dataset *dataset, const char *name);

/* Shape and type of a feed of an opened column; what does not fit the column is an error that names
 * the feed. scaling is left as it is. */
LS_MUST_USE enum ls_status ls_dataset_describe(const struct ls_dataset *dataset,
                                               const struct ls_feed_options *options,
                                               struct ls_feed *feed, struct ls_error *error);

/* Reads `count` samples (any order) of a feed into `to`, [count, values of a sample], real or int32
 * as use->type says (double: use->exact). A value that is not finite, not whole (int32) or not
 * below the limit is an error that names file and row. No allocation after the first call of a
 * size. Calls of several threads on one data set wait for each other. */
LS_MUST_USE enum ls_status ls_dataset_read(struct ls_dataset *dataset,
                                           const struct ls_feed_use *use, const uint64_t *samples,
                                           int64_t count, void *to, struct ls_error *error);

/* Tells the system that samples first .. first + count - 1 of a feed are wanted soon. */
void ls_dataset_advise(struct ls_dataset *dataset, const struct ls_feed_use *use, uint64_t first,
                       uint64_t count);

/* Reads every row of the use's column once, in small pieces: the first value that ls_dataset_read
 * would refuse is the error. */
LS_MUST_USE enum ls_status ls_dataset_check(struct ls_dataset *dataset,
                                            const struct ls_feed_use *use, struct ls_error *error);

/* Largest value + 1 of a feed of whole numbers from 0 on (reads its column once). */
LS_MUST_USE enum ls_status ls_dataset_limit(struct ls_dataset *dataset,
                                            const struct ls_feed_options *feed, int64_t *limit,
                                            struct ls_error *error);

/* counts[count]: how many of a feed's values are 0, 1, ... (reads its column once); one that is
 * none of these is an error. */
LS_MUST_USE enum ls_status ls_dataset_count(struct ls_dataset *dataset,
                                            const struct ls_feed_options *feed, int64_t count,
                                            uint64_t *counts, struct ls_error *error);

/* Whether each row of the feed's column is a single 1 among 0s (reads it up to the first that is
 * not). */
LS_MUST_USE enum ls_status ls_dataset_is_one_hot(struct ls_dataset *dataset,
                                                 const struct ls_feed_options *feed, bool *one_hot,
                                                 struct ls_error *error);

/* How many rows of a ragged column the feed cuts something off, be it only the token at the end; 0
 * of other columns. */
LS_MUST_USE enum ls_status ls_dataset_count_cut(struct ls_dataset *dataset,
                                                const struct ls_feed_options *feed, uint64_t *count,
                                                struct ls_error *error);

/* groups[samples]: the number of each sample's group, from 0 in the order in which the groups first
 * appear; *count: of groups. A group is all samples whose rows of `column` are alike, byte for
 * byte. Not for windows. */
LS_MUST_USE enum ls_status ls_dataset_groups(struct ls_dataset *dataset, const char *column,
                                             uint64_t *groups, uint64_t *count,
                                             struct ls_error *error);

/* The text of a sample's row of a column of tokens, as it was written; it ends with NUL, and is the
 * caller's. NULL: the files have none, or they were not opened. */
LS_MUST_USE enum ls_status ls_dataset_text(struct ls_dataset *dataset, const char *column,
                                           uint64_t sample, char **text, struct ls_error *error);
bool ls_dataset_has_text(const struct ls_dataset *dataset, const char *column);

/* A part of a data set: samples that are listed, or of a permutation (split), or all in order. */
struct ls_part {
    struct ls_dataset *dataset; /* borrowed; NULL: there is no such part */
    const uint64_t *samples;    /* [count] borrowed; NULL: what follows says which */
    uint64_t first, count;      /* positions in the permutation */
    bool permuted; /* position -> sample by ls_random_permute(LS_STREAM_SPLIT of seed) */
    uint64_t seed;
};
uint64_t ls_part_sample(const struct ls_part *part, uint64_t position);

/* Looks at count values, float, int32 or double as the use says. */
typedef void ls_dataset_look(void *context, const void *values, int64_t count);
/* Reads all samples of a part in order, a block of whole ones at a time; of windows, each row that
 * they cover once (all rows from the part's first window to its last). */
LS_MUST_USE enum ls_status ls_part_pass(const struct ls_part *part, const struct ls_feed_use *use,
                                        ls_dataset_look *look, void *context,
                                        struct ls_error *error);

/* Whether its inputs have missing cells that were filled in with what their column teaches. */
bool ls_dataset_has_missing(const struct ls_dataset *dataset);
/* From here on they read as these values, one for each place of a row; a file whose rows have
 * another number of places keeps its own. */
void ls_dataset_fill(struct ls_dataset *dataset, const double *values, int64_t count);
/* Those values: of each place of a row, the mean or median of what is not missing in the part, NAN
 * where nothing is there. The data set's missing cells read as NAN then. */
LS_MUST_USE enum ls_status ls_part_fill(const struct ls_part *part,
                                        const struct ls_feed_options *feed, bool median,
                                        double *fill, struct ls_error *error);

/* Mean and 1/standard deviation (1 where it is constant) of each of `channels` columns of a feed,
 * in double, samples in order: the last dimension of a sample, or all of its elements. Windows as
 * in ls_part_pass. */
LS_MUST_USE enum ls_status ls_part_statistics(const struct ls_part *part,
                                              const struct ls_feed_options *feed, int64_t channels,
                                              double *mean, double *scale, struct ls_error *error);
/* Whether numbers with such statistics, as Unix timestamps have them, would be wrong by more than a
 * millionth of their deviation if they were rounded to float before the mean is taken off. */
bool ls_mean_needs_double(double mean, double scale);

#endif
