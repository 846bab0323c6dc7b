#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "launcher/supervisor/internal.h"
#include "launcher/supervisor/reason.h"
#include "tests/support/support.h"

static off_t file_size(void) {
    char path[600];
    struct stat info;
    snprintf(path, sizeof path, "%s/ranks/rank-3.json", ls_test_folder());
    ck_assert_int_eq(stat(path, &info), 0);
    return info.st_size;
}

START_TEST(a_reason_grows_with_the_run_and_stays_in_place) {
    struct ls_reason reason;
    const char *run = ls_test_folder();
    ck_assert(!ls_reason_read(run, 3, &reason));
    ls_require(ls_reason_open(run, 3, &ls_test_error));
    const off_t size = file_size();
    ck_assert(ls_reason_read(run, 3, &reason));
    ck_assert_int_eq(reason.pid, getpid());
    ck_assert_int_eq(reason.exit_code, -1);
    ck_assert_str_eq(reason.phase, "starting");
    ls_reason_phase("training");
    ls_reason_step(18446744073709551ull);
    ck_assert(ls_reason_read(run, 3, &reason));
    ck_assert_uint_eq(reason.step, 18446744073709551ull);
    ck_assert_str_eq(reason.phase, "training");
    char message[8000]; /* longer than the file, and full of what JSON would escape */
    memset(message, '"', sizeof message);
    memcpy(message, "a\nb\\", 4);
    message[sizeof message - 1] = '\0';
    ls_reason_finish(4, message);
    ck_assert(ls_reason_read(run, 3, &reason));
    ck_assert_int_eq(reason.exit_code, 4);
    ck_assert_int_eq(file_size(), size);
    ls_require(ls_reasons_clear(run, &ls_test_error));
    ck_assert(!ls_reason_read(run, 3, &reason));
    ls_require(ls_reasons_clear(run, &ls_test_error));
}
END_TEST

START_TEST(a_file_of_another_kind_is_no_reason) {
    struct ls_reason reason;
    char path[600];
    snprintf(path, sizeof path, "%s/ranks", ls_test_folder());
    ls_require(ls_folder_create(path, &ls_test_error));
    snprintf(path, sizeof path, "%s/ranks/rank-1.json", ls_test_folder());
    const char *const texts[] = {"", "{", "[1]", "{\"rank\": 1, \"pid\": \"x\"}"};
    for (int i = 0; i < 4; i++) {
        ls_require(ls_file_write(path, texts[i], strlen(texts[i]), &ls_test_error));
        ck_assert(!ls_reason_read(ls_test_folder(), 1, &reason));
    }
}
END_TEST

LS_SUITE(a_reason_grows_with_the_run_and_stays_in_place, a_file_of_another_kind_is_no_reason)
