/* One function per format: from raw files to /inputs and /targets. Internal to io.
 * To add a format: its reader here, an entry in import.c's table. */
#ifndef LS_IO_IMPORT_INTERNAL_H
#define LS_IO_IMPORT_INTERNAL_H

#include "core/base/hash.h"
#include "core/tensor/shape.h"
#include "io/schema.h"
#include "io/source.h"
#include "io/stream.h"
#include "io/vocabulary.h"
#include "io/writer.h"

/* Adds the file of that name, or all that match it, here or else below the folder (NULL: none). A
 * file that is nowhere is added all the same: opening it says best what is wrong. */
LS_MUST_USE enum ls_status ls_import_locate(struct ls_import *import, const char *name,
                                            const char *folder, struct ls_error *error);
/* The file of an option lies below the folder like the others, unless it is not there: path
 * [LS_TEXT_MAX] then says so. */
LS_MUST_USE enum ls_status ls_import_locate_option(char *path, const char *option,
                                                   const char *folder, struct ls_error *error);

LS_MUST_USE enum ls_status ls_import_arrays(const struct ls_import *import,
                                            struct ls_writer *writer,
                                            struct ls_error *error); /* idx, npy */
LS_MUST_USE enum ls_status ls_import_cifar(const struct ls_import *import, struct ls_writer *writer,
                                           struct ls_error *error);
LS_MUST_USE enum ls_status ls_import_csv(const struct ls_import *import, struct ls_writer *writer,
                                         struct ls_error *error);
LS_MUST_USE enum ls_status ls_import_npz(const struct ls_import *import, struct ls_writer *writer,
                                         struct ls_error *error);

LS_MUST_USE enum ls_status ls_import_text(const struct ls_import *import, struct ls_writer *writer,
                                          struct ls_error *error);
LS_MUST_USE enum ls_status ls_import_pairs(const struct ls_import *import, struct ls_writer *writer,
                                           struct ls_error *error);

LS_MUST_USE enum ls_status ls_import_images(const struct ls_import *import,
                                            struct ls_writer *writer, struct ls_error *error);
/* Adds what a folder of images holds now, file by file, to a cached file's key. */
LS_MUST_USE enum ls_status ls_import_hash_folder(struct ls_hash *key, const char *folder,
                                                 struct ls_error *error);

/* Texts are read whole: at most so many bytes, unpacked. */
#define LS_IMPORT_BYTES_MAX ((uint64_t)1 << 36)

/* Writes a column of a text's tokens with its vocabulary (or import->vocabulary's); a text of parts
 * becomes a ragged column, a row for each. */
LS_MUST_USE enum ls_status ls_import_tokens(const struct ls_import *import,
                                            struct ls_writer *writer, const char *column,
                                            const struct ls_text *text, struct ls_error *error);

/* Writes the parts of a text as they are, beside the column of their tokens: see LS_COLUMN_TEXT. */
LS_MUST_USE enum ls_status ls_import_as_written(struct ls_writer *writer, const char *column,
                                                const struct ls_text *text, struct ls_error *error);

/* Whether import->vocabulary has the words of that column. */
LS_MUST_USE enum ls_status ls_import_is_taught(const struct ls_import *import, const char *column,
                                               bool *taught, struct ls_error *error);

/* Whether the options about tokens go together. */
LS_MUST_USE enum ls_status ls_import_tokens_check(const struct ls_import *import,
                                                  struct ls_error *error);

/* The line behind *line (of {0, 0}: the first) with its end; false: there is none. */
bool ls_text_next_line(const struct ls_text *text, struct ls_text_part *line);
/* Without the bytes that end it. */
struct ls_text_part ls_text_trim(const struct ls_text *text, struct ls_text_part line);

/* Checks and settles the options of tables (csv_options.c); used: whether an option was given. */
LS_MUST_USE enum ls_status ls_csv_options_settle(struct ls_import *import, struct ls_error *error);

/* The format and all options, for the key of the cache; owned by the caller. */
char *ls_import_print(const struct ls_import *import);

/* A file that is a header and then rows of numbers. */
struct ls_raw_array {
    struct ls_stream stream; /* behind the header; owned */
    enum ls_kind kind;       /* of the numbers as they are written */
    uint64_t rows;
    struct ls_shape row;
    uint64_t row_bytes; /* as they are written */
    /* How the file has them, where that is not as they are written. */
    int stored_bytes;   /* of a number; 0: of the kind */
    bool swapped;       /* the other byte order */
    bool columns_first; /* Fortran's order: the row number counts fastest */
    bool refused;       /* after an error: the file is sound, but holds no rows of numbers */
};

/* Each opens, reads and checks the header; `targets`: what the file is for. */
LS_MUST_USE enum ls_status ls_idx_open(struct ls_raw_array *array, const char *path, bool targets,
                                       struct ls_error *error);
LS_MUST_USE enum ls_status ls_npy_open(struct ls_raw_array *array, const char *path, bool targets,
                                       struct ls_error *error);

/* The same from a stream that stands at its beginning; the stream goes over to the array, and is
 * closed after an error. */
LS_MUST_USE enum ls_status ls_npy_read(struct ls_raw_array *array, struct ls_stream stream,
                                       struct ls_error *error);

/* The values behind `first` rows of the written array `to`; there must be exactly so many. */
LS_MUST_USE enum ls_status ls_raw_array_copy(struct ls_raw_array *array, struct ls_writer *writer,
                                             int to, uint64_t first, struct ls_error *error);

/* Numbers as the file has them (stored_bytes each) to the array's kind; `to` may be `from` where
 * both have one size. */
void ls_npy_convert(const struct ls_raw_array *array, const char *from, uint64_t count, char *to);

/* Checks dims[0 .. rank-1] (at least one row, at most 2^31 bytes a row, no overflow) and fills
 * rows, row and row_bytes from them and the kind. */
LS_MUST_USE enum ls_status ls_raw_array_shape(struct ls_raw_array *array, const uint64_t *dims,
                                              int rank, struct ls_error *error);

#endif
