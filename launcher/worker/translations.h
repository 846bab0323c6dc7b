/* How good a run's translations of a part are: every sentence is translated by beam search, and
 * compared with what the data has for it (core/tasks/bleu.h). */
#ifndef LS_LAUNCHER_TRANSLATIONS_H
#define LS_LAUNCHER_TRANSLATIONS_H

#include "launcher/worker/data.h"

/* Whether the config asks for BLEU of that part: that of the test part, or where there is none, of
 * the validation part. */
bool ls_translations_wanted(const struct ls_config *config, const struct ls_data *data, int role);

/* What must be there for it in the data of the run: two feeds of tokens with words, and the texts
 * that they were made of. */
LS_MUST_USE enum ls_status ls_translations_check(const struct ls_config *config,
                                                 const struct ls_data *data,
                                                 struct ls_error *error);

/* Adds to the metrics `bleu`, of each different sentence of the part against its first translation
 * in the data, and `bleu_all`, against all of them. Ranks and threads share the sentences; counts
 * are whole numbers, so the result has the same bits whatever their number. The words are those of
 * the run. Collective where the worker has a communicator. An error is this rank's own. */
LS_MUST_USE enum ls_status ls_translations_judge(struct ls_worker *worker,
                                                 const struct ls_data *data, int role,
                                                 const char *run, struct ls_metrics *metrics,
                                                 struct ls_error *error);

#endif
