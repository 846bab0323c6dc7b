/* The options of tables that need more than their own field: bytes, rules, what excludes what. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "io/csv_words.h"
#include "io/import_internal.h"

static enum ls_status settle_bytes(struct ls_import *import, struct ls_error *error) {
    if (strcmp(import->separator, "tab") == 0 || strcmp(import->separator, "\\t") == 0)
        strcpy(import->separator, "\t");
    else if (strcmp(import->separator, "space") == 0)
        strcpy(import->separator, " ");
    if (strlen(import->separator) != 1 || strchr("\"\r\n", import->separator[0]))
        return ls_fail(error, LS_INVALID,
                       "--separator: expected one byte, tab or space, found '%s'",
                       import->separator);
    if (strlen(import->decimal) != 1 || strchr("\"\r\n \t+-eE0123456789", import->decimal[0]))
        return ls_fail(error, LS_INVALID, "--decimal: expected one byte, as . or , found '%s'",
                       import->decimal);
    if (import->decimal[0] == import->separator[0])
        return ls_fail(error, LS_INVALID,
                       "--decimal %s: fields are separated by the same byte; say --separator",
                       import->decimal);
    return LS_OK;
}

static enum ls_status settle_missing(struct ls_import *import, struct ls_error *error) {
    static const char *const rules[] = {"error", "drop", "mean", "median", "zero"};
    const char *text = import->missing;
    import->missing_rule = LS_MISSING_ERROR;
    if (!text[0])
        return LS_OK;
    for (int i = 0; i < 5; i++)
        if (!strcmp(text, rules[i])) {
            import->missing_rule = i; /* zero: a value */
            return LS_OK;
        }
    import->missing_rule = LS_MISSING_VALUE;
    if (ls_csv_number(text, '.', &import->missing_value) &&
        fabs(import->missing_value) <= (double)FLT_MAX)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "--missing: expected error, drop, mean, median, zero or a number, found '%s'",
                   text);
}

/* What would have no effect beside another option, or the wrong one. */
static enum ls_status check_pairs(const struct ls_import *import, struct ls_error *error) {
    const bool target = import->target[0] && strcmp(import->target, "none") != 0;
    if (import->series && target)
        return ls_fail(
            error, LS_INVALID,
            "--target beside --series: a series has no target column; a config says with "
            "data.target_channels what is predicted");
    if (import->series && import->target_file[0])
        return ls_fail(error, LS_INVALID, "--targets beside --series: a series has no targets");
    if (target && import->target_file[0])
        return ls_fail(error, LS_INVALID,
                       "--target beside --targets: the columns of %s are the targets",
                       import->target_file);
    if (import->target_file[0] && import->file_count > 1)
        return ls_fail(error, LS_INVALID, "--targets: expected one file of inputs, found %d",
                       import->file_count);
    if (import->target_file[0] && import->missing_rule == LS_MISSING_DROP)
        return ls_fail(error, LS_INVALID,
                       "--missing drop beside --targets: rows of the two files would no longer "
                       "belong together");
    return LS_OK;
}

enum ls_status ls_csv_options_settle(struct ls_import *import, struct ls_error *error) {
    enum ls_status status = settle_bytes(import, error);
    if (status == LS_OK)
        status = settle_missing(import, error);
    return status == LS_OK ? check_pairs(import, error) : status;
}
