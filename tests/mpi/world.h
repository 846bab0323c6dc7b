/* What the tests under mpirun share: one communicator, and checks that all ranks agree on, so that
 * a failure on one rank fails the test on all and leaves none in a collective. */
#ifndef LS_TESTS_WORLD_H
#define LS_TESTS_WORLD_H

#include "core/base/log.h"
#include "dist/communicator.h"
#include "tests/support/support.h"

extern struct ls_communicator *world;

/* Collective: fails everywhere if the condition does not hold somewhere. */
#define world_check(condition, ...)                                                                \
    do {                                                                                           \
        const bool world_holds = (condition);                                                      \
        if (!world_holds)                                                                          \
            ls_log(LS_LOG_ERROR, __VA_ARGS__);                                                     \
        ck_assert_msg(ls_communicator_min(world, world_holds), "'%s' does not hold everywhere",    \
                      #condition);                                                                 \
    } while (0)

#endif
