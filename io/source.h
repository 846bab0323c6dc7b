/* From what a user wrote to an HDF5 file: `fashion-mnist`, an HDF5 path or glob, or a raw file that
 * is imported once into a cache.
 *
 * A raw source reads like the import command without --out: "[FORMAT] FILE... [OPTION...]", for
 * example "csv tabular/breast_cancer.csv --skip-lines 1 --no-header --target -1" or "idx
 * train-images.gz train-labels.gz". FORMAT may be left out where file names tell. */
#ifndef LS_IO_SOURCE_H
#define LS_IO_SOURCE_H

#include "core/base/field.h"
#include "core/base/status.h"

enum ls_import_format {
    LS_IMPORT_IDX,
    LS_IMPORT_CIFAR,
    LS_IMPORT_CSV,
    LS_IMPORT_NPY,
    LS_IMPORT_TEXT,
    LS_IMPORT_PAIRS
};

enum { LS_IMPORT_FILES_MAX = 64 };

/* Options of `lockstep data import`; parsed by ls_import_parse for command line and configs alike.
 */
struct ls_import {
    enum ls_import_format format;
    int file_count;
    char *files[LS_IMPORT_FILES_MAX]; /* owned */
    bool no_header;                   /* csv */
    bool series;                      /* csv: all columns are one stream, /series */
    bool special;                     /* text: special tokens are ids 0 to 4 */
    bool lines;                       /* text: each line is a row of its own, of special tokens */
    char columns[LS_TEXT_MAX];        /* pairs: source and target, "1,2" */
    int64_t skip_lines;               /* csv */
    char target[LS_TEXT_MAX]; /* csv: name, or 1-based index, negative from the end; "none"; "":
                                 last */
    char categorical[LS_TEXT_MAX]; /* csv: columns to number by value, comma-separated; "auto"; ""
                                      none */
    int missing;                   /* csv: error | drop | mean | zero */
    char drop[LS_TEXT_MAX];        /* csv: columns to leave out */
    int unit;                      /* text: enum ls_text_unit */
    bool unit_given;               /* it was asked for: a vocabulary must agree */
    int64_t words;                 /* text: most words of the vocabulary; 0: all */
    char vocabulary[LS_TEXT_MAX];  /* text: a file with another text's; "": this text's own */
    char separator[LS_TEXT_MAX]; /* csv: one byte; written "tab" and "space" where a byte is awkward
                                  */
};

/* arguments: the words after `import`. A relative file is taken below `folder` (not NULL) unless it
 * lies only in the working directory; a pattern like train_batch_*.bin stands for the files that
 * match it, sorted. On failure there is nothing to clear. */
LS_MUST_USE enum ls_status ls_import_parse(struct ls_import *import, int count,
                                           char *const *arguments, const char *folder,
                                           struct ls_error *error);
void ls_import_clear(struct ls_import *import);
extern const char *const ls_import_help; /* the options, for help texts */

/* Writes path (a temporary beside it first, renamed into place). */
LS_MUST_USE enum ls_status ls_import_run(const struct ls_import *import, const char *path,
                                         struct ls_error *error);

/* Where imported files are kept: $LOCKSTEP_CACHE, or below $XDG_CACHE_HOME or $HOME. */
LS_MUST_USE enum ls_status ls_cache_folder(char *path, size_t size, struct ls_error *error);

#define LS_FASHION_FOLDER "/usr/share/datasets/fashion-mnist" /* of Debian's package */

enum ls_source_role { LS_SOURCE_TRAIN, LS_SOURCE_VALIDATION, LS_SOURCE_TEST };

struct ls_source {
    const char *text;         /* what a user wrote */
    enum ls_source_role role; /* chooses Fashion-MNIST's train or test files */
    const char *folder;       /* $LOCKSTEP_DATA, or NULL */
    bool import;              /* this process fills the cache; false: only the path is worked out */
    const char *vocabulary; /* of a raw text that names none itself (--vocabulary); NULL: its own */
};
/* The HDF5 path or glob to open, imported into the cache when needed. */
LS_MUST_USE enum ls_status ls_source_resolve(const struct ls_source *source, char path[LS_TEXT_MAX],
                                             struct ls_error *error);

#endif
