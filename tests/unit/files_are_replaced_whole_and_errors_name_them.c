#include "tests/support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "io/file.h"

static struct ls_error *const error = &ls_test_error;

/* Names in the test's folder; a small ring, so that two can be used in one call. */
static const char *in_folder(const char *name) {
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", ls_test_folder(), name);
    return path;
}

static void check_text(const char *part) {
    ck_assert_msg(strstr(error->text, part), "'%s' does not contain '%s'", error->text, part);
}

static int entries(const char *folder) {
    DIR *listing = opendir(folder);
    int count = -2;
    while (readdir(listing))
        count++;
    closedir(listing);
    return count;
}

START_TEST(what_is_written_is_read_back) {
    char large[300000];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 7);
    const uint64_t sizes[] = {0, 1, 65536, 131072, sizeof large};
    for (size_t i = 0; i < 5; i++) {
        char *bytes;
        uint64_t count, digest, size;
        ls_require(ls_file_write(in_folder("a"), large, sizes[i], error));
        ls_require(ls_file_read(in_folder("a"), sizes[i], &bytes, &count, error));
        ck_assert_uint_eq(count, sizes[i]);
        ck_assert_int_eq(memcmp(bytes, large, count), 0);
        ck_assert_int_eq(bytes[count], 0);
        free(bytes);
        ls_require(ls_file_digest(in_folder("a"), &size, &digest, error));
        ck_assert_uint_eq(size, sizes[i]);
        ck_assert_uint_eq(digest, ls_hash_bytes(large, sizes[i]));
    }
    char *bytes;
    uint64_t count;
    ck_assert_int_eq(ls_file_read(in_folder("a"), 299999, &bytes, &count, error), LS_INVALID);
    check_text("larger than 299999 bytes");
    ck_assert_ptr_null(bytes);
    ck_assert_int_eq(entries(ls_test_folder()), 1);
}
END_TEST

START_TEST(an_existing_file_survives_a_failed_write) {
    ls_require(ls_file_write(in_folder("kept"), "old", 3, error));
    ck_assert_int_eq(mkdir(in_folder("full"), 0777), 0);
    ck_assert_int_eq(ls_file_write(in_folder("full"), "new", 3, error),
                     LS_INVALID); /* a folder is there */
    check_text("full: Is a directory");
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0666), 0);
    ck_assert_int_eq(ls_file_write(in_folder("pipe"), "new", 3, error), LS_INVALID);
    check_text("pipe: it is not a regular file");
    unlink(in_folder("pipe"));
    char *temporary;
    ls_require(ls_file_temporary(in_folder("kept"), &temporary, error));
    unlink(temporary);
    ck_assert_int_eq(ls_file_replace(temporary, in_folder("kept"), error), LS_INVALID);
    free(temporary);
    char *bytes;
    uint64_t count;
    ls_require(ls_file_read(in_folder("kept"), 10, &bytes, &count, error));
    ck_assert_str_eq(bytes, "old");
    free(bytes);
}
END_TEST

START_TEST(errors_name_the_part_of_the_path) {
    char *bytes;
    uint64_t count;
    ls_require(ls_file_write(in_folder("regular"), "x", 1, error));
    ck_assert_int_eq(ls_file_read(in_folder("none"), 9, &bytes, &count, error), LS_INVALID);
    check_text("/none: No such file");
    ck_assert_int_eq(ls_file_read(in_folder("no/such/file"), 9, &bytes, &count, error), LS_INVALID);
    check_text("/no' does not exist");
    ck_assert_int_eq(ls_file_read(ls_test_folder(), 9, &bytes, &count, error), LS_INVALID);
    check_text("Is a directory");
    ck_assert_int_eq(ls_file_write(in_folder("regular/below"), "x", 1, error), LS_INVALID);
    check_text("/regular' is a file, not a folder");
    ck_assert_int_eq(ls_folder_create(in_folder("regular/run/checkpoints"), error), LS_INVALID);
    check_text("/regular' is a file, not a folder");
    ck_assert_int_eq(ls_folder_create(in_folder("regular"), error), LS_INVALID);
    check_text("/regular' is a file, not a folder");
}
END_TEST

START_TEST(folders_come_and_go_with_their_contents) {
    ls_require(ls_folder_create(in_folder("run//a/b/"), error));
    ls_require(ls_folder_create(in_folder("run/a/b"), error));
    ls_require(ls_file_write(in_folder("run/a/b/file"), "x", 1, error));
    ls_require(ls_file_write(in_folder("outside"), "x", 1, error));
    ck_assert_int_eq(symlink(in_folder("outside"), in_folder("run/link")), 0);
    ls_require(ls_folder_sync(in_folder("run"), error));
    ls_require(ls_folder_remove(in_folder("run"), error));
    ck_assert(!ls_file_exists(in_folder("run")));
    ck_assert(ls_file_exists(in_folder("outside")));
    ls_require(ls_folder_remove(in_folder("run"), error));
    ck_assert_int_eq(ls_folder_sync(in_folder("run"), error), LS_INVALID);
}
END_TEST

START_TEST(the_umask_decides_the_mode) {
    const mode_t old = umask(027);
    ls_require(ls_file_write(in_folder("mode"), "x", 1, error));
    umask(old);
    struct stat info;
    ck_assert_int_eq(stat(in_folder("mode"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
}
END_TEST

/* A broken link is something, too. */
START_TEST(names_that_are_taken_get_a_number) {
    char path[1100];
    for (int i = 1; i <= 3; i++) {
        snprintf(path, sizeof path, "%s", in_folder("taken"));
        ls_path_free(path, sizeof path);
        char expected[16] = "taken";
        if (i > 1)
            snprintf(expected, sizeof expected, "taken-%d", i);
        ck_assert_str_eq(strrchr(path, '/') + 1, expected);
        ck_assert_int_eq(symlink("/nowhere", path), 0);
    }
}
END_TEST

START_TEST(bytes_are_read_from_any_place_up_to_the_end) {
    ls_require(ls_file_write(in_folder("places"), "abcdef", 6, error));
    const int file = open(in_folder("places"), O_RDONLY);
    char bytes[8] = "";
    ck_assert_int_eq(ls_file_read_at(file, bytes, 3, 2), 3);
    ck_assert_str_eq(bytes, "cde");
    ck_assert_int_eq(ls_file_read_at(file, bytes, 8, 4), 2);
    close(file);
    ck_assert_int_eq(ls_file_read_at(file, bytes, 1, 0), -1);
}
END_TEST

/* Makes a temporary of the file in another process, which then is killed. */
static pid_t leave_temporary(const char *path, char name[1100], bool killed) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        char *temporary;
        ls_require(ls_file_temporary(path, &temporary, error));
        ck_assert_int_gt(write(ends[1], temporary, strlen(temporary) + 1), 0);
        raise(SIGSTOP);
        _exit(0);
    }
    ck_assert_int_gt(read(ends[0], name, 1100), 0);
    waitpid(child, NULL, WUNTRACED);
    if (killed) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
    close(ends[1]);
    return child;
}

START_TEST(what_killed_processes_left_is_removed) {
    const char *path = in_folder("killed");
    char dead[1100], alive[1100], foreign[1100], *temporary;
    leave_temporary(path, dead, true);
    const pid_t child = leave_temporary(path, alive, false);
    ck_assert(ls_file_exists(alive));
    snprintf(foreign, sizeof foreign, "%s.tmp-1-999999999-0", path); /* of another host */
    ls_require(ls_file_write(foreign, "x", 1, error));
    ls_require(ls_file_temporary(path, &temporary, error));
    ck_assert(!ls_file_exists(dead));
    ck_assert(ls_file_exists(alive) && ls_file_exists(foreign) && ls_file_exists(temporary));
    free(temporary);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}
END_TEST

LS_SUITE(what_is_written_is_read_back, an_existing_file_survives_a_failed_write,
         errors_name_the_part_of_the_path, folders_come_and_go_with_their_contents,
         the_umask_decides_the_mode, names_that_are_taken_get_a_number,
         bytes_are_read_from_any_place_up_to_the_end, what_killed_processes_left_is_removed)
