#include "launcher/chart/table.h"

#include <inttypes.h>

#include "io/csv.h"
#include "launcher/worker/data.h"

void ls_table_write(FILE *out, const struct ls_history *runs, int count, const char *const *metrics,
                    int metric_count) {
    fputs(count > 1 ? "run,step,epoch,split" : "step,epoch,split", out);
    for (int m = 0; m < metric_count; m++) {
        fputc(',', out);
        ls_csv_print(out, metrics[m]);
    }
    fputc('\n', out);
    for (int r = 0; r < count; r++)
        for (int64_t i = 0; i < runs[r].count; i++) {
            const struct ls_history_line *line = &runs[r].lines[i];
            if (count > 1) {
                ls_csv_print(out, runs[r].name);
                fputc(',', out);
            }
            fprintf(out, "%" PRIu64 ",%.17g,%s", line->step, line->epoch, ls_part_name(line->role));
            for (int m = 0; m < metric_count; m++) {
                const double value = ls_history_value(line, ls_history_find(&runs[r], metrics[m]));
                fputc(',', out);
                if (!isinf(value))
                    fprintf(out, isnan(value) ? "nan" : "%.17g", value);
            }
            fputc('\n', out);
        }
}
