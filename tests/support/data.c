#include "tests/support/data.h"

#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/writer.h"
#include "tests/support/support.h"

const char *ls_test_path(const char *name) {
    static char paths[8][1024];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", ls_test_folder(), name);
    return path;
}

const char *ls_test_file(const char *name, const void *bytes, uint64_t count) {
    const char *path = ls_test_path(name);
    ls_require(ls_file_write(path, bytes, count, &ls_test_error));
    return path;
}

const char *ls_test_text(const char *name, const char *text) {
    return ls_test_file(name, text, strlen(text));
}

const char *ls_test_dataset(const char *name, uint64_t rows, struct ls_shape row,
                            enum ls_kind input_kind, const void *inputs, enum ls_kind target_kind,
                            const void *targets) {
    const char *path = ls_test_path(name);
    struct ls_writer *writer;
    int array;
    ls_require(ls_writer_create(&writer, path, &ls_test_error));
    ls_require(ls_writer_add(writer, "/inputs", input_kind, rows, row, &array, &ls_test_error));
    ls_require(ls_writer_put(writer, array, 0, rows, inputs, &ls_test_error));
    if (targets) {
        ls_require(ls_writer_add(writer, "/targets", target_kind, rows, (struct ls_shape){0},
                                 &array, &ls_test_error));
        ls_require(ls_writer_put(writer, array, 0, rows, targets, &ls_test_error));
    }
    ls_require(ls_writer_finish(writer, &ls_test_error));
    return path;
}

const struct ls_feed_options ls_test_inputs = {.name = "inputs", .column = "/inputs"};
const struct ls_feed_options ls_test_targets = {
    .name = "targets", .column = "/targets", .whole_bytes = true};

struct ls_feed_use ls_test_use(const struct ls_feed_options *feed, enum ls_type type,
                               int64_t limit) {
    return (struct ls_feed_use){.feed = feed, .type = type, .limit = limit};
}

enum ls_status ls_test_read(struct ls_dataset *dataset, const struct ls_feed_options *feed,
                            enum ls_type type, const uint64_t *samples, int64_t count, void *to) {
    const struct ls_feed_use use = ls_test_use(feed, type, 0);
    return ls_dataset_read(dataset, &use, samples, count, to, &ls_test_error);
}

void ls_test_error_has(const char *part) {
    int lines = 1;
    for (const char *at = ls_test_error.text; *at; at++)
        lines += *at == '\n';
    ck_assert_msg(strstr(ls_test_error.text, part), "'%s' does not contain '%s'",
                  ls_test_error.text, part);
    ck_assert_int_le(lines, 6);
}
