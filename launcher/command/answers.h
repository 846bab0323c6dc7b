/* What the outputs of a config's model are. */
#ifndef LS_LAUNCHER_ANSWERS_H
#define LS_LAUNCHER_ANSWERS_H

#include "core/tasks/answers.h"
#include "launcher/config/config.h"

/* width: outputs that belong together. */
enum ls_answer_kind ls_answer_of(const struct ls_config *config, int64_t width);

#endif
