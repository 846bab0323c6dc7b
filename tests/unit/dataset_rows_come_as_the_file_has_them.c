#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/hdf5_support.h"
#include "io/trial.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

enum { ROWS = 10, VALUES = 3 };
static struct ls_error *const error = &ls_test_error;
static const uint64_t any_order[] = {7, 0, 3, 4, 5, 9, 3, 1};

static struct ls_dataset *open_path(const char *path) {
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {.path = path};
    ls_require(ls_dataset_open(&dataset, &options, error));
    return dataset;
}

static void refuse(const char *path, const char *inputs, const char *part) {
    struct ls_dataset *dataset;
    struct ls_feed_options feed = ls_test_inputs;
    if (inputs)
        snprintf(feed.column, sizeof feed.column, "%s", inputs);
    const struct ls_dataset_options options = {.path = path, .feeds = &feed, .feed_count = 1};
    ck_assert_int_eq(ls_dataset_open(&dataset, &options, error), LS_INVALID);
    ls_test_error_has(part);
    ls_test_error_has(path);
}

START_TEST(bytes_are_divided_by_255_and_rows_come_in_any_order) {
    uint8_t inputs[ROWS * VALUES];
    int32_t targets[ROWS];
    for (int i = 0; i < ROWS * VALUES; i++)
        inputs[i] = (uint8_t)(i * 8 + 7);
    for (int i = 0; i < ROWS; i++)
        targets[i] = i * i;
    struct ls_dataset *dataset = open_path(
        ls_test_dataset("u8.h5", ROWS, LS_SHAPE(VALUES), LS_KIND_U8, inputs, LS_KIND_I32, targets));
    const struct ls_dataset_info info = ls_dataset_info(dataset);
    ck_assert_uint_eq(info.samples, ROWS);
    ck_assert_int_eq(info.column_count, 2);
    const struct ls_column *x_column = ls_dataset_column(dataset, "inputs"),
                           *t_column = ls_dataset_column(dataset, "/targets");
    ck_assert(ls_shape_equal(x_column->shape, LS_SHAPE(VALUES)) && t_column->shape.rank == 0);
    ck_assert(x_column->type == LS_DATA_UINT8 && t_column->type == LS_DATA_INTEGER);
    ck_assert_ptr_null(ls_dataset_column(dataset, "others"));
    float x[8 * VALUES], t[8];
    int32_t indices[8 * VALUES], labels[8];
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, any_order, 8, x));
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_INT32, any_order, 8, indices));
    ls_require(ls_test_read(dataset, &ls_test_targets, LS_TYPE_REAL, any_order, 8, t));
    struct ls_feed_use use = ls_test_use(&ls_test_targets, LS_TYPE_INT32, 82);
    ls_require(ls_dataset_read(dataset, &use, any_order, 8, labels, error));
    ls_require(ls_dataset_check(dataset, &use, error));
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < VALUES; j++) {
            const uint8_t value = inputs[any_order[i] * VALUES + (uint64_t)j];
            ck_assert(x[i * VALUES + j] == (float)value / 255.0f);
            ck_assert_int_eq(indices[i * VALUES + j], value);
        }
        ck_assert_int_eq(labels[i], targets[any_order[i]]);
        ck_assert(t[i] == (float)targets[any_order[i]]);
    }
    int64_t classes;
    ls_require(ls_dataset_limit(dataset, &ls_test_targets, &classes, error));
    ck_assert_int_eq(classes, 82);
    use.limit = 81;
    ck_assert_int_eq(ls_dataset_read(dataset, &use, any_order, 8, labels, error), LS_INVALID);
    ls_test_error_has("u8.h5: /targets: row 9 (from 0): is 81; expected a label from 0 to 80");
    ck_assert_int_eq(ls_dataset_check(dataset, &use, error), LS_INVALID);
    ls_test_error_has("u8.h5: /targets: row 9 (from 0): is 81; expected a label from 0 to 80");
    use.type = LS_TYPE_REAL; /* a binary classification's labels */
    ck_assert_int_eq(ls_dataset_read(dataset, &use, any_order, 8, t, error), LS_INVALID);
    ls_test_error_has("u8.h5: /targets: row 9 (from 0): is 81; expected a label from 0 to 80");
    use.ignores = true;
    use.ignored = 81;
    ls_require(ls_dataset_check(dataset, &use, error));
    use.ignores = false;
    use.limit = 0;
    use.zero_to_one = true;
    ck_assert_int_eq(ls_dataset_read(dataset, &use, any_order, 8, t, error), LS_INVALID);
    ls_test_error_has("expected a number from 0 to 1");
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(every_number_type_is_read) {
    const double expected[4] = {0, 1, 100, 7};
    static const enum ls_kind kinds[] = {LS_KIND_U8,  LS_KIND_U16, LS_KIND_U32, LS_KIND_U64,
                                         LS_KIND_I8,  LS_KIND_I16, LS_KIND_I32, LS_KIND_I64,
                                         LS_KIND_F32, LS_KIND_F64};
    for (size_t k = 0; k < 10; k++) {
        char bytes[4 * 8] = {0};
        for (int i = 0; i < 4; i++) {
            const float real = (float)expected[i];
            if (kinds[k] == LS_KIND_F64)
                memcpy(bytes + 8 * i, &expected[i], 8);
            else if (kinds[k] == LS_KIND_F32)
                memcpy(bytes + 4 * i, &real, 4);
            else
                bytes[ls_kind_bytes(kinds[k]) * (size_t)i] = (char)expected[i];
        }
        struct ls_dataset *dataset =
            open_path(ls_test_dataset("kind.h5", 4, LS_SHAPE(1), kinds[k], bytes, kinds[k], bytes));
        const uint64_t rows[] = {0, 1, 2, 3};
        float x[4], t[4];
        ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 4, x));
        ls_require(ls_test_read(dataset, &ls_test_targets, LS_TYPE_REAL, rows, 4, t));
        for (int i = 0; i < 4; i++) {
            ck_assert(t[i] == (float)expected[i]);
            ck_assert(x[i] ==
                      (kinds[k] == LS_KIND_U8 ? (float)expected[i] / 255.0f : (float)expected[i]));
        }
        ls_dataset_close(dataset);
    }
}
END_TEST

START_TEST(files_are_joined_in_the_order_of_their_names) {
    float values[ROWS];
    for (int i = 0; i < ROWS; i++)
        values[i] = (float)i;
    ls_test_dataset("part-2.h5", 4, LS_SHAPE(1), LS_KIND_F32, values + 6, LS_KIND_F32, values + 6);
    ls_test_dataset("part-0.h5", 1, LS_SHAPE(1), LS_KIND_F32, values, LS_KIND_F32, values);
    ls_test_dataset("part-1.h5", 5, LS_SHAPE(1), LS_KIND_F32, values + 1, LS_KIND_F32, values + 1);
    struct ls_dataset *dataset = open_path(ls_test_path("part-*.h5"));
    ck_assert_int_eq(ls_dataset_info(dataset).files, 3);
    ck_assert_uint_eq(ls_dataset_info(dataset).samples, ROWS);
    const uint64_t in_order[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    float x[ROWS];
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, any_order, 8, x));
    for (int i = 0; i < 8; i++)
        ck_assert(x[i] == (float)any_order[i]);
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, in_order, ROWS, x));
    ck_assert_int_eq(memcmp(x, values, sizeof x), 0);
    ls_dataset_close(dataset);
    refuse(ls_test_path("nothing-*.h5"), NULL, "no file matches");
}
END_TEST

START_TEST(files_that_do_not_fit_together_are_named) {
    const float values[6] = {0};
    ls_test_dataset("unlike-a.h5", 2, LS_SHAPE(3), LS_KIND_F32, values, LS_KIND_F32, values);
    ls_test_dataset("unlike-b.h5", 3, LS_SHAPE(2), LS_KIND_F32, values, LS_KIND_F32, values);
    struct ls_dataset *dataset;
    struct ls_dataset_options options = {.path = ls_test_path("unlike-*.h5")};
    ck_assert_int_eq(ls_dataset_open(&dataset, &options, error), LS_INVALID);
    ls_test_error_has("/inputs is\n  3 real in ");
    ls_test_error_has("  2 real in ");
    ls_test_error_has("unlike-a.h5");
    ls_test_error_has("unlike-b.h5");
    options.path =
        ls_test_dataset("no-targets.h5", 2, LS_SHAPE(3), LS_KIND_F32, values, LS_KIND_F32, NULL);
    options.feeds = &ls_test_targets;
    options.feed_count = 1;
    ck_assert_int_eq(ls_dataset_open(&dataset, &options, error), LS_INVALID);
    ls_test_error_has("no-targets.h5: there is no dataset '/targets' in it");
    refuse(ls_test_path("absent.h5"), NULL, "No such file");
    refuse(ls_test_text("text.h5", "not HDF5"), NULL, "as an HDF5 file");
    refuse(options.path, "/inputs/deeper", "no dataset");
    refuse(options.path, "/", "not a dataset");
    refuse(options.path, "none", "no dataset 'none'");
}
END_TEST

START_TEST(values_that_are_not_finite_name_file_and_row) {
    double values[ROWS] = {0};
    values[3] = (double)NAN;
    values[6] = 1e300;
    struct ls_dataset *dataset = open_path(
        ls_test_dataset("bad.h5", ROWS, LS_SHAPE(1), LS_KIND_F64, values, LS_KIND_F64, values));
    const uint64_t rows[] = {5, 3, 0}, large[] = {6}, good[] = {0, 1, 2};
    float x[3];
    int32_t labels[3];
    const struct ls_feed_use use = ls_test_use(&ls_test_targets, LS_TYPE_INT32, 10);
    ck_assert_int_eq(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 3, x), LS_INVALID);
    ls_test_error_has("bad.h5: /inputs: row 3 (from 0): is nan; expected a finite 32-bit number");
    ck_assert_int_eq(ls_test_read(dataset, &ls_test_targets, LS_TYPE_REAL, large, 1, x),
                     LS_INVALID);
    ls_test_error_has("/targets: row 6 (from 0): is 1e+300");
    ck_assert_int_eq(ls_dataset_read(dataset, &use, rows, 3, labels, error), LS_INVALID);
    ls_test_error_has("row 3 (from 0): is nan; expected a class label");
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, good, 3, x));
    ls_dataset_close(dataset);
}
END_TEST

/* A file whose "/inputs" is made by `make`. */
static const char *foreign(const char *name, void (*make)(hid_t file)) {
    const char *path = ls_test_path(name);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    make(file);
    H5Fclose(file);
    return path;
}

static hid_t make_array(hid_t file, const char *name, hid_t type, hid_t properties) {
    const hsize_t dims[2] = {4, 2};
    const hid_t space = H5Screate_simple(2, dims, NULL);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Sclose(space);
    return dataset;
}

static void external_storage(hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, "/etc/passwd", 0, 64);
    H5Dclose(make_array(file, "inputs", H5T_NATIVE_DOUBLE, properties));
    H5Pclose(properties);
}

static void virtual_layout(hid_t file) {
    const hsize_t dims[2] = {4, 2};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, NULL);
    H5Pset_virtual(properties, space, "other.h5", "inputs", space);
    H5Dclose(make_array(file, "inputs", H5T_NATIVE_DOUBLE, properties));
    H5Sclose(space);
    H5Pclose(properties);
}

static void soft_link(hid_t file) {
    H5Dclose(make_array(file, "real", H5T_NATIVE_DOUBLE, H5P_DEFAULT));
    H5Lcreate_soft("/real", file, "inputs", H5P_DEFAULT, H5P_DEFAULT);
}

static void external_link(hid_t file) {
    H5Lcreate_external("u8.h5", "/", file, "group", H5P_DEFAULT, H5P_DEFAULT);
}

static void other_filter(hid_t file) {
    const hsize_t chunk[2] = {2, 2};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 2, chunk);
    H5Pset_nbit(properties);
    H5Dclose(make_array(file, "inputs", H5T_NATIVE_INT, properties));
    H5Pclose(properties);
}

static void texts(hid_t file) {
    H5Dclose(make_array(file, "inputs", H5T_C_S1, H5P_DEFAULT));
}

static void no_rows(hid_t file) {
    const hsize_t dims[2] = {0, 2};
    const hid_t space = H5Screate_simple(2, dims, NULL);
    H5Dclose(
        H5Dcreate2(file, "inputs", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
}

static void huge_rows(hid_t file) {
    const hsize_t dims[3] = {1, 1ull << 40, 1ull << 22}, chunk[3] = {1, 1, 1};
    const hid_t space = H5Screate_simple(3, dims, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 3, chunk);
    H5Dclose(
        H5Dcreate2(file, "inputs", H5T_NATIVE_INT, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(properties);
}

START_TEST(foreign_files_may_not_lead_elsewhere) {
    ls_hdf5_quiet();
    refuse(foreign("e1.h5", external_storage), NULL, "keeps its values in other files");
    refuse(foreign("e2.h5", virtual_layout), NULL, "virtual dataset");
    refuse(foreign("e3.h5", soft_link), NULL, "'/inputs' is a soft link");
    refuse(foreign("e4.h5", external_link), "/group/inputs", "'/group' is an external link");
    refuse(foreign("e5.h5", other_filter), NULL, "uses the filter 5");
    refuse(foreign("e6.h5", texts), NULL,
           "expected integers or floats of at most 64 bits, found text");
    refuse(foreign("e7.h5", no_rows), NULL, "has 0 rows");
    refuse(foreign("e8.h5", huge_rows), NULL, "at most 2^31 bytes");
}
END_TEST

/* Chunked, compressed, big-endian: what cannot be read with pread gives the same values. */
static void packed(hid_t file) {
    const hsize_t chunk[2] = {3, 2};
    float values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 2, chunk);
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, 6);
    H5Pset_fletcher32(properties);
    const hid_t dataset = make_array(file, "inputs", H5T_IEEE_F32BE, properties);
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    H5Pclose(properties);
}

START_TEST(packed_files_give_the_same_values) {
    struct ls_dataset *dataset = open_path(foreign("packed.h5", packed));
    ck_assert_ptr_null(ls_dataset_column(dataset, "/targets"));
    const uint64_t rows[] = {3, 1, 0};
    float x[6];
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 3, x));
    const float expected[6] = {6, 7, 2, 3, 0, 1};
    ck_assert_int_eq(memcmp(x, expected, sizeof x), 0);
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(parts_cut_all_rows_once_and_have_statistics) {
    float values[ROWS * 2];
    for (int i = 0; i < ROWS; i++) {
        values[2 * i] = 0.1f;
        values[2 * i + 1] = (float)i;
    }
    struct ls_dataset *dataset = open_path(
        ls_test_dataset("part.h5", ROWS, LS_SHAPE(2), LS_KIND_F32, values, LS_KIND_F32, NULL));
    int seen[ROWS] = {0};
    for (uint64_t first = 0; first < ROWS; first += 5) {
        const struct ls_part part = {
            .dataset = dataset, .first = first, .count = 5, .permuted = true, .seed = 3};
        for (uint64_t i = 0; i < 5; i++)
            seen[ls_part_sample(&part, i)]++;
    }
    for (int i = 0; i < ROWS; i++)
        ck_assert_int_eq(seen[i], 1);
    const struct ls_part all = {.dataset = dataset, .count = ROWS};
    double mean[2], scale[2];
    ls_require(ls_part_statistics(&all, &ls_test_inputs, 2, mean, scale, error));
    ck_assert_double_eq(mean[0], (double)0.1f);
    ck_assert_double_eq(scale[0], 1);
    ck_assert_double_eq_tol(mean[1], 4.5, 1e-12);
    ck_assert_double_eq_tol(scale[1], 1 / sqrt(8.25), 1e-12);
    ls_dataset_close(dataset);
}
END_TEST

/* A second apart, where floats are 128 seconds apart; and a place that stays as it is. */
START_TEST(numbers_far_from_zero_keep_their_digits_once_they_are_centred) {
    double times[ROWS * 2];
    int64_t whole[ROWS * 2];
    for (int i = 0; i < ROWS; i++) {
        times[2 * i] = 1.7e9 + i;
        times[2 * i + 1] = i;
        whole[2 * i] = 1700000000 + i;
        whole[2 * i + 1] = i;
    }
    for (int kind = 0; kind < 2; kind++) {
        const char *path =
            ls_test_dataset("times.h5", ROWS, LS_SHAPE(2), kind ? LS_KIND_I64 : LS_KIND_F64,
                            kind ? (const void *)whole : times, LS_KIND_F32, NULL);
        struct ls_dataset *dataset = open_path(path);
        const struct ls_part all = {.dataset = dataset, .count = ROWS};
        double mean[2], scale[2];
        ls_require(ls_part_statistics(&all, &ls_test_inputs, 2, mean, scale, error));
        ck_assert_double_eq(mean[0], 1.7e9 + 4.5);
        ck_assert_double_eq_tol(scale[0], 1 / sqrt(8.25), 1e-9);
        ck_assert(ls_mean_needs_double(mean[0], scale[0]));
        ck_assert(!ls_mean_needs_double(mean[1], scale[1]));
        const double centre[2] = {mean[0], 0};
        struct ls_feed_options feed = ls_test_inputs;
        feed.centre = centre;
        feed.centre_count = 2;
        float x[8 * 2];
        ls_require(ls_test_read(dataset, &feed, LS_TYPE_REAL, any_order, 8, x));
        for (int i = 0; i < 8; i++) {
            ck_assert(x[2 * i] == (float)any_order[i] - 4.5f);
            ck_assert(x[2 * i + 1] == (float)any_order[i]);
        }
        feed.first_channel = 1; /* a place is counted among those that are taken */
        feed.centre_count = 1;
        ls_require(ls_test_read(dataset, &feed, LS_TYPE_REAL, any_order, 8, x));
        ck_assert(x[0] == (float)((double)any_order[0] - mean[0]));
        ls_dataset_close(dataset);
    }
}
END_TEST

static void booleans(hid_t file) {
    const int8_t values[8] = {0, 1, 1, 1, 0, 0, 1, 0};
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    H5Tenum_insert(type, "FALSE", &(int8_t){0});
    H5Tenum_insert(type, "TRUE", &(int8_t){1});
    const hid_t dataset = make_array(file, "inputs", type, H5P_DEFAULT);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    H5Tclose(type);
}

static void packed_booleans(hid_t file) {
    const hsize_t chunk[2] = {3, 2};
    const int8_t values[8] = {0, 1, 1, 1, 0, 0, 1, 0};
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Tenum_insert(type, "FALSE", &(int8_t){0});
    H5Tenum_insert(type, "TRUE", &(int8_t){1});
    H5Pset_chunk(properties, 2, chunk);
    H5Pset_deflate(properties, 6);
    const hid_t dataset = make_array(file, "inputs", type, properties);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Tclose(type);
}

START_TEST(booleans_are_zero_and_one) {
    const float expected[8] = {0, 1, 1, 1, 0, 0, 1, 0};
    const uint64_t rows[] = {0, 1, 2, 3};
    for (int packing = 0; packing < 2; packing++) {
        struct ls_dataset *dataset =
            open_path(foreign("bool.h5", packing ? packed_booleans : booleans));
        ck_assert_int_eq(ls_dataset_column(dataset, "inputs")->type, LS_DATA_BOOLEAN);
        float x[8];
        int32_t labels[8];
        ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 4, x));
        ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_INT32, rows, 4, labels));
        ck_assert_int_eq(memcmp(x, expected, sizeof x), 0);
        for (int i = 0; i < 8; i++)
            ck_assert_int_eq(labels[i], (int)expected[i]);
        ls_dataset_close(dataset);
    }
}
END_TEST

START_TEST(images_of_other_types_are_divided_by_the_range_of_their_type) {
    const uint16_t wide[4] = {0, 1, 65535, 32768};
    const int16_t narrow[4] = {-32768, 0, 16384, 32767};
    const int8_t tiny[4] = {-128, 0, 64, 127};
    const struct {
        enum ls_kind kind;
        const void *values;
        float expected[4];
    } cases[] = {
        {LS_KIND_U16, wide, {0, 1 / 65535.0f, 1, 32768 / 65535.0f}},
        {LS_KIND_I16, narrow, {-1, 0, 0.5f, 32767 / 32768.0f}},
        {LS_KIND_I8, tiny, {-1, 0, 0.5f, 127 / 128.0f}},
    };
    const uint64_t rows[] = {0, 1};
    float x[4];
    for (size_t i = 0; i < 3; i++) {
        struct ls_dataset *dataset = open_path(ls_test_dataset(
            "image.h5", 2, LS_SHAPE(1, 2, 1), cases[i].kind, cases[i].values, LS_KIND_I32, NULL));
        ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 2, x));
        ck_assert_int_eq(memcmp(x, cases[i].expected, sizeof x), 0);
        ls_dataset_close(dataset);
    }
    struct ls_dataset *table = open_path(
        ls_test_dataset("table.h5", 2, LS_SHAPE(2), LS_KIND_U16, wide, LS_KIND_I32, NULL));
    ls_require(ls_test_read(table, &ls_test_inputs, LS_TYPE_REAL, rows, 2, x));
    ck_assert(x[1] == 1 && x[2] == 65535); /* no image: as it is */
    ls_dataset_close(table);
}
END_TEST

START_TEST(channels_that_come_first_end_up_last) {
    uint8_t planes[2 * 3 * 2 * 2]; /* 2 samples of 3 planes of 2 x 2 */
    for (int i = 0; i < 24; i++)
        planes[i] = (uint8_t)(10 * i);
    struct ls_dataset *dataset = open_path(
        ls_test_dataset("planes.h5", 2, LS_SHAPE(3, 2, 2), LS_KIND_U8, planes, LS_KIND_I32, NULL));
    struct ls_feed_options feed = ls_test_inputs;
    struct ls_feed described;
    feed.channels_first = true;
    ls_require(ls_dataset_describe(dataset, &feed, &described, error));
    ck_assert(ls_shape_equal(described.shape, LS_SHAPE(2, 2, 3)));
    const uint64_t rows[] = {1, 0};
    float x[24];
    ls_require(ls_test_read(dataset, &feed, LS_TYPE_REAL, rows, 2, x));
    for (int n = 0; n < 2; n++)
        for (int pixel = 0; pixel < 4; pixel++)
            for (int c = 0; c < 3; c++)
                ck_assert(x[n * 12 + pixel * 3 + c] ==
                          (float)planes[(1 - n) * 12 + c * 4 + pixel] / 255.0f);
    feed.first_channel = 1;
    feed.channels = 2;
    ls_require(ls_test_read(dataset, &feed, LS_TYPE_REAL, rows, 1, x));
    ck_assert(x[0] == (float)planes[12 + 4] / 255.0f && x[1] == (float)planes[12 + 8] / 255.0f);
    const double centre[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    feed.centre = centre;
    for (feed.centre_count = 2; feed.centre_count <= 8; feed.centre_count += 6) {
        ls_require(ls_test_read(dataset, &feed, LS_TYPE_REAL, rows, 1, x));
        for (int i = 0; i < 8; i++) {
            const float value = (float)planes[12 + 4 * (1 + i % 2) + i / 2] / 255.0f;
            ck_assert(x[i] == (float)((double)value - centre[i % feed.centre_count]));
        }
    }
    ls_dataset_close(dataset);
}
END_TEST

START_TEST(one_hot_rows_are_labels) {
    const float rows_of_one[4 * 3] = {0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0};
    float others[4 * 3];
    memcpy(others, rows_of_one, sizeof others);
    others[7] = 1; /* two 1s in row 2 */
    struct ls_feed_options feed = ls_test_inputs;
    const uint64_t rows[] = {3, 2, 1, 0};
    const int32_t expected[] = {1, 2, 0, 1};
    int32_t labels[4];
    bool one_hot;
    struct ls_dataset *dataset = open_path(
        ls_test_dataset("hot.h5", 4, LS_SHAPE(3), LS_KIND_F32, rows_of_one, LS_KIND_I32, NULL));
    ls_require(ls_dataset_is_one_hot(dataset, &feed, &one_hot, error));
    ck_assert(one_hot);
    feed.one_hot = true;
    struct ls_feed described;
    ls_require(ls_dataset_describe(dataset, &feed, &described, error));
    ck_assert_int_eq(described.shape.rank, 0);
    ls_require(ls_test_read(dataset, &feed, LS_TYPE_INT32, rows, 4, labels));
    ck_assert_int_eq(memcmp(labels, expected, sizeof labels), 0);
    ls_dataset_close(dataset);
    dataset = open_path(
        ls_test_dataset("cold.h5", 4, LS_SHAPE(3), LS_KIND_F32, others, LS_KIND_I32, NULL));
    ls_require(ls_dataset_is_one_hot(dataset, &feed, &one_hot, error));
    ck_assert(!one_hot);
    ck_assert_int_eq(ls_test_read(dataset, &feed, LS_TYPE_INT32, rows, 4, labels), LS_INVALID);
    ls_test_error_has("row 2 (from 0): expected one 1 among 3 values");
    ls_dataset_close(dataset);
}
END_TEST

static void never_written(hid_t file) {
    H5Dclose(make_array(file, "inputs", H5T_NATIVE_FLOAT, H5P_DEFAULT));
}

static void half_written(hid_t file) {
    const hsize_t chunk[2] = {2, 2}, start[2] = {0, 0}, size[2] = {2, 2};
    const float values[4] = {0};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 2, chunk);
    const hid_t dataset = make_array(file, "inputs", H5T_NATIVE_FLOAT, properties);
    const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(2, size, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, values);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Pclose(properties);
}

START_TEST(rows_that_were_never_written_are_refused) {
    refuse(foreign("never.h5", never_written), NULL,
           "/inputs claims 4 rows, but of their 32 bytes only 0 were ever written");
    refuse(foreign("half.h5", half_written), NULL,
           "/inputs claims 4 rows, but of their 2 chunks only 1 were ever written");
}
END_TEST

START_TEST(a_file_that_is_being_written_is_refused) {
    const char *path = ls_test_path("live.h5");
    const hid_t latest = H5Pcreate(H5P_FILE_ACCESS);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    packed(file);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    refuse(path, NULL, "another program holds it for writing");
    H5Fclose(file);
    ls_dataset_close(open_path(path));
    /* One that was killed: the mark of the newest format stays. */
    H5Pset_libver_bounds(latest, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t marked = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, latest);
    packed(marked);
    H5Fflush(marked, H5F_SCOPE_GLOBAL);
    char *bytes;
    uint64_t count;
    ls_require(ls_file_read(path, 1 << 20, &bytes, &count, error));
    refuse(ls_test_file("marked.h5", bytes, count), NULL, "a program may still be writing it");
    free(bytes);
    H5Fclose(marked);
    H5Pclose(latest);
}
END_TEST

/* A file of four rows, its values 8 more for each number. */
static const char *numbered(const char *name, int number) {
    float values[8];
    for (int i = 0; i < 8; i++)
        values[i] = (float)(8 * number + i);
    return ls_test_dataset(name, 4, LS_SHAPE(2), LS_KIND_F32, values, LS_KIND_F32, NULL);
}

static void join(hid_t file, const char *first, const char *second) {
    const hsize_t dims[2] = {8, 2}, part[2] = {4, 2};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(2, dims, NULL), source = H5Screate_simple(2, part, NULL);
    const char *const names[] = {first, second};
    for (hsize_t i = 0; i < 2; i++) {
        const hsize_t start[2] = {4 * i, 0};
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, part, NULL);
        if (names[i])
            H5Pset_virtual(properties, space, names[i], "/inputs", source);
    }
    H5Sselect_all(space);
    H5Dclose(
        H5Dcreate2(file, "inputs", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Sclose(source);
    H5Sclose(space);
    H5Pclose(properties);
}

static void joined(hid_t file) {
    join(file, "parts/0.h5", "parts/1.h5");
}

static void joined_with_a_missing_one(hid_t file) {
    join(file, "parts/0.h5", "parts/2.h5");
}

static void joined_with_a_gap(hid_t file) {
    join(file, "parts/0.h5", NULL);
}

static void joined_from_outside(hid_t file) {
    join(file, "0.h5", "../elsewhere.h5");
}

static void linked(hid_t file) {
    H5Lcreate_external("parts/1.h5", "/inputs", file, "there", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("there", file, "inputs", H5P_DEFAULT, H5P_DEFAULT);
}

static void linked_outside(hid_t file) {
    H5Lcreate_external("../elsewhere.h5", "/inputs", file, "inputs", H5P_DEFAULT, H5P_DEFAULT);
}

static void linked_in_a_circle(hid_t file) {
    H5Lcreate_soft("/inputs", file, "inputs", H5P_DEFAULT, H5P_DEFAULT);
}

static void refuse_links(const char *path, const char *part) {
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {
        .path = path, .feeds = &ls_test_inputs, .feed_count = 1, .links = true};
    ck_assert_int_eq(ls_dataset_open(&dataset, &options, error), LS_INVALID);
    ls_test_error_has(part);
}

static void check_linked(const char *path, int rows, float first, enum ls_decode decode) {
    struct ls_dataset *dataset;
    const struct ls_dataset_options options = {
        .path = path, .feeds = &ls_test_inputs, .feed_count = 1, .links = true, .decode = decode};
    ls_require(ls_dataset_open(&dataset, &options, error));
    ck_assert_uint_eq(ls_dataset_info(dataset).samples, (uint64_t)rows);
    for (uint64_t row = 0; row < (uint64_t)rows; row++) {
        float x[2];
        ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, &row, 1, x));
        ck_assert(x[0] == first + 2 * (float)row && x[1] == x[0] + 1);
    }
    ls_dataset_close(dataset);
}

START_TEST(links_below_the_folder_are_followed_where_that_is_allowed) {
    setenv("LOCKSTEP_CACHE", ls_test_path("cache"), 1);
    ls_require(ls_folder_create(ls_test_path("set/parts"), error));
    numbered("set/parts/0.h5", 0);
    numbered("set/parts/1.h5", 1);
    numbered("elsewhere.h5", 2);
    const char *joint = foreign("set/joined.h5", joined);
    for (int i = 0; i < 2; i++) {
        const enum ls_decode decode = i ? LS_DECODE_ALL : LS_DECODE_NOT;
        check_linked(joint, 8, 0, decode);
        check_linked(foreign("set/linked.h5", linked), 4, 8, decode);
    }
    numbered("set/parts/0.h5", -1); /* what was decoded is another set now */
    numbered("set/parts/1.h5", 0);
    check_linked(joint, 8, -8, LS_DECODE_ALL);
    refuse_links(foreign("set/missing.h5", joined_with_a_missing_one), "parts/2.h5");
    refuse_links(foreign("set/gap.h5", joined_with_a_gap), "do not make up the whole");
    refuse_links(foreign("set/parts/out.h5", joined_from_outside), "elsewhere.h5");
    refuse_links(foreign("set/out.h5", linked_outside), "outside of its folder");
    refuse_links(foreign("set/circle.h5", linked_in_a_circle), "in a circle");
    char *link = ls_strdup(ls_test_path("set/parts/2.h5"));
    ck_assert_int_eq(symlink(ls_test_path("elsewhere.h5"), link), 0);
    free(link);
    refuse_links(ls_test_path("set/missing.h5"), "outside of its folder");
    refuse(joint, NULL, "data.links: same_folder");
}
END_TEST

/* The only file of decoded rows in the cache. */
static char *decoded_file(void) {
    glob_t found;
    ck_assert_int_eq(glob(ls_test_path("rows/*.rows"), 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    char *path = ls_strdup(found.gl_pathv[0]);
    globfree(&found);
    return path;
}

START_TEST(packed_files_are_decoded_once_and_damage_to_the_copy_is_found) {
    setenv("LOCKSTEP_CACHE", ls_test_path("rows"), 1);
    const char *path = foreign("packed.h5", packed);
    check_linked(path, 4, 0, LS_DECODE_ALL);
    char *copy = decoded_file();
    struct stat before, after;
    ck_assert_int_eq(stat(copy, &before), 0);
    check_linked(path, 4, 0, LS_DECODE_ALL);
    ck_assert_int_eq(stat(copy, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    const int file = open(copy, O_WRONLY);
    ck_assert_int_eq(pwrite(file, "x", 1, 9), 1);
    close(file);
    check_linked(path, 4, 0, LS_DECODE_ALL);
    ck_assert_int_eq(truncate(copy, 20), 0);
    check_linked(path, 4, 0, LS_DECODE_ALL);
    free(copy);
}
END_TEST

/* Opens where no file may have more than 16 bytes: decoded rows, 32 of them, have no room. */
static enum ls_status open_without_room(struct ls_dataset **dataset,
                                        const struct ls_dataset_options *options) {
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){16, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const enum ls_status status = ls_dataset_open(dataset, options, error);
    setrlimit(RLIMIT_FSIZE, &old);
    return status;
}

START_TEST(what_does_not_fit_names_the_key_and_is_read_in_pieces_otherwise) {
    setenv("LOCKSTEP_CACHE", ls_test_path("none"), 1);
    struct ls_dataset *dataset;
    struct ls_dataset_options options = {.path = foreign("packed.h5", packed),
                                         .feeds = &ls_test_inputs,
                                         .feed_count = 1,
                                         .decode = LS_DECODE_ALL};
    ck_assert_int_eq(open_without_room(&dataset, &options), LS_INVALID);
    ls_test_error_has("data.shuffle: blocks");
    options.decode = LS_DECODE_IF_IT_FITS;
    options.window_rows = 2;
    ls_require(open_without_room(&dataset, &options));
    const uint64_t rows[] = {3, 1, 0};
    const float expected[6] = {6, 7, 2, 3, 0, 1};
    float x[6];
    ls_require(ls_test_read(dataset, &ls_test_inputs, LS_TYPE_REAL, rows, 3, x));
    ck_assert_int_eq(memcmp(x, expected, sizeof x), 0);
    ls_dataset_close(dataset);
}
END_TEST

static enum ls_status crash(void *context, int part, struct ls_error *reason) {
    (void)context, (void)part, (void)reason;
    raise(SIGSEGV);
    return LS_OK;
}

static enum ls_status spin(void *context, int part, struct ls_error *reason) {
    (void)part, (void)reason;
    for (volatile int *at = context; *at >= 0;)
        *at = 1;
    return LS_OK;
}

static enum ls_status leave(void *context, int part, struct ls_error *reason) {
    (void)context, (void)part, (void)reason;
    _exit(9);
}

static enum ls_status answer(void *context, int part, struct ls_error *reason) {
    int *shared = context;
    shared[part] = part + 1;
    return part == 2 ? ls_fail(reason, LS_INVALID, "part 2 is bad") : LS_OK;
}

START_TEST(crashes_and_endless_loops_of_children_are_errors) {
    int counter = 0;
    struct ls_trial trial = {.work = crash, .path = "x.h5"};
    ck_assert_int_eq(ls_trial_run(&trial, error), LS_INVALID);
    ls_test_error_has("x.h5: the HDF5 library crashed");
    trial = (struct ls_trial){.work = spin, .context = &counter, .path = "x.h5", .seconds_max = 1};
    ck_assert_int_eq(ls_trial_run(&trial, error), LS_INVALID);
    ls_test_error_has("not over after 1 s");
    ck_assert_int_eq(counter, 0); /* the child's was its own */
    trial.work = leave;
    ck_assert_int_eq(ls_trial_run(&trial, error), LS_INVALID);
    ls_test_error_has("exit code 9");
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    trial = (struct ls_trial){.work = answer, .context = shared, .path = "x.h5", .parts = 2};
    ls_require(ls_trial_run(&trial, error));
    ck_assert(shared[0] == 1 && shared[1] == 2 && shared[2] == 0);
    trial.parts = 4;
    ck_assert_int_eq(ls_trial_run(&trial, error), LS_INVALID);
    ls_test_error_has("part 2 is bad");
    ck_assert_int_eq(shared[3], 4);
    munmap(shared, 4096);
}
END_TEST

LS_SUITE(bytes_are_divided_by_255_and_rows_come_in_any_order, every_number_type_is_read,
         files_are_joined_in_the_order_of_their_names, files_that_do_not_fit_together_are_named,
         values_that_are_not_finite_name_file_and_row, foreign_files_may_not_lead_elsewhere,
         packed_files_give_the_same_values, parts_cut_all_rows_once_and_have_statistics,
         numbers_far_from_zero_keep_their_digits_once_they_are_centred, booleans_are_zero_and_one,
         images_of_other_types_are_divided_by_the_range_of_their_type,
         channels_that_come_first_end_up_last, one_hot_rows_are_labels,
         rows_that_were_never_written_are_refused, a_file_that_is_being_written_is_refused,
         links_below_the_folder_are_followed_where_that_is_allowed,
         packed_files_are_decoded_once_and_damage_to_the_copy_is_found,
         what_does_not_fit_names_the_key_and_is_read_in_pieces_otherwise,
         crashes_and_endless_loops_of_children_are_errors)
