/* Which curves of some runs stand in one chart. */
#ifndef LS_LAUNCHER_CURVES_H
#define LS_LAUNCHER_CURVES_H

#include "launcher/chart/chart.h"
#include "launcher/worker/history.h"

struct ls_curves {
    const struct ls_history *runs; /* [count] borrowed */
    int count;
    enum ls_chart_x x;
    enum ls_chart_scale scale;
};

/* A metric of all runs and parts that have it: one colour for each part; of several runs, one for
 * each run, and dashes for the parts. Points between epochs that only the training has, and the one
 * of the test part, are what the file holds. */
void ls_curves_metric(struct ls_chart *chart, const struct ls_curves *curves, const char *metric);
enum { LS_CURVES_MAX = 12 }; /* more cannot be told apart */
/* The metrics of one kind of the training, in one chart; the names without `prefix`. Of more than
 * LS_CURVES_MAX (the gradient norms of many layers) some, evenly spread, and the title says so. */
void ls_curves_kind(struct ls_chart *chart, const struct ls_curves *curves, const char *title,
                    enum ls_metric_kind kind, const char *prefix);

/* Whether some run has a curve of a metric: a value that training or validation measured. */
bool ls_curves_have(const struct ls_curves *curves, const char *metric);

/* The names of all metrics of the runs, in the order of the first run that has them: *names is
 * owned by the caller, the texts are the runs'. Returns their number. */
int ls_curves_names(const struct ls_curves *curves, const char ***names);

#endif
