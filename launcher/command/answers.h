/* What the outputs of a config's model are. */
#ifndef LS_LAUNCHER_ANSWERS_H
#define LS_LAUNCHER_ANSWERS_H

#include "core/tasks/answers.h"
#include "launcher/config/config.h"

/* width: outputs that belong together. */
enum ls_answer_kind ls_answer_of(const struct ls_config *config, int64_t width);
/* Whether they answer with one of several classes, or with labels: else they are numbers, as the
 * pixels of an autoencoder are, though those may be shares between 0 and 1. */
bool ls_answer_classifies(const struct ls_config *config, int64_t width);

#endif
