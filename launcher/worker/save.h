/* Saving and restoring a run: the worker's side of the commit protocol (io/checkpoint.h has the
 * files'). */
#ifndef LS_LAUNCHER_SAVE_H
#define LS_LAUNCHER_SAVE_H

#include "io/checkpoint.h"
#include "launcher/worker/state.h"
#include "launcher/worker/worker.h"

/* What a rank's shard holds: its slice of the parameters, the optimiser's arrays, and with early
 * stopping the best parameters so far (best may be NULL). */
struct ls_checkpoint_arrays ls_save_arrays(struct ls_worker *worker, float *best);

struct ls_save {
    const char *run;
    uint64_t incarnation;
    const char *config_text; /* resolved */
    int keep;
    float *best; /* slice; or NULL */
};

/* Collective: all ranks agree that their parameters and positions are equal, write, commit.
 * LS_DIVERGED names the ranks that differ. After any other error the previous checkpoint still
 * stands, and training may go on. */
LS_MUST_USE enum ls_status ls_save(struct ls_worker *worker, const struct ls_save *save,
                                   const struct ls_state *state, struct ls_error *error);

/* Collective: restores the newest intact checkpoint; *found false: the run has none. Refuses what
 * may not change (ls_config_resumable). */
LS_MUST_USE enum ls_status ls_restore(struct ls_worker *worker, const struct ls_save *save,
                                      struct ls_state *state, bool *found, struct ls_error *error);

/* The newest checkpoint's state and config, without tensors (the launcher, before it spawns
 * anything). Changes nothing on disk. */
LS_MUST_USE enum ls_status ls_restore_look(const char *run, const struct ls_config *config,
                                           struct ls_state *state, bool *found,
                                           struct ls_error *error);

#endif
