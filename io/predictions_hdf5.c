/* Predictions as HDF5: a dataset for each set, names and notes as attributes. */
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/hdf5_support.h"
#include "io/predictions_internal.h"

struct writer {
    hid_t file;
    int count;
    struct set {
        hid_t id, type;        /* id -1 until it is made; type: in memory */
        struct ls_shape shape; /* [rows, ...], or of the single value */
        bool single;
    } sets[LS_PREDICTIONS_MAX];
};

/* An attribute: a list of texts, or (count 0) one text. */
static bool write_texts(hid_t object, const char *name, const char *const *texts, int count) {
    const hsize_t size = (hsize_t)count;
    const hid_t type = H5Tcopy(H5T_C_S1),
                space = count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool good = attribute >= 0 && H5Awrite(attribute, type, texts) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

static bool create_set(struct writer *writer, const struct ls_prediction_set *options,
                       uint64_t rows) {
    struct set *set = &writer->sets[writer->count++];
    const struct ls_shape row = options->row_shape;
    hsize_t dims[LS_RANK_MAX] = {rows};
    const bool integer = options->integer, wide = options->wide;
    set->type = integer ? wide ? H5T_NATIVE_INT64 : H5T_NATIVE_INT32
                : wide  ? H5T_NATIVE_DOUBLE
                        : H5T_NATIVE_FLOAT;
    const hid_t stored = integer ? wide ? H5T_STD_I64LE : H5T_STD_I32LE
                         : wide  ? H5T_IEEE_F64LE
                                 : H5T_IEEE_F32LE;
    const int first = options->single ? 0 : 1;
    set->single = options->single;
    set->shape = (struct ls_shape){.rank = row.rank + first, .dims = {(int64_t)rows}};
    for (int i = 0; i < row.rank; i++)
        dims[i + first] = (hsize_t)(set->shape.dims[i + first] = row.dims[i]);
    const hid_t space = H5Screate_simple(set->shape.rank, dims, NULL);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plan, false);
    set->id =
        H5Dcreate2(writer->file, options->name, stored, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    H5Pclose(plan);
    H5Sclose(space);
    return set->id >= 0 &&
           (!options->names || write_texts(set->id, options->names_as ? options->names_as : "names",
                                           options->names, options->name_count));
}

/* /ids as texts of different lengths, which h5py reads as they are; /rows. */
static bool write_row_names(hid_t file, const struct ls_row_names *names) {
    const hsize_t size = names ? names->count : 0;
    bool good = true;
    const hid_t space = H5Screate_simple(1, &size, NULL), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    for (int i = 0; i < 2 && names; i++) {
        const void *data = i ? (const void *)names->numbers : names->ids;
        if (!data)
            continue;
        const hid_t set = H5Dcreate2(file, i ? "rows" : "ids", i ? H5T_STD_I64LE : type, space,
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        good = good && set >= 0 &&
               H5Dwrite(set, i ? H5T_NATIVE_INT64 : type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
        if (set >= 0)
            H5Dclose(set);
    }
    H5Tclose(type);
    H5Sclose(space);
    return good;
}

static const char *refuse(const struct ls_predictions_options *options) {
    (void)options;
    return NULL;
}

static bool begin(void **made, const struct ls_predictions_options *options,
                  const char *temporary) {
    struct writer *writer = *made = ls_calloc(1, sizeof *writer);
    ls_hdf5_quiet();
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V110); /* many names of classes */
    const hid_t plan = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(plan, false); /* the same answers are the same bytes */
    writer->file = H5Fcreate(temporary, H5F_ACC_TRUNC, plan, access);
    H5Pclose(plan);
    H5Pclose(access);
    bool good = writer->file >= 0;
    for (int i = 0; i < options->count && good; i++)
        good = create_set(writer, &options->sets[i], options->rows);
    for (int i = 0; i < options->note_count && good; i++)
        good = write_texts(writer->file, options->notes[i].name, &options->notes[i].text, 0);
    return good && write_row_names(writer->file, options->row_names);
}

static bool append_rows(const struct set *set, uint64_t first, int64_t rows, const void *data) {
    hsize_t start[LS_RANK_MAX] = {first}, count[LS_RANK_MAX] = {(hsize_t)rows};
    for (int i = 1; i < set->shape.rank; i++)
        count[i] = (hsize_t)set->shape.dims[i];
    const hid_t memory = H5Screate_simple(set->shape.rank, count, NULL);
    const hid_t space = H5Dget_space(set->id);
    const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                      H5Dwrite(set->id, set->type, memory, space, H5P_DEFAULT, data) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

static bool append(void *given, const struct ls_predictions_options *options, uint64_t first,
                   const void *const *data, int64_t rows) {
    const struct writer *writer = given;
    bool good = true;
    (void)options;
    for (int i = 0; i < writer->count && good; i++)
        if (!writer->sets[i].single)
            good = append_rows(&writer->sets[i], first, rows, data[i]);
        else if (first == 0)
            good = H5Dwrite(writer->sets[i].id, writer->sets[i].type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                            data[i]) >= 0;
    return good;
}

static bool finish(void *given) {
    struct writer *writer = given;
    bool good = writer->file >= 0;
    for (int i = 0; i < writer->count; i++)
        if (writer->sets[i].id >= 0)
            good &= H5Dclose(writer->sets[i].id) >= 0;
    if (writer->file >= 0)
        good &= H5Fclose(writer->file) >= 0;
    free(writer);
    return good;
}

const struct ls_predictions_writer ls_predictions_hdf5 = {
    .ending = ".h5", .refuse = refuse, .begin = begin, .append = append, .finish = finish};
