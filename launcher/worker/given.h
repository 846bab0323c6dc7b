/* A run that begins with values that somebody gives it, and is not trained yet: its first
 * checkpoint is of step 0, and `train` goes on from there. */
#ifndef LS_LAUNCHER_GIVEN_H
#define LS_LAUNCHER_GIVEN_H

#include "core/graph/parameters.h"
#include "launcher/worker/run.h"

/* Owned: ls_given_clear. */
struct ls_given {
    struct ls_given_values {
        char name[LS_NAME_MAX]; /* of a parameter */
        int64_t count;
        float *plain; /* [count] in plain order; owned */
    } * items;
    int count;
    char *start;   /* JSON text, as ls_start_print has it: what the run says of its beginning */
    char *centres; /* JSON text, of the feeds whose means are given (struct ls_state); NULL: none */
};
void ls_given_clear(struct ls_given *given); /* also of a zeroed one */

/* Begins the run and saves its checkpoint of step 0. What is not given begins as in any run. The
 * run must have no checkpoint. In a world of one rank. */
LS_MUST_USE enum ls_status ls_run_begin_with(struct ls_communicator *communicator,
                                             const struct ls_run_request *request,
                                             const struct ls_given *given, struct ls_error *error);

#endif
