/* What missing numbers become. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "io/csv_table.h"
#include "io/fill.h"

static enum ls_status learn_fill(struct ls_csv_table *table, int c, struct ls_error *error) {
    struct ls_schema_column *column = &table->schema.columns[c];
    const struct ls_schema *schema = &table->schema;
    if (schema->missing == LS_MISSING_VALUE)
        column->fill = schema->missing_value;
    if (schema->missing != LS_MISSING_MEAN && schema->missing != LS_MISSING_MEDIAN)
        return LS_OK;
    double *values = ls_calloc(table->rows, sizeof *values);
    uint64_t count = 0;
    for (uint64_t row = 0; row < table->rows; row++) {
        const double value = *ls_csv_cell(table, row, c);
        if (!isnan(value))
            values[count++] = value;
    }
    column->fill = ls_fill_value(values, count, schema->missing == LS_MISSING_MEDIAN);
    free(values);
    if (count)
        return LS_OK;
    return ls_fail(error, LS_INVALID, "%s: column '%s' has no values, so no mean to fill in",
                   table->files[0].path, column->name);
}

static bool is_number(const struct ls_schema_column *column) {
    return column->role == LS_ROLE_INPUT && column->kind != LS_CELL_CATEGORY;
}

enum ls_status ls_csv_fill(struct ls_csv_table *table, int64_t **cells, uint64_t *cell_count,
                           struct ls_error *error) {
    const struct ls_schema *schema = &table->schema;
    const bool listed = schema->missing == LS_MISSING_MEAN || schema->missing == LS_MISSING_MEDIAN;
    uint64_t room = 0;
    *cells = NULL;
    *cell_count = 0;
    for (int c = 0; c < schema->count && !table->learned; c++) {
        const enum ls_status status =
            is_number(&schema->columns[c]) ? learn_fill(table, c, error) : LS_OK;
        if (status != LS_OK)
            return status;
    }
    for (uint64_t row = 0; row < table->rows; row++) {
        int64_t place = 0;
        for (int c = 0; c < schema->count; c++) {
            const struct ls_schema_column *column = &schema->columns[c];
            double *value = ls_csv_cell(table, row, c);
            if (is_number(column) && isnan(*value)) {
                *value = column->fill;
                if (listed && *cell_count == room) {
                    room = room ? 2 * room : 256;
                    *cells = ls_realloc(*cells, room, 2 * sizeof **cells);
                }
                if (listed) {
                    (*cells)[2 * *cell_count] = (int64_t)row;
                    (*cells)[2 * (*cell_count)++ + 1] = place;
                }
            }
            place += ls_schema_width(schema, c);
        }
    }
    return LS_OK;
}
