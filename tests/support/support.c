#include "tests/support/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ls_error ls_test_error;
void (*ls_test_failed)(void);

static char folder[512];

static int remove_entry(const char *path, const struct stat *info, int flag, struct FTW *where) {
    (void)info;
    (void)flag;
    (void)where;
    return remove(path);
}

static void remove_folder(void) {
    if (folder[0])
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *ls_test_folder(void) {
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/lockstep-test-XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(folder)) {
            perror(folder);
            exit(1);
        }
        atexit(remove_folder);
    }
    return folder;
}

int ls_test_ranks(void) {
    const char *text = getenv("LS_TEST_RANKS");
    return text ? atoi(text) : 1;
}

Suite *ls_test_make(const char *name, const TTest *const *tests, int count) {
    const char *slash = strrchr(name, '/');
    Suite *suite = suite_create(slash ? slash + 1 : name);
    for (int i = 0; i < count; i++) {
        TCase *group = tcase_create(tests[i]->name);
        tcase_set_timeout(group, 0);
        tcase_add_test(group, tests[i]);
        suite_add_tcase(suite, group);
    }
    return suite;
}

__attribute__((weak)) void ls_test_begin(void) {
}

__attribute__((weak)) void ls_test_end(void) {
}

int main(void) {
    ls_test_begin();
    SRunner *runner = srunner_create(ls_test_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (failed && ls_test_failed)
        ls_test_failed();
    ls_test_end();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
