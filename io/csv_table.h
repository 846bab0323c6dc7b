/* CSV files as one table of numbers: columns and what is learned from them, missing cells, words
 * numbered. Internal to io. csv_columns.c finds fields among columns, csv_roles.c says what
 * these are for (csv_agree.c: whether that is what other data taught), csv_table.c reads rows and
 * csv_cells.c cells; csv_fill.c has what missing ones become, csv_digits.c which columns are stored
 * as float64. */
#ifndef LS_IO_CSV_TABLE_H
#define LS_IO_CSV_TABLE_H

#include "io/csv.h"
#include "io/csv_words.h"
#include "io/import_internal.h"
#include "io/schema.h"

/* What a first look at a column finds, to tell numbers from words. */
struct ls_csv_tally {
    uint64_t numbers, words;
    uint64_t placeholders; /* "null" and the like: missing numbers, or words among words */
    uint64_t commas;       /* words that would be numbers with a decimal comma */
    struct ls_csv_place odd;
    char odd_text[48];    /* the first word, cut */
    const char *odd_path; /* borrowed */
};

/* One of the files whose rows, or (targets) whose columns make the table. */
struct ls_csv_file {
    const char *path; /* borrowed */
    char *text;       /* owned */
    uint64_t bytes;
    bool targets;
    int field_count;
    int *columns; /* [field_count] owned; column of the table, -1: not looked at */
    uint64_t row; /* of the table that the next record is, where it was made by another file */
};

struct ls_csv_table {
    const struct ls_import *import; /* borrowed */
    bool learned;                   /* the schema is that of other data: it says what cells mean */
    struct ls_schema schema;
    struct ls_csv_place place;    /* of the first record: what options name is missed there */
    struct ls_csv_words *words;   /* [count] owned; while learning */
    struct ls_csv_tally *tallies; /* [count] owned; while learning */
    bool *nameless;               /* [count] owned; while learning: the header has no name */
    int file_count;
    struct ls_csv_file files[LS_IMPORT_FILES_MAX + 1]; /* the last may be that of targets */
    uint64_t rows, room;
    double *values;    /* [rows, count] owned; NAN: missing, still to be filled in */
    char **ids;        /* [rows] owned; NULL: no column is one */
    char **texts;      /* [rows] owned; of the column of texts, likewise */
    uint64_t *numbers; /* [rows] owned; of each row among the files' records, from 0 */
    uint64_t records, empty_records;
};

/* Reads import's files as the options say. */
LS_MUST_USE enum ls_status ls_csv_table_read(struct ls_csv_table *table,
                                             const struct ls_import *import,
                                             struct ls_error *error);
void ls_csv_table_clear(struct ls_csv_table *table);
double *ls_csv_cell(const struct ls_csv_table *table, uint64_t row, int column);

/* A column by name or by number (1-based, negative from the end); -1: there is none. */
int ls_csv_find_column(const struct ls_schema *schema, const char *text);
/* Whether the name is one of those between commas. */
bool ls_csv_lists(const char *columns, const char *name);

/* The first record of a file: its fields become columns, or are found among them. */
LS_MUST_USE enum ls_status ls_csv_columns_add(struct ls_csv_table *table, struct ls_csv_file *file,
                                              const struct ls_csv_record *record,
                                              struct ls_error *error);
/* Once all columns are known: what each is for, as the options say. */
LS_MUST_USE enum ls_status ls_csv_columns_settle(struct ls_csv_table *table,
                                                 struct ls_error *error);
/* Calls the function for each column that an option lists, by name or number, between commas. */
struct ls_csv_visit {
    enum ls_status (*function)(void *context, struct ls_schema_column *column,
                               struct ls_error *error);
    void *context;
};
LS_MUST_USE enum ls_status ls_csv_each_listed(const struct ls_csv_table *table, const char *option,
                                              const char *columns, const struct ls_csv_visit *visit,
                                              struct ls_error *error);
/* Whether the options agree with what was learned elsewhere (csv_agree.c). */
LS_MUST_USE enum ls_status ls_csv_columns_check(const struct ls_csv_table *table,
                                                struct ls_error *error);

/* A missing number, in a column of numbers or of words. */
bool ls_csv_missing(const char *text);
bool ls_csv_placeholder(const char *text);

/* Whether a number of a decimal comma was found where another byte is expected. */
bool ls_csv_decimal_comma(const char *text, char decimal);
/* Whether that text is missing in the column. */
bool ls_csv_is_missing(const struct ls_csv_table *table, int column, const char *text);
/* Whether the column's cells are read as numbers; ids are kept as text. -1: no column. */
bool ls_csv_is_read(const struct ls_csv_table *table, int column);
/* The rule for missing cells; other data may only be read more strictly than the training data. */
int ls_csv_missing_rule(const struct ls_csv_table *table);

/* A cell, and the column that it belongs to. */
struct ls_csv_spot {
    struct ls_csv_table *table;
    const char *path;
    const struct ls_csv_field *field;
    int column;
};
/* Its number (of a word while learning: how many others were seen before); NAN: it is missing. */
LS_MUST_USE enum ls_status ls_csv_parse(const struct ls_csv_spot *spot, double *value,
                                        struct ls_error *error);

/* A date of ISO 8601 (2024-02-29, 2024-02-29T12:30:00.5+01:00) as a number; false: it is none. */
bool ls_csv_date(const char *text, enum ls_date_rule rule, double *value);

/* Whether all cells of a column are whole and fit 32 bits. */
bool ls_csv_all_integers(const struct ls_csv_table *table, int column);
/* Which columns have numbers that float would not keep, and whether some column of a role has. */
void ls_csv_learn_digits(struct ls_csv_table *table);
bool ls_csv_is_exact(const struct ls_csv_table *table, int role);

/* Fills missing cells in. *cells: row and place among the inputs of each that was learned (mean,
 * median); [cell_count][2], owned by the caller. */
LS_MUST_USE enum ls_status ls_csv_fill(struct ls_csv_table *table, int64_t **cells,
                                       uint64_t *cell_count, struct ls_error *error);

#endif
