/* The lines of runs as a table. */
#ifndef LS_LAUNCHER_TABLE_H
#define LS_LAUNCHER_TABLE_H

#include <stdio.h>

#include "launcher/worker/history.h"

/* CSV: a header, then a line for each of metrics.jsonl: the run (where there are several), step,
 * epoch, split, and the metrics; numbers read back to the same bits, nan where the value was none,
 * an empty field where a line does not have the metric. */
void ls_table_write(FILE *out, const struct ls_history *runs, int count, const char *const *metrics,
                    int metric_count);

#endif
