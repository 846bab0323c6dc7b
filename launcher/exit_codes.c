#include "launcher/exit_codes.h"

#include <stddef.h>

enum ls_exit_code ls_exit_code(enum ls_status status) {
    switch (status) {
    case LS_OK:
        return LS_EXIT_DONE;
    case LS_INVALID:
        return LS_EXIT_INVALID;
    case LS_SYSTEM:
        return LS_EXIT_SYSTEM;
    case LS_DAMAGED:
        return LS_EXIT_DAMAGED;
    case LS_DIVERGED:
        return LS_EXIT_DIVERGED;
    case LS_LOCKED:
        return LS_EXIT_LOCKED;
    }
    return LS_EXIT_BUG;
}

const char *ls_exit_text(int code) {
    switch (code) {
#define LS_EXIT_CASE(name, number, text)                                                           \
    case number:                                                                                   \
        return text;
        LS_EXIT_CODES(LS_EXIT_CASE)
#undef LS_EXIT_CASE
    default:
        return NULL;
    }
}
