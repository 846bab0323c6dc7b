/* Saving and restoring a run: the worker's side of the commit protocol (io/checkpoint.h has the
 * files'). */
#ifndef LS_LAUNCHER_SAVE_H
#define LS_LAUNCHER_SAVE_H

#include "io/checkpoint.h"
#include "launcher/worker/state.h"
#include "launcher/worker/worker.h"

struct ls_save {
    const char *run;
    uint64_t incarnation;
    const char *config_text; /* resolved */
    int keep;
    float *best[LS_GROUPS_MAX]; /* owned; per phase: its slice of the best parameters so far; NULL
                                   without early stopping */
};

/* With early stopping: memory for the best parameters; the present ones (their average, where there
 * is one: that was measured) are the best so far; and back to them (collective). */
void ls_save_create_best(struct ls_save *save, const struct ls_worker *worker);
void ls_save_keep_best(struct ls_save *save, const struct ls_worker *worker);
void ls_save_take_best(const struct ls_save *save, struct ls_worker *worker);
void ls_save_destroy_best(struct ls_save *save);

/* The values that a checkpoint was measured with, into the parameters (and their average), for the
 * last measurements of a run. Collective. After an error the parameters may be those of two
 * checkpoints. */
LS_MUST_USE enum ls_status ls_save_load_measured(struct ls_worker *worker,
                                                 const struct ls_save *save, uint64_t step,
                                                 struct ls_error *error);

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
