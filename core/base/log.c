#include "core/base/log.h"

#include <stdio.h>
#include <unistd.h>

static int log_rank, log_world = 1;
static enum ls_log_level log_level = LS_LOG_INFO;

void ls_log_set_rank(int rank, int world_size) {
    log_rank = rank;
    log_world = world_size;
}

int ls_log_rank(void) {
    return log_rank;
}

void ls_log_set_level(enum ls_log_level level) {
    log_level = level;
}

void ls_log(enum ls_log_level level, const char *format, ...) {
    static const char *const names[] = {"error: ", "warning: ", "", "debug: "};
    if (level > log_level)
        return;
    char line[LS_ERROR_MAX + 64];
    int used = log_world > 1
                   ? snprintf(line, sizeof line, "lockstep[%d]: %s", log_rank, names[level])
                   : snprintf(line, sizeof line, "lockstep: %s", names[level]);
    va_list arguments;
    va_start(arguments, format);
    used += vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    if ((size_t)used > sizeof line - 2)
        used = (int)sizeof line - 2;
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)used) < 0)
        return; /* nowhere to say so */
}
