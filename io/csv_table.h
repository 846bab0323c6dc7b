/* A CSV file as a matrix of numbers: columns, missing cells, words numbered. Internal to io. */
#ifndef LS_IO_CSV_TABLE_H
#define LS_IO_CSV_TABLE_H

#include "io/csv_words.h"
#include "io/import_internal.h"

struct ls_csv_column {
    char *name;   /* owned */
    bool dropped; /* its cells are not looked at */
    bool categorical;
    struct ls_csv_words
        words; /* of a categorical column: a cell's value is the index among the sorted */
};

struct ls_csv_table {
    int count;                     /* of columns */
    struct ls_csv_column *columns; /* [count] owned */
    int target;                    /* column, or -1: none */
    uint64_t rows;
    uint64_t room;
    double *values; /* [rows, count] owned; NAN: missing, still to be filled in */
};

/* Reads import->files[0] as the options say. */
LS_MUST_USE enum ls_status ls_csv_table_read(struct ls_csv_table *table,
                                             const struct ls_import *import,
                                             struct ls_error *error);
void ls_csv_table_clear(struct ls_csv_table *table);

#endif
