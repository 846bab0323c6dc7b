/* Work on a foreign file, done in child processes first: libraries have bugs that damaged files
 * reach, and neither their crash nor an endless loop may take the program along. Internal to io. */
#ifndef LS_IO_TRIAL_H
#define LS_IO_TRIAL_H

#include <stdint.h>

#include "core/base/status.h"

struct ls_trial {
    /* Part 0 .. parts - 1 of the work, in a child: it may call what it likes but leaves nothing
     * behind except files, shared memory and its error. */
    enum ls_status (*work)(void *context, int part, struct ls_error *error);
    void *context;
    const char *path;      /* for messages: the foreign file */
    int parts;             /* children at a time; 0: 1 */
    unsigned seconds_max;  /* of a child's processor time; 0: 10 */
    uint64_t memory_bytes; /* that a child may take beyond what is there; 0: 4 GiB */
};

/* Whether the work succeeds, in children. A child that crashes or goes on for too long is
 * LS_INVALID: the file is damaged, or made to harm. Signals that end a child do not reach this
 * process. */
LS_MUST_USE enum ls_status ls_trial_run(const struct ls_trial *trial, struct ls_error *error);

#endif
