/* Initial values from another run (`start` in a config): what of its parameters a model takes, by
 * name. Only a run that begins takes any; one that goes on has its own checkpoint. */
#ifndef LS_LAUNCHER_START_H
#define LS_LAUNCHER_START_H

#include "launcher/worker/data.h"
#include "launcher/worker/saved.h"
#include "launcher/worker/worker.h"

struct ls_start {
    char run[LS_TEXT_MAX];
    struct ls_saved_run saved;
    struct ls_parameter_set *parameters; /* of the other run; owned */
    /* Per parameter of the model, which of those it takes; NULL: it keeps its own. Owned. */
    const struct ls_parameter **taken;
};

/* Opens config->start.from and matches its parameters with those of a model, without reading any
 * values. Those of one name must have one shape (the table of an embedding may be stored as the
 * transpose that a linear layer shares), unless start.except names them; what start.need names must
 * be there; and tokens must stand for the same words. Constants are the data's, but for means and
 * scales of feeds. Errors (LS_INVALID) begin with the key's place and list what differs.
 * ls_start_close, also after an error. */
LS_MUST_USE enum ls_status ls_start_open(struct ls_start *start, const struct ls_data *data,
                                         const struct ls_worker *worker, struct ls_error *error);
void ls_start_close(struct ls_start *start);

/* The values that `evaluate` would use, into the model's. */
LS_MUST_USE enum ls_status ls_start_load(const struct ls_start *start,
                                         const struct ls_parameter_set *parameters, float *flat,
                                         struct ls_error *error);

/* What is taken off the values of feeds in double (struct ls_state, centres): as the other run has
 * it for feeds whose means are taken, else as in `own` (NULL: nothing). NULL or owned by the
 * caller.
 */
char *ls_start_centres(const struct ls_start *start, const struct ls_data *data,
                       const struct ls_parameter_set *parameters, const char *own);

/* The centres `own`, but for these feeds, whose are those of `others` (each NULL: none). NULL or
 * owned by the caller. */
char *ls_centres_merge(const char *own, const char *others, const char *const *feeds, int count);

/* JSON text of an object: from, step, and names: taken, own, unused. Owned by the caller. */
char *ls_start_print(const struct ls_start *start, const struct ls_parameter_set *parameters);
/* The same as a line for people, from that text. */
void ls_start_describe(const char *text, char *line, size_t size);

/* The vocabularies that raw texts of a run with `start` are read with: those of `run`, its own
 * folder (NULL: it has none yet), else those of the run that it starts from. False: there are none.
 */
bool ls_start_vocabulary(const struct ls_config *config, const char *run, char path[LS_TEXT_MAX]);

#endif
