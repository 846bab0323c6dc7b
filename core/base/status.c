#include "core/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"

static void end_process(bool bug) {
    (void)bug;
    abort();
}

static ls_job_end *end_job = end_process;
static void (*tell_witness)(bool bug, const char *text);

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

static _Noreturn void end(bool bug, const char *text) {
    if (tell_witness)
        tell_witness(bug, text);
    end_job(bug);
    abort();
}

_Noreturn void ls_bug(const char *file, int line, const char *condition, const char *format, ...) {
    char text[LS_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ls_log(LS_LOG_ERROR, "bug: %s:%d: '%s' does not hold: %s", file, line, condition, text);
    end(true, text);
}

_Noreturn void ls_give_up(const char *format, ...) {
    char text[LS_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ls_log(LS_LOG_ERROR, "%s", text);
    end(false, text);
}

ls_job_end *ls_job_set_end(ls_job_end *function) {
    ls_job_end *before = end_job;
    end_job = function ? function : end_process;
    return before;
}

void ls_job_set_witness(void (*witness)(bool bug, const char *text)) {
    tell_witness = witness;
}
