/* Metrics as JSON, for result.json and `lockstep evaluate --json`. */
#ifndef LS_LAUNCHER_METRICS_JSON_H
#define LS_LAUNCHER_METRICS_JSON_H

#include <jansson.h>

#include "core/tasks/task.h"
#include "launcher/worker/data.h"

/* A number, or null where it is none. */
json_t *ls_json_number(double value);

/* {"loss": ..., "accuracy": ..., "classes": {NAME: {"precision", "recall", "f1", "support"}},
 * "confusion": [[...]]}. data: where classes have their names; NULL: numbers are their names. */
json_t *ls_metrics_json(const struct ls_metrics *metrics, const struct ls_data *data);

#endif
