/* Where a run stands: what a checkpoint's manifest carries besides the tensors. */
#ifndef LS_LAUNCHER_STATE_H
#define LS_LAUNCHER_STATE_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/layers/feed.h"
#include "core/tasks/task.h"
#include "io/identity.h"

enum { LS_STATE_SUMS_MAX = 4096, LS_STATE_PARTS = 3 };

struct ls_state {
    int numerics;                  /* the version that the checkpoint was written with */
    uint64_t step;                 /* updates done */
    uint64_t epoch;                /* completed epochs */
    int64_t index;                 /* next batch of the running epoch */
    int64_t schedule_steps;        /* length of the schedule, fixed at the first start */
    double seconds;                /* of training, over all restarts */
    uint64_t rows[LS_STATE_PARTS]; /* of train, validation, test; 0: no such part */
    uint64_t metrics_bytes;        /* of metrics.jsonl when the checkpoint was taken */

    /* What the data offered: a model can be built without it. */
    int feed_count;
    struct ls_feed feeds[LS_FEEDS_MAX];

    /* Of the data sets behind the parts: which data it was. rows 0: there is no such part, or the
     * checkpoint does not say. */
    struct ls_identity data[LS_STATE_PARTS];
    /* What was learned from the training data and stands in no parameter: owned texts of JSON, of
     * the columns of a table (io/schema.h; NULL: it is none), and of what is taken off feeds when
     * they are read (standardise.c; NULL: nothing). */
    char *schema, *centres;

    char *start; /* owned JSON text (ls_start_print) of what came from another run; NULL: nothing */

    int sum_count;   /* metric sums (ls_worker_sum_count); at most LS_STATE_SUMS_MAX */
    double *window;  /* owned; since the last line of metrics.jsonl */
    double *running; /* owned; since the epoch began; at its end, of the last epoch */

    bool has_best; /* early stopping */
    double best;   /* value of the watched metric */
    uint64_t best_epoch, best_step;
    int64_t epochs_without; /* since then */
    /* Of each phase whose schedule is plateau: epochs without a better value since the rate was
     * last reduced, and how often it was. */
    struct ls_plateau {
        int64_t epochs, reductions;
    } plateaus[LS_PHASES_MAX];
    bool early_stopped; /* the parameters are the best ones again */
    bool other_data;    /* it went on with data of other epochs: they do not count the steps */
};

/* Sums of zero. */
void ls_state_create_sums(struct ls_state *state, int count);
/* Frees the sums; a state that is all zero is allowed. */
void ls_state_clear(struct ls_state *state);

/* JSON text of an object, with the resolved config and this program's numerics version. Owned by
 * the caller. */
char *ls_state_print(const struct ls_state *state, const char *config_text);

/* The inverse. *config_text and the sums are owned by the caller (ls_state_clear); after an error
 * there are none. */
LS_MUST_USE enum ls_status ls_state_parse(const char *text, struct ls_state *state,
                                          char **config_text, struct ls_error *error);

#endif
