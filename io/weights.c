#include "io/weights.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/writer.h"
#include "io/zip_writer.h"

const struct ls_parameter *ls_weights_at(const struct ls_weights *weights, int order) {
    const struct ls_parameter_set *set = weights->parameters;
    int i = 0;
    while (set->items[i]->order != order)
        i++;
    return set->items[i];
}

float *ls_weights_values(const struct ls_weights *weights, const struct ls_parameter *parameter) {
    float *plain = ls_calloc((size_t)ls_parameter_plain_count(parameter), sizeof *plain);
    ls_parameter_fetch(parameter, weights->flat + parameter->offset, plain);
    return plain;
}

static bool add_member(struct ls_zip_writer *zip, const struct ls_weights *weights,
                       const struct ls_parameter *parameter) {
    char name[LS_NAME_MAX + 8], header[LS_NPY_HEADER_MAX];
    float *values = ls_weights_values(weights, parameter);
    snprintf(name, sizeof name, "%s.npy", parameter->name);
    const struct ls_zip_part parts[] = {
        {header, ls_npy_header(header, "<f4", parameter->shape)},
        {values, (size_t)ls_parameter_plain_count(parameter) * sizeof *values}};
    const bool good = ls_zip_writer_add(zip, name, parts, 2);
    free(values);
    return good;
}

static bool write_npz(FILE *out, const void *context) {
    const struct ls_weights *weights = context;
    struct ls_zip_writer zip = {.out = out};
    bool good = true;
    for (int i = 0; i < weights->parameters->count && good; i++)
        good = add_member(&zip, weights, ls_weights_at(weights, i));
    return ls_zip_writer_finish(&zip) && good;
}

enum ls_status ls_weights_save_npz(const struct ls_weights *weights, const char *path,
                                   struct ls_error *error) {
    const struct ls_parameter_set *set = weights->parameters;
    uint64_t bytes = 1 << 16;
    for (int i = 0; i < set->count; i++)
        bytes += (uint64_t)ls_parameter_plain_count(set->items[i]) * sizeof(float) + 1024;
    if (bytes > UINT32_MAX || set->count > UINT16_MAX)
        return ls_fail(error, LS_INVALID,
                       "%s: an npz file holds 4 GB at most, and the parameters are more; take "
                       "safetensors or h5",
                       path);
    return ls_file_make(path, write_npz, weights, error);
}

static enum ls_status put_dataset(struct ls_writer *writer, const struct ls_weights *weights,
                                  const struct ls_parameter *parameter, struct ls_error *error) {
    const uint64_t rows = (uint64_t)parameter->shape.dims[0];
    int array = 0;
    float *values = ls_weights_values(weights, parameter);
    enum ls_status status = ls_writer_add(writer, parameter->name, LS_KIND_F32, rows,
                                          ls_shape_of_row(parameter->shape), &array, error);
    if (status == LS_OK)
        status = ls_writer_put(writer, array, 0, rows, values, error);
    free(values);
    return status;
}

enum ls_status ls_weights_save_hdf5(const struct ls_weights *weights, const char *path,
                                    struct ls_error *error) {
    struct ls_writer *writer;
    enum ls_status status = ls_writer_create(&writer, path, error);
    if (status != LS_OK)
        return status;
    for (int i = 0; i < weights->note_count && status == LS_OK; i++)
        status =
            ls_writer_texts(writer, -1, weights->notes[i].name, &weights->notes[i].text, 1, error);
    for (int i = 0; i < weights->parameters->count && status == LS_OK; i++)
        status = put_dataset(writer, weights, ls_weights_at(weights, i), error);
    if (status == LS_OK)
        return ls_writer_finish(writer, error);
    ls_writer_abandon(writer);
    return status;
}
