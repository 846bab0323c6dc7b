/* Columns whose numbers need more digits than float has. */
#include <math.h>

#include "io/csv_table.h"
#include "io/dataset.h"

bool ls_csv_all_integers(const struct ls_csv_table *table, int column) {
    for (uint64_t row = 0; row < table->rows; row++) {
        const double value = *ls_csv_cell(table, row, column);
        if (value != floor(value) || value < INT32_MIN || value > INT32_MAX)
            return false;
    }
    return true;
}

/* Of a column without missing cells. */
static bool needs_double(const struct ls_csv_table *table, int column) {
    double sum = 0, squares = 0;
    for (uint64_t row = 0; row < table->rows; row++)
        sum += *ls_csv_cell(table, row, column);
    const double mean = sum / (double)table->rows;
    for (uint64_t row = 0; row < table->rows; row++) {
        const double difference = *ls_csv_cell(table, row, column) - mean;
        squares += difference * difference;
    }
    const double variance = squares / (double)table->rows;
    return ls_mean_needs_double(mean, variance > 0 ? 1 / sqrt(variance) : 1);
}

void ls_csv_learn_digits(struct ls_csv_table *table) {
    for (int c = 0; c < table->schema.count; c++) {
        struct ls_schema_column *column = &table->schema.columns[c];
        column->exact =
            column->kind != LS_CELL_CATEGORY && ls_csv_is_read(table, c) && needs_double(table, c);
    }
}

bool ls_csv_is_exact(const struct ls_csv_table *table, int role) {
    for (int c = 0; c < table->schema.count; c++)
        if (table->schema.columns[c].role == role && table->schema.columns[c].exact)
            return true;
    return false;
}
