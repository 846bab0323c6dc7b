#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5_support.h"
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
    float mean[2], scale[2];
    ls_require(ls_part_statistics(&all, &ls_test_inputs, 2, mean, scale, error));
    ck_assert_double_eq_tol((double)mean[0], 0.1, 1e-7);
    ck_assert(scale[0] == 1.0f);
    ck_assert_double_eq_tol((double)mean[1], 4.5, 1e-6);
    ck_assert_double_eq_tol((double)scale[1], 1 / sqrt(8.25), 1e-6);
    ls_dataset_close(dataset);
}
END_TEST

LS_SUITE(bytes_are_divided_by_255_and_rows_come_in_any_order, every_number_type_is_read,
         files_are_joined_in_the_order_of_their_names, files_that_do_not_fit_together_are_named,
         values_that_are_not_finite_name_file_and_row, foreign_files_may_not_lead_elsewhere,
         packed_files_give_the_same_values, parts_cut_all_rows_once_and_have_statistics)
