#include "core/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"

static void (*abort_job)(void) = abort;

enum ls_status ls_fail(struct ls_error *error, enum ls_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

enum ls_status ls_fail_context(struct ls_error *error, const char *format, ...) {
    char old[LS_ERROR_MAX];
    memcpy(old, error->text, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (written >= 0 && (size_t)written < sizeof error->text) {
        const size_t room = sizeof error->text - (size_t)written;
        size_t length = strlen(old);
        if (length >= room)
            length = room - 1;
        memcpy(error->text + written, old, length);
        error->text[(size_t)written + length] = '\0';
    }
    return error->status;
}

_Noreturn void ls_bug(const char *file, int line, const char *condition, const char *format, ...) {
    char text[LS_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ls_log(LS_LOG_ERROR, "bug: %s:%d: '%s' does not hold: %s", file, line, condition, text);
    abort_job();
    abort();
}

void ls_bug_set_abort(void (*function)(void)) {
    abort_job = function ? function : abort;
}
