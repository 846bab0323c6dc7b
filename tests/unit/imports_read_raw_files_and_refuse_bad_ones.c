#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/file.h"
#include "io/source.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

static struct ls_error *const error = &ls_test_error;

/* Imports with the words of a command line (blanks between; file names without blanks) into out.h5.
 */
static enum ls_status import_words(const char *line) {
    char copy[4096], *words[32], *rest = NULL;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word && count < 32;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    struct ls_import import;
    enum ls_status status = ls_import_parse(&import, count, words, ls_test_folder(), error);
    if (status != LS_OK)
        return status;
    status = ls_import_run(&import, ls_test_path("out.h5"), error);
    ls_import_clear(&import);
    return status;
}

static void refuse(const char *line, const char *part) {
    ck_assert_int_eq(import_words(line), LS_INVALID);
    ls_test_error_has(part);
    ck_assert(!ls_file_exists(ls_test_path("out.h5")));
}

/* What was imported, all rows. */
struct imported {
    uint64_t rows;
    struct ls_column inputs, targets; /* without names */
};

static struct imported imported(float *inputs, float *targets) {
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {.path = ls_test_path("out.h5")};
    ls_require(ls_dataset_open(&dataset, &options, error));
    struct imported info = {.rows = ls_dataset_info(dataset).samples,
                            .inputs = *ls_dataset_column(dataset, "/inputs")};
    const struct ls_column *column = ls_dataset_column(dataset, "/targets");
    ck_assert_int_eq(column != NULL, targets != NULL);
    if (column)
        info.targets = *column;
    info.inputs.name = info.targets.name = NULL;
    uint64_t rows[256];
    ck_assert_uint_le(info.rows, 256);
    for (uint64_t i = 0; i < info.rows; i++)
        rows[i] = i;
    ls_require(
        ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, (int64_t)info.rows, inputs));
    if (targets)
        ls_require(ls_test_read(dataset, &ls_test_targets, LS_TYPE_REAL, rows, (int64_t)info.rows,
                                targets));
    ls_dataset_close(dataset);
    ls_require(ls_folder_remove(ls_test_path("out.h5"), error));
    return info;
}

static void pack(const char *from, const char *to, long bytes_max) {
    char *bytes;
    uint64_t count;
    ls_require(ls_file_read(ls_test_path(from), 1 << 20, &bytes, &count, error));
    gzFile file = gzopen(ls_test_path(to), "wb");
    gzwrite(file, bytes, (unsigned)count);
    gzclose(file);
    free(bytes);
    ls_require(ls_file_read(ls_test_path(to), 1 << 20, &bytes, &count, error));
    if (bytes_max && (uint64_t)bytes_max < count)
        ls_test_file(to, bytes, (uint64_t)bytes_max);
    free(bytes);
}

enum { IMAGES = 3, PIXELS = 6 };
static const unsigned char images[] = {0, 0, 8, 3, 0, 0,  0,   IMAGES, 0, 0, 0,   2,
                                       0, 0, 0, 3, 0, 51, 102, 1,      2, 3, 4,   5,
                                       6, 7, 8, 9, 1, 1,  1,   1,      1, 1, 255, 255};
static const uint64_t images_bytes = 16 + IMAGES * PIXELS;
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, IMAGES, 4, 0, 9};

START_TEST(idx_files_become_images_with_a_channel) {
    float x[2 * IMAGES * PIXELS], t[2 * IMAGES];
    ls_test_file("images-ubyte", images, images_bytes);
    ls_test_file("labels-ubyte", labels, sizeof labels);
    pack("images-ubyte", "images-ubyte.gz", 0);
    pack("labels-ubyte", "labels-ubyte.gz", 0);
    ls_require(import_words("images-ubyte labels-ubyte.gz images-ubyte.gz labels-ubyte"));
    const struct imported info = imported(x, t);
    ck_assert_uint_eq(info.rows, 2 * IMAGES);
    ck_assert(ls_shape_equal(info.inputs.shape, LS_SHAPE(2, 3, 1)));
    ck_assert(info.inputs.type == LS_DATA_UINT8 && info.targets.type == LS_DATA_INTEGER);
    for (int i = 0; i < 2 * IMAGES; i++)
        ck_assert(t[i] == (float)labels[8 + i % IMAGES]);
    for (int i = 0; i < 2 * IMAGES * PIXELS; i++)
        ck_assert(x[i] == (float)images[16 + i % (IMAGES * PIXELS)] / 255.0f);
}
END_TEST

START_TEST(bad_idx_files_say_what_was_expected_and_found) {
    ls_test_file("i", images, images_bytes);
    ls_test_file("l", labels, sizeof labels);
    refuse("idx l l", "expected the magic number 00000803 (or 02, 04), found 00000801");
    refuse("idx i i", "expected the magic number 00000801, found 00000803");
    ls_test_file("short", images, images_bytes - 1);
    refuse("idx short l", "short: truncated: expected 34 bytes, found 33");
    ls_test_file("head", images, 9);
    refuse("idx head l", "head: truncated: expected an IDX header of 16 bytes, found 9");
    ls_test_file("empty", images, 0);
    refuse("idx empty l", "empty: truncated: expected an IDX header, found 0 bytes");
    ls_test_file("long", images, images_bytes + 1);
    refuse("idx long l", "long: expected 34 bytes, found more");
    ls_test_file("labels-short", labels, sizeof labels - 1);
    refuse("idx i labels-short", "labels-short: truncated: expected 11 bytes, found 10");
    unsigned char two[sizeof labels];
    memcpy(two, labels, sizeof two);
    two[7] = 2;
    ls_test_file("two", two, sizeof two - 1);
    refuse("idx i two", "3 inputs in ");
    ls_test_error_has("2 targets in ");
    ls_test_file("labels-long", two, sizeof two);
    unsigned char few[16 + 2 * PIXELS];
    memcpy(few, images, sizeof few);
    few[7] = 2;
    ls_test_file("few", few, sizeof few);
    refuse("idx few labels-long", "labels-long: too long: expected 10 bytes, found 11");
    few[7] = 0;
    ls_test_file("none", few, 16);
    refuse("idx none", "none: 0 rows; expected at least 1");
    few[7] = 2;
    few[8] = few[12] = 0xff;
    ls_test_file("wide", few, sizeof few);
    refuse("idx wide l", "at most 2^31 bytes");
    pack("i", "cut.gz", 30);
    refuse("idx cut.gz l", "cut.gz: truncated: expected ");
    refuse("idx i l i", "found 3 files");
    refuse("idx absent l", "absent: No such file");
}
END_TEST

START_TEST(cifar_planes_become_channels) {
    enum { RECORD = 3073 };
    unsigned char *records = calloc(2, RECORD);
    float *x = calloc(2 * RECORD, sizeof *x), t[2];
    records[0] = 7;
    records[RECORD] = 3;
    for (int i = 0; i < 3072; i++)
        records[1 + i] = (unsigned char)(i * 5 + i / 1024);
    ls_test_file("a.bin", records, RECORD);
    ls_test_file("b.bin", records + RECORD, RECORD);
    pack("b.bin", "b.bin.gz", 0);
    ls_require(import_words("[ab].bin"));
    const struct imported info = imported(x, t);
    ck_assert_uint_eq(info.rows, 2);
    ck_assert(ls_shape_equal(info.inputs.shape, LS_SHAPE(32, 32, 3)));
    ck_assert(t[0] == 7 && t[1] == 3);
    for (int i = 0; i < 3072; i++)
        ck_assert(x[i] == (float)records[1 + i % 3 * 1024 + i / 3] / 255.0f);
    ls_require(import_words("a.bin b.bin.gz"));
    imported(x, t);
    ls_test_file("cut.bin", records, RECORD - 1);
    refuse("a.bin cut.bin",
           "cut.bin: truncated, or not CIFAR's format: expected records of 3073 bytes, found 3072");
    records[RECORD] = 10;
    ls_test_file("hundred.bin", records, 2 * RECORD);
    refuse("hundred.bin", "hundred.bin: record 1 (from 0) has the label 10, expected 0 to 9: these "
                          "are not CIFAR-10's records of 3073 bytes (CIFAR-100's have 3074");
    free(records);
    free(x);
}
END_TEST

/* A version-1 header like NumPy's, then bytes. */
static void npy(const char *name, const char *dict, const void *bytes, size_t count) {
    unsigned char file[512] = "\x93NUMPY\x01";
    const size_t length = strlen(dict);
    file[8] = (unsigned char)length;
    memcpy(file + 10, dict, length);
    memcpy(file + 10 + length, bytes, count);
    ls_test_file(name, file, 10 + length + count);
}

START_TEST(npy_arrays_are_taken_as_they_are) {
    const double reals[6] = {1, -2, 3.5, 0, 1e-3, 6};
    const int64_t classes[3] = {2, 0, 1};
    float x[6], t[3];
    npy("x.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }", reals,
        sizeof reals);
    npy("y.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", classes,
        sizeof classes);
    ls_require(import_words("x.npy y.npy"));
    const struct imported info = imported(x, t);
    ck_assert(ls_shape_equal(info.inputs.shape, LS_SHAPE(2)) && info.targets.shape.rank == 0);
    for (int i = 0; i < 6; i++)
        ck_assert(x[i] == (float)reals[i]);
    ck_assert(t[0] == 2 && t[2] == 1);
    ls_require(import_words("x.npy"));
    imported(x, NULL);
    npy("two.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", classes, 16);
    refuse("x.npy two.npy", "3 inputs in ");
    npy("f.npy", "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }", reals, sizeof reals);
    ls_require(import_words("f.npy"));
    imported(x, NULL);
    for (int i = 0; i < 6; i++)
        ck_assert(x[i] == (float)reals[i % 2 * 3 + i / 2]);
    npy("f.npy", "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }", reals, 40);
    refuse("f.npy", "f.npy: truncated: expected ");
    npy("f.npy", "{'descr': '<f8', 'fortran_order': 1, 'shape': (3, 2), }", reals, sizeof reals);
    refuse("f.npy", "without 'fortran_order'");
    npy("j.npy", "{'descr': '<c16', 'fortran_order': False, 'shape': (3, ), }", reals, 48);
    refuse("j.npy", "numpy.stack([x.real, x.imag]");
    npy("o.npy", "{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }", reals, sizeof reals);
    refuse("o.npy", "found the type '|O'");
    const unsigned char big[4] = {0x40, 0x49, 0x0f, 0xdb}, half[4] = {0x00, 0xc0, 0x01, 0x00};
    npy("b.npy", "{'descr': '>f4', 'fortran_order': False, 'shape': (1, ), }", big, sizeof big);
    ls_require(import_words("b.npy"));
    imported(x, NULL);
    ck_assert(x[0] == 3.14159274f);
    npy("h.npy", "{'descr': '<f2', 'fortran_order': False, 'shape': (2, ), }", half, sizeof half);
    ls_require(import_words("h.npy"));
    imported(x, NULL);
    ck_assert(x[0] == -2 && x[1] == 0x1p-24f);
    npy("q.npy", "{'descr': '|b1', 'fortran_order': False, 'shape': (4, ), }", "\0\1\1\0", 4);
    ls_require(import_words("q.npy"));
    ck_assert_int_eq(imported(x, NULL).inputs.type, LS_DATA_BOOLEAN);
    ck_assert(x[0] == 0 && x[1] == 1 && x[2] == 1 && x[3] == 0);
    npy("s.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", reals, 8);
    refuse("s.npy", "found the shape ()");
    npy("c.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }", reals,
        sizeof reals - 1);
    refuse("c.npy", "c.npy: truncated: expected ");
    npy("d.npy", "{'descr': '|", reals, 0);
    refuse("d.npy", "found the type '|");
    ls_test_text("t.npy", "not numpy");
    refuse("t.npy", "not an NPY file");
}
END_TEST

START_TEST(csv_tables_become_columns_and_targets) {
    float x[64], t[16];
    ls_test_text("a.csv", "\xEF\xBB\xBF"
                          "a,b,kind\r\n1,2,dog\r\n\r\n-3.5e1, \"4\" ,cat\n5,6,\"dog\"");
    ls_require(import_words("a.csv --categorical kind"));
    struct imported info = imported(x, t);
    ck_assert_uint_eq(info.rows, 3);
    ck_assert(info.targets.type == LS_DATA_INTEGER && info.inputs.type == LS_DATA_REAL);
    ck_assert(x[0] == 1 && x[1] == 2 && x[2] == -35 && x[3] == 4 && x[5] == 6);
    ck_assert(t[0] == 1 && t[1] == 0 && t[2] == 1);
    ls_require(import_words("a.csv --categorical=auto --target 1"));
    info = imported(x, t);
    ck_assert(t[1] == -35 && x[0] == 2 && x[1] == 1 && x[3] == 0);
    ls_require(import_words("a.csv --categorical 3 --target none"));
    info = imported(x, NULL);
    ck_assert(ls_shape_equal(info.inputs.shape, LS_SHAPE(3)));
    ls_test_text("b.txt", "summary, of nothing\n10\t0.5\n9\t2\n");
    ls_require(import_words(
        "csv b.txt --skip-lines 1 --no-header --separator tab --categorical 1 --target -1"));
    info = imported(x, t);
    ck_assert(info.targets.type == LS_DATA_REAL && t[0] == 0.5f);
    ck_assert(x[0] == 1 && x[1] == 0); /* categories that are numbers sort as numbers */
}
END_TEST

START_TEST(missing_cells_become_what_the_user_says) {
    float x[64], t[16];
    ls_test_text("m.csv", "a,b,t\n1,,0\nNA,4,1\n3,?,2\n");
    refuse("m.csv", "m.csv:2:3: error: no value in column 'b'; say --missing drop, mean, median, "
                    "zero or a number");
    ls_require(import_words("m.csv --missing mean"));
    imported(x, t);
    ck_assert(x[1] == 4 && x[2] == 2 && x[5] == 4);
    ls_require(import_words("m.csv --missing zero"));
    imported(x, t);
    ck_assert(x[1] == 0 && x[2] == 0 && x[5] == 0 && x[4] == 3);
    refuse("m.csv --missing drop", "no rows of data in it (rows with missing values were dropped)");
    ls_test_text("n.csv", "a,t\n1,0\n2,\n3,2\n");
    refuse("n.csv --missing mean",
           "n.csv:3:3: error: no value in column 't': a target cannot be filled in");
    ls_require(import_words("n.csv --missing drop"));
    ck_assert_uint_eq(imported(x, t).rows, 2);
    ck_assert(x[1] == 3 && t[1] == 2);
}
END_TEST

START_TEST(bad_tables_name_line_and_column) {
    ls_test_text("r.csv", "a,b,t\n1,2,3\n\n4,5\n");
    refuse("r.csv", "r.csv:4:4: error: expected 3 fields, found 2");
    ls_test_text("r.csv", "a,b,t\r\n\"x\ny\",2,3\r\n4,\xC3\xA4,6,7\r\n");
    refuse("r.csv --categorical 1,2", "r.csv:4:7: error: expected 3 fields, found 4");
    refuse("r.csv", "r.csv:2:1: error: column 'a': expected a finite 32-bit number, found 'x");
    ls_test_text("w.csv", "a,b,t\n1,2,3\n 4,five,6\n");
    refuse("w.csv", "w.csv:3:4: error: column 'b': expected a finite 32-bit number, found 'five'");
    for (int i = 0; i < 4; i++) {
        static const char *const words[] = {"inf", "0x10", "1e39", "1-2"};
        char text[64];
        snprintf(text, sizeof text, "a,t\n%s,2\n", words[i]);
        ls_test_text("w.csv", text);
        refuse("w.csv", "w.csv:2:1: error: column 'a': expected a finite 32-bit number");
    }
    ls_test_text("q.csv", "a,t\n1,2\n3,\"4\n5,6\n");
    refuse("q.csv", "q.csv:3:3: error: the quoted field that starts here is not closed");
    ls_test_text("q.csv", "a,t\n1,5\"6\n");
    refuse("q.csv", "q.csv:2:3: error: a quote inside this field");
    ls_test_text("c.csv", "\nlength,width,kind\n1,2,3\n");
    refuse("c.csv --target kinds",
           "c.csv:2:1: error: --target: there is no column 'kinds'; expected a name or 1 to "
           "3; did you mean 'kind'?");
    refuse("c.csv --target 4", "there is no column '4'");
    refuse("c.csv --target 0", "there is no column '0'");
    refuse("c.csv --categorical kind,width,color", "--categorical: there is no column 'color'");
    refuse("c.csv --separator ;", "found one column");
    refuse("c.csv --skip-lines 9", "no rows of data");
    ls_test_text("c.csv", "");
    refuse("c.csv", "no rows of data");
}
END_TEST

START_TEST(files_that_are_no_tables_in_utf8_are_refused) {
    static const struct {
        const char *bytes;
        size_t count;
        const char *options, *part;
    } files[] = {
#define FILE_OF(text) text, sizeof text - 1
        {FILE_OF("a,b,t\n1,2\0"
                 "9,0\n3,4,1\n"),
         "", "f.csv:2:4: error: a NUL byte"},
        {FILE_OF("x,kind\n1,cat\n3,cat\0fish\n"), " --categorical kind", "f.csv:3:6: error: a NUL"},
        {FILE_OF("a\n1\n3\n\0\0\0\0"), " --target none", "f.csv:4:1: error: a NUL byte"},
        {FILE_OF("\xFF\xFE"
                 "a\0,\0b\0\n\0"),
         "", "UTF-16"},
        {FILE_OF("a\0,\0b\0\n\0"), "", "UTF-16"},
        {FILE_OF("a,b,kind\n1,2,caf\xE9\n"), " --categorical kind",
         "f.csv:2:8: error: expected text in UTF-8, found the byte 0xE9"},
        {FILE_OF("5,0,1\n0,1,0\n"), "", "f.csv:1:1: error: the first line should hold the names"},
        {FILE_OF("5.1,0.2,setosa\n"), " --categorical auto", "say --no-header"},
        {FILE_OF("a,b,a\n1,2,3\n"), "", "f.csv:1:5: error: two columns are called 'a'"},
        {FILE_OF("a;t\n1,5;0\n"), " --separator ;",
         "f.csv:2:1: error: column 'a': '1,5' looks like a "
         "number with a decimal comma"},
        {FILE_OF("a;t\n1,5;0\n3,5;1\n"), " --separator ; --categorical auto", "say --decimal ,"},
        {FILE_OF("a,t\n20,0\n5%,1\n30,0\n"), " --categorical auto",
         "f.csv:3:1: error: column 'a' holds 2 numbers, but here '5%'"},
        {FILE_OF("when,t\n2023-02-29,1\n"), " --dates when",
         "f.csv:2:1: error: column 'when': expected a date"},
#undef FILE_OF
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char line[128];
        ls_test_file("f.csv", files[i].bytes, files[i].count);
        snprintf(line, sizeof line, "f.csv%s", files[i].options);
        refuse(line, files[i].part);
    }
}
END_TEST

START_TEST(dates_become_numbers_by_a_rule) {
    static const struct {
        const char *rule;
        float expected[3];
    } rules[] = {{"days", {1, 19782.5f, 19782.979f}},
                 {"hour", {0, 12, 23.5f}},
                 {"weekday", {4, 3, 3}},
                 {"day-of-year", {2, 60, 60}},
                 {"year", {1970, 2024, 2024}}};
    float x[3], t[3];
    ls_test_text("d.csv", "when,y\n1970-01-02,0\n2024-02-29T12:00:00Z,1\n"
                          "2024-03-01 01:30:00+02:00,0\n");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char line[128];
        snprintf(line, sizeof line, "d.csv --dates when --date-rule %s", rules[i].rule);
        ls_require(import_words(line));
        imported(x, t);
        for (int k = 0; k < 3; k++)
            ck_assert(fabsf(x[k] - rules[i].expected[k]) < 2e-3f);
    }
}
END_TEST

START_TEST(words_of_an_import_are_checked) {
    refuse("a.csv --targt x", "unknown import option '--targt'; did you mean '--target'?");
    refuse("a.csv --no-heder", "did you mean '--no-header'?");
    refuse("a.csv --missing men",
           "--missing: expected error, drop, mean, median, zero or a number, found 'men'");
    refuse("a.csv --decimal ,", "--decimal ,: fields are separated by the same byte");
    refuse("a.csv --targets b.csv --missing drop", "--missing drop beside --targets");
    refuse("a.csv --series --targets b.csv", "--targets beside --series");
    refuse("a.csv --skip-lines -1", "--skip-lines: expected an integer");
    refuse("a.csv --target", "--target needs a value");
    refuse("a.csv --separator ab", "--separator: expected one byte");
    refuse("x.npy --skip-lines 1",
           "--skip-lines is an option for csv files, but the format is npy");
    refuse("photo.xyz", "its name does not tell the format");
    refuse("csv", "no file is named");
    ls_test_text("one.csv", "a,b,t\n1,2,3\n");
    ls_test_text("two.csv", "a,c,t\n1,2,3\n");
    refuse("csv one.csv two.csv", "two.csv:1:3: error: there is no column 'c' in ");
}
END_TEST

START_TEST(an_import_that_fails_leaves_the_old_file) {
    ls_test_text("good.csv", "a,t\n1,2\n");
    ls_test_text("bad.csv", "a,t\n1\n");
    ls_require(import_words("good.csv"));
    ck_assert_int_eq(import_words("bad.csv"), LS_INVALID);
    float x[1], t[1];
    imported(x, t);
    ck_assert(x[0] == 1 && t[0] == 2);
    struct ls_import import;
    char *word = (char *)(uintptr_t) "good.csv";
    ls_require(ls_import_parse(&import, 1, &word, ls_test_folder(), error));
    ck_assert_int_eq(ls_import_run(&import, ls_test_path("good.csv/out.h5"), error), LS_INVALID);
    ls_test_error_has("good.csv' is a file, not a folder");
    ls_import_clear(&import);
}
END_TEST

LS_SUITE(idx_files_become_images_with_a_channel, bad_idx_files_say_what_was_expected_and_found,
         cifar_planes_become_channels, npy_arrays_are_taken_as_they_are,
         csv_tables_become_columns_and_targets, missing_cells_become_what_the_user_says,
         bad_tables_name_line_and_column, files_that_are_no_tables_in_utf8_are_refused,
         dates_become_numbers_by_a_rule, words_of_an_import_are_checked,
         an_import_that_fails_leaves_the_old_file)
