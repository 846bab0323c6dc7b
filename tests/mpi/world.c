#include "tests/mpi/world.h"

#include <stdlib.h>

struct ls_communicator *world;

static void abort_job(void) {
    ls_communicator_abort(world, 1);
}

/* A wrong number of ranks is a failure, never a reason to skip. */
void ls_test_begin(void) {
    struct ls_error error;
    if (ls_communicator_create(&world, &error) != LS_OK) {
        ls_log(LS_LOG_ERROR, "%s", error.text);
        exit(1);
    }
    ls_test_failed = abort_job;
    if (ls_communicator_size(world) != ls_test_ranks()) {
        ls_log(LS_LOG_ERROR, "%d ranks, expected %d", ls_communicator_size(world), ls_test_ranks());
        abort_job();
    }
}

void ls_test_end(void) {
    ls_communicator_destroy(world);
}
