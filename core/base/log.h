/* Lines for people on stderr, each with the rank in front when there are several.
 * The rank and the level are the only process-wide settings of core. */
#ifndef LS_BASE_LOG_H
#define LS_BASE_LOG_H

#include "core/base/status.h"

enum ls_log_level { LS_LOG_ERROR, LS_LOG_WARNING, LS_LOG_INFO, LS_LOG_DEBUG };

void ls_log_set_rank(int rank, int world_size);
int ls_log_rank(void);
void ls_log_set_level(enum ls_log_level level);

/* One line, written with one write(2), so that ranks do not mix inside a line. */
void ls_log(enum ls_log_level level, const char *format, ...) LS_PRINTF(2, 3);

#endif
