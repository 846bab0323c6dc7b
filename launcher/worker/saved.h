/* A run as it was saved: for the next start of it, and for those who use its model. */
#ifndef LS_LAUNCHER_SAVED_H
#define LS_LAUNCHER_SAVED_H

#include "io/checkpoint.h"
#include "launcher/config/config.h"
#include "launcher/worker/state.h"

struct ls_saved_run {
    struct ls_checkpoint checkpoint; /* owned, like the rest */
    struct ls_state state;
    struct ls_config config; /* of the run's first start */
};

/* The checkpoint that a run is used with: its newest intact one, or the best if it keeps that;
 * whatever numerics version wrote it. None is an error.
 * ls_saved_run_close, also after an error. */
LS_MUST_USE enum ls_status ls_saved_run_open(struct ls_saved_run *saved, const char *run,
                                             struct ls_error *error);
void ls_saved_run_close(struct ls_saved_run *saved);

/* The run of `from`, which is one or a checkpoint in it (RUN/checkpoints/step-0000001200), and its
 * step; UINT64_MAX: it names none. */
void ls_saved_run_split(const char *from, char run[LS_TEXT_MAX], uint64_t *step);
/* The checkpoint that `from` names, or else the one that its run is used with.
 * ls_saved_run_close, also after an error. */
LS_MUST_USE enum ls_status ls_saved_run_choose(struct ls_saved_run *saved, const char *from,
                                               char run[LS_TEXT_MAX], struct ls_error *error);

/* The feeds that its training data offered, as a model takes them; returns their number. And what
 * its models are built with for one sample, without any data: config and feeds are borrowed. */
int ls_saved_run_feeds(const struct ls_saved_run *saved, struct ls_feed feeds[LS_FEEDS_MAX]);
struct ls_model_options ls_saved_run_model(const struct ls_saved_run *saved,
                                           const struct ls_feed *feeds, int feed_count);
/* Its parameters, of all phases and losses, into an empty set: its models are built again. */
LS_MUST_USE enum ls_status ls_saved_run_lay_out(const struct ls_saved_run *saved,
                                                struct ls_parameter_set *parameters,
                                                struct ls_error *error);

/* LS_DAMAGED if its state is none that a run can have had at its step. */
LS_MUST_USE enum ls_status ls_saved_run_check(const struct ls_checkpoint *checkpoint,
                                              struct ls_error *error);
/* Only the newest checkpoint whose files and state are intact; set_aside: see struct
 * ls_checkpoint_search. ls_saved_run_close, also after an error. */
LS_MUST_USE enum ls_status ls_saved_run_find(struct ls_saved_run *saved, const char *run,
                                             bool set_aside, bool *found, struct ls_error *error);

/* The values that the run's model is used with, into the flat buffer of its parameters: those of
 * the last step, or their moving average. */
LS_MUST_USE enum ls_status ls_saved_run_load(const struct ls_saved_run *saved,
                                             const struct ls_parameter_set *parameters, float *flat,
                                             struct ls_error *error);

/* State and config of saved->checkpoint. */
LS_MUST_USE enum ls_status ls_saved_run_read(struct ls_saved_run *saved, struct ls_error *error);

#endif
