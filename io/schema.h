/* What was learned from the columns of a table: their names and order, what each is for, the words
 * behind the numbers of categories, what missing cells become. An import writes it into its file
 * (attribute `schema`), a run keeps that of its training data in RUN/schema.json and in its
 * checkpoints, and every other table of the run is read with it. */
#ifndef LS_IO_SCHEMA_H
#define LS_IO_SCHEMA_H

#include <stdio.h>

#include "core/base/status.h"

enum ls_role {
    LS_ROLE_INPUT,
    LS_ROLE_TARGET,
    LS_ROLE_ID, /* kept as text for predictions */
    LS_ROLE_DROPPED,
    LS_ROLE_TEXT /* cut into tokens: a ragged column of its own name */
};
enum ls_cell_kind { LS_CELL_NUMBER, LS_CELL_CATEGORY, LS_CELL_DATE };
enum ls_missing {
    LS_MISSING_ERROR,
    LS_MISSING_DROP, /* the row */
    LS_MISSING_MEAN,
    LS_MISSING_MEDIAN,
    LS_MISSING_VALUE
};
enum ls_unknown { LS_UNKNOWN_ERROR, LS_UNKNOWN_CATEGORY };
enum ls_encoding {
    LS_ENCODING_ORDINAL, /* a column of numbers of words */
    LS_ENCODING_ONE_HOT, /* a column of 0 and 1 for each word */
    LS_ENCODING_FEED     /* no input: only a dataset of its own, for data.feeds */
};
extern const char *const ls_role_names[],
    *const ls_cell_names[], *const ls_encoding_names[], *const ls_unknown_names[],
                                                            *const ls_date_rules[],
                                                                *const ls_missing_names[];

/* How a date becomes a number; all of UTC. */
enum ls_date_rule {
    LS_DATE_DAYS,        /* since 1970-01-01, with the time of day as a fraction */
    LS_DATE_HOUR,        /* of the day, with a fraction: 0 .. 24 */
    LS_DATE_WEEKDAY,     /* Monday 0 .. Sunday 6 */
    LS_DATE_DAY_OF_YEAR, /* 1 .. 366 */
    LS_DATE_YEAR
};

struct ls_schema_column {
    char *name; /* owned */
    int role;   /* enum ls_role */
    int kind;   /* enum ls_cell_kind */
    /* Of a category: a cell's number is its word's place. Numbers sorted by value, then words by
     * their bytes; then, where there are such, what a missing cell is, and what an unknown one. */
    int word_count;
    char **words; /* [word_count] owned */
    bool has_missing, has_unknown;
    double fill; /* of an input of numbers: what a missing cell becomes; NAN: none was learned */
    bool exact;  /* numbers that float would not keep (ls_mean_needs_double): stored as float64 */
};

struct ls_schema {
    bool header; /* names are the files' own; else column1, column2, ... by place */
    int missing; /* enum ls_missing */
    double missing_value;
    int encoding; /* enum ls_encoding */
    int date_rule;
    int count;
    struct ls_schema_column *columns; /* [count] owned; in the order of the training file */
};

/* Room for `count` columns of which nothing is known yet. */
void ls_schema_create(struct ls_schema *schema, int count);
void ls_schema_clear(struct ls_schema *schema); /* also of a zeroed one */

/* The column of that name; -1: there is none. */
int ls_schema_find(const struct ls_schema *schema, const char *name);
/* The place of a word in its column; -1: it has no such word. */
int ls_schema_word(const struct ls_schema_column *column, const char *word);
/* How many values of /inputs the column becomes. */
int ls_schema_width(const struct ls_schema *schema, int column);
/* Names and words of what becomes /inputs, one for each of its values ("city=Bonn" where one-hot);
 * and the fill value of each (NAN: none). Owned by the caller: ls_schema_free_names. fills may be
 * NULL. */
int ls_schema_inputs(const struct ls_schema *schema, char ***names, double **fills);
void ls_schema_free_names(char **names, int count);
/* The only target of words, whose words are the classes; or NULL. */
const struct ls_schema_column *ls_schema_classes(const struct ls_schema *schema);
/* The one column of a role, or NULL. */
const struct ls_schema_column *ls_schema_role(const struct ls_schema *schema, int role);

/* JSON, owned by the caller; and the inverse. The error names `path`. */
char *ls_schema_print(const struct ls_schema *schema);
LS_MUST_USE enum ls_status ls_schema_parse(struct ls_schema *schema, const char *text,
                                           const char *path, struct ls_error *error);
/* Of an HDF5 file, or of a file of JSON (RUN/schema.json); *found false (and an empty schema): the
 * file is no table. */
LS_MUST_USE enum ls_status ls_schema_load(struct ls_schema *schema, const char *path, bool *found,
                                          struct ls_error *error);
/* For people: a line for each column. */
void ls_schema_show(FILE *out, const struct ls_schema *schema);

/* Whether /inputs and /targets of two tables mean the same (fill values apart); else the error says
 * what does not. targets false: they do not matter. */
LS_MUST_USE enum ls_status ls_schema_compare(const struct ls_schema *expected,
                                             const struct ls_schema *found, bool targets,
                                             struct ls_error *error);

#endif
