/* Metrics as JSON, for result.json and `lockstep evaluate --json`. */
#ifndef LS_LAUNCHER_METRICS_JSON_H
#define LS_LAUNCHER_METRICS_JSON_H

#include <jansson.h>

#include "core/tasks/task.h"
#include "launcher/worker/data.h"

/* The name of class k of so many, as the training data's table has it (NULL: no data): a word of
 * its target, or the name of one of several targets; else the number, written to text. */
const char *ls_class_name(const struct ls_data *data, int classes, int k, char text[16]);

/* {"loss": ..., "accuracy": ..., "classes": {NAME: {"precision", "recall", "f1", "support"}},
 * "confusion": [[...]]}. data: where classes have their names; NULL: numbers are their names. */
json_t *ls_metrics_json(const struct ls_metrics *metrics, const struct ls_data *data);

#endif
