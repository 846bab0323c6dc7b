/* What every test program shares: its main, running one Check suite without forking (MPI and
 * sanitizers dislike forks), and small helpers. A test file defines `Suite *suite(void)` through
 * LS_SUITE. */
#ifndef LS_TESTS_SUPPORT_H
#define LS_TESTS_SUPPORT_H

#include <check.h>
#include <stdint.h>

#include "core/base/status.h"

/* LS_SUITE(name_of_test, other_test) */
#define LS_SUITE(...)                                                                              \
    Suite *ls_test_suite(void) {                                                                   \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return ls_test_make(__FILE__, tests, (int)(sizeof tests / sizeof *tests));                 \
    }
Suite *ls_test_suite(void);
Suite *ls_test_make(const char *name, const TTest *const *tests, int count);

/* status must be LS_OK; prints the error's text otherwise. */
#define ls_require(call)                                                                           \
    do {                                                                                           \
        struct ls_error *const ls_e = &ls_test_error;                                              \
        if ((call) != LS_OK)                                                                       \
            ck_abort_msg("%s: %s", #call, ls_e->text);                                             \
    } while (0)
extern struct ls_error ls_test_error; /* pass &ls_test_error to the call */

/* A fresh folder below $TMPDIR or /tmp, removed at exit. */
const char *ls_test_folder(void);

/* Ranks that the test must run on (set by CMake), 1 outside MPI tests. */
int ls_test_ranks(void);

/* Called before the suite and after it: MPI tests set up their communicator here. May be left out.
 */
void ls_test_begin(void);
void ls_test_end(void);

/* A failure on one rank must not leave the others in a collective: MPI tests set this to abort the
 * job. */
extern void (*ls_test_failed)(void);

#endif
