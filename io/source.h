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
    LS_IMPORT_PAIRS,
    LS_IMPORT_NPZ,
    LS_IMPORT_IMAGES
};

enum { LS_IMPORT_FILES_MAX = 64 };

/* Options of `lockstep data import`; parsed by ls_import_parse for command line and configs alike.
 */
struct ls_import {
    enum ls_import_format format;
    int file_count;
    char *files[LS_IMPORT_FILES_MAX]; /* owned */
    bool no_header;                   /* csv */
    bool header_given;                /* csv: --no-header or --no-header=false */
    bool given_encoding, given_date_rule;
    bool no_targets;    /* csv: they are not read, and may be missing */
    const char *schema; /* csv: text (io/schema.h) of the data that it is read like; borrowed, may
                           be NULL */
    bool series;        /* csv: all columns are one stream, /series */
    bool special;       /* text: special tokens are ids 0 to 4 */
    bool lines;         /* text: each line is a row of its own, of special tokens */
    char columns[LS_TEXT_MAX]; /* pairs: source and target, "1,2"; csv: the only ones; "": all */
    int64_t skip_lines;        /* csv */
    /* Of csv; columns are names or 1-based numbers, negative from the end, between commas. */
    char target[LS_TEXT_MAX];      /* columns; "none"; "": last */
    char target_file[LS_TEXT_MAX]; /* whose columns are targets; "": none */
    char id[LS_TEXT_MAX], drop[LS_TEXT_MAX], dates[LS_TEXT_MAX];
    char text[LS_TEXT_MAX];        /* the column of texts; "": none */
    char rename[LS_TEXT_MAX];      /* OLD=NEW,... */
    char categorical[LS_TEXT_MAX]; /* columns; "auto"; "" none */
    char missing[LS_TEXT_MAX];     /* as written; "": not said */
    int missing_rule;              /* enum ls_missing */
    double missing_value;
    int encoding, unknown, date_rule; /* enum ls_encoding, ls_unknown, ls_date_rule */
    char decimal[LS_TEXT_MAX];        /* one byte */
    char like[LS_TEXT_MAX];           /* a file with the schema to read with; "": its own */
    int unit;                         /* text: enum ls_text_unit */
    bool unit_given;                  /* it was asked for: a vocabulary must agree */
    bool lower;                       /* text: as small letters */
    int64_t words;                    /* text: most words of the vocabulary; 0: all */
    int64_t bpe;                      /* text: pieces of words, so many; 0: no pieces */
    char vocabulary[LS_TEXT_MAX];     /* text: a file with another text's; "": this text's own */
    char separator[LS_TEXT_MAX]; /* csv: one byte; written "tab" and "space" where a byte is awkward
                                  */
    char size[LS_TEXT_MAX];      /* images: height and width that they get; "": their own */
    bool sealed; /* no option: the file that is written ends in a digest of itself (cache.h) */
};

/* arguments: the words after `import`. A relative file is taken from the working directory, or, if
 * only there it is, below `folder` (not NULL); a pattern like train_batch_*.bin stands for the
 * files that match it, sorted. On failure there is nothing to clear. */
LS_MUST_USE enum ls_status ls_import_parse(struct ls_import *import, int count,
                                           char *const *arguments, const char *folder,
                                           struct ls_error *error);
void ls_import_clear(struct ls_import *import);
extern const char *const ls_import_help; /* the options, for help texts */
/* Where in word `at` of those a file's name begins; -1: it is a format, an option, or another
 * option's value. */
int ls_import_file_in(int count, char *const *words, int at);

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
    const char *folder;       /* where relative files are that the working directory lacks:
                                 $LOCKSTEP_DATA; or NULL */
    bool import;              /* this process fills the cache; false: only the path is worked out */
    const char *vocabulary; /* of a raw text that names none itself (--vocabulary); NULL: its own */
    const char *schema;     /* of a raw table that names none itself (--like); NULL: its own */
    bool no_targets;        /* of a raw table: not read, and may be missing */
    const char *cache;      /* where imported files go; NULL: ls_cache_folder */
};
/* The text with the files that it names below one of the folders (the first that has them; NULL
 * after the last) under their absolute names; what is nowhere, and `fashion-mnist`, stays. */
LS_MUST_USE enum ls_status ls_source_locate(const char *text, const char *const *folders,
                                            char located[LS_TEXT_MAX], struct ls_error *error);

/* The HDF5 path or glob to open, imported into the cache when needed. */
LS_MUST_USE enum ls_status ls_source_resolve(const struct ls_source *source, char path[LS_TEXT_MAX],
                                             struct ls_error *error);

#endif
