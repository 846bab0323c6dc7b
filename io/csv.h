/* CSV text to records with places, over libcsv; and a field to text. */
#ifndef LS_IO_CSV_H
#define LS_IO_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"

/* Counted from 1; columns are characters of UTF-8. */
struct ls_csv_place {
    int64_t line, column;
};

struct ls_csv_field {
    const char *text;          /* borrowed until the next record; ends with NUL */
    struct ls_csv_place place; /* where it starts */
};

struct ls_csv_record {
    int count;
    const struct ls_csv_field *fields;
    struct ls_csv_place end; /* just behind the last field */
};

struct ls_csv {
    const char *path; /* for messages */
    const char *text; /* borrowed */
    uint64_t bytes;
    char separator;      /* a space: runs of blanks, which may also stand around a line */
    int64_t skip_lines;  /* at the start, whatever they hold */
    int64_t records_max; /* stops behind so many; 0: never */
    bool checked;        /* an earlier walk has found only text */
    enum ls_status (*record)(void *context, const struct ls_csv_record *record,
                             struct ls_error *error);
    void *context;
};

/* Calls `record` for each record; empty lines are none. Stops at the first failure. A quote that is
 * not closed or stands inside a bare field is an error; so is what is not UTF-8, or NUL. */
LS_MUST_USE enum ls_status ls_csv_walk(const struct ls_csv *csv, struct ls_error *error);

/* "FILE:LINE:COLUMN: error: text", LS_INVALID */
enum ls_status ls_csv_fail(struct ls_error *error, const char *path, struct ls_csv_place place,
                           const char *format, ...) LS_PRINTF(4, 5);

/* A field as text of a CSV file, in quotes where it needs them. */
void ls_csv_print(FILE *out, const char *text);

#endif
