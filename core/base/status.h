/* How functions fail: a must-use status, and a text owned by the caller that says what went wrong.
 *
 * Every function that can fail for a reason outside the program (file, config, data, memory)
 * returns enum ls_status and takes a struct ls_error as its last argument. The place that notices a
 * failure fills the text; each level above may put in front what it was doing. Bugs are not
 * statuses: see LS_ASSERT; neither is a lack of memory or threads at set-up: see ls_give_up. */
#ifndef LS_BASE_STATUS_H
#define LS_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define LS_MUST_USE __attribute__((warn_unused_result))
#define LS_PRINTF(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

enum ls_status {
    LS_OK = 0,
    LS_INVALID,  /* the user's input is wrong: usage, config, data (exit code 2) */
    LS_SYSTEM,   /* the system refused: file, disk, memory, process */
    LS_DAMAGED,  /* a file of ours is not what was written: truncated, flipped bits */
    LS_DIVERGED, /* the numbers went wrong: not finite, replicas differ */
    LS_LOCKED    /* another process has it */
};

enum { LS_ERROR_MAX = 2048 };

struct ls_error {
    enum ls_status status;
    char text[LS_ERROR_MAX]; /* no newline at the end; at most six lines */
};

/* Sets status and text; returns status, so that `return ls_fail(error, LS_INVALID, ...)` reads
 * well. */
enum ls_status ls_fail(struct ls_error *error, enum ls_status status, const char *format, ...)
    LS_PRINTF(3, 4);

/* Puts text in front of what is there ("reading train.csv: "); returns the status that is there. */
enum ls_status ls_fail_context(struct ls_error *error, const char *format, ...) LS_PRINTF(2, 3);

/* Always on. A failed assertion is a bug: prints text, rank, file and line, and ends the job.
 * The values belong into the text: LS_ASSERT(n <= max, "rows %lld, at most %lld", n, max). */
#define LS_ASSERT(condition, ...)                                                                  \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            ls_bug(__FILE__, __LINE__, #condition, __VA_ARGS__);                                   \
    } while (0)

_Noreturn void ls_bug(const char *file, int line, const char *condition, const char *format, ...)
    LS_PRINTF(4, 5);

/* The system has no memory or no thread for what cannot be done without: prints "error: " and the
 * text, and ends the job. */
_Noreturn void ls_give_up(const char *format, ...) LS_PRINTF(1, 2);

/* What ends the job after a bug, or a lack, was printed; abort() unless set (dist sets MPI_Abort,
 * the program an exit code). Returns what it was before. */
typedef void ls_job_end(bool bug);
ls_job_end *ls_job_set_end(ls_job_end *end);
/* What is told of it before that; nobody unless set. */
void ls_job_set_witness(void (*witness)(bool bug, const char *text));

#endif
