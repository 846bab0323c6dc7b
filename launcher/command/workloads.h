/* The reference workloads of `lockstep bench`: benchmarks/workloads/NAME.yaml, compiled in, and the
 * synthetic data that their configs name. */
#ifndef LS_LAUNCHER_WORKLOADS_H
#define LS_LAUNCHER_WORKLOADS_H

#include "core/layers/feed.h"
#include "launcher/config/config.h"

struct ls_workload {
    const char *name;
    const char *text; /* the config; batch per process */
};

/* NULL if there is none of that name. */
const struct ls_workload *ls_workload_find(const char *name);
const struct ls_workload *ls_workloads(int *count);

/* What `data.train: "synthetic KIND ..."` says:
 *   normal 28x28x1 [classes 10], tanh 28x28x1, bits 784, tokens 65 window 64 */
struct ls_synthetic {
    enum { LS_SYNTHETIC_NORMAL, LS_SYNTHETIC_TANH, LS_SYNTHETIC_BITS, LS_SYNTHETIC_TOKENS } kind;
    struct ls_feed feeds[2]; /* inputs, targets */
    int feed_count;
};
LS_MUST_USE enum ls_status ls_synthetic_parse(const char *source, struct ls_synthetic *synthetic,
                                              struct ls_error *error);

/* Row `row` of all rows: to[feed] are float or int32, as `integer` of the feed says. */
void ls_synthetic_draw(const struct ls_synthetic *synthetic, uint64_t row, void *const to[2]);

#endif
