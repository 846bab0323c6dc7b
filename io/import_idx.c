/* IDX, MNIST's format: big-endian; 0 0 TYPE RANK, then RANK sizes of 32 bits, then the values.
 * http://yann.lecun.com/exdb/mnist/ */
#include "io/import_internal.h"

enum { TYPE_UINT8 = 0x08 };

static uint32_t big_endian(const unsigned char bytes[4]) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum ls_status check_magic(const char *path, const unsigned char magic[4], bool targets,
                                  struct ls_error *error) {
    const int rank = magic[3];
    const bool fits = magic[0] == 0 && magic[1] == 0 && magic[2] == TYPE_UINT8 &&
                      (targets ? rank == 1 : rank >= 2 && rank <= 4);
    if (fits)
        return LS_OK;
    return ls_fail(
        error, LS_INVALID,
        "%s: not an IDX file of %s: expected the magic number %s, found %02x%02x%02x%02x", path,
        targets ? "labels" : "images", targets ? "00000801" : "00000803 (or 02, 04)", magic[0],
        magic[1], magic[2], magic[3]);
}

static enum ls_status read_header(struct ls_raw_array *array, bool targets,
                                  struct ls_error *error) {
    const char *path = array->stream.path;
    unsigned char bytes[4 + 4 * 4];
    uint64_t got;
    enum ls_status status = ls_stream_read(&array->stream, bytes, 4, &got, error);
    if (status == LS_OK && got < 4)
        status =
            ls_fail(error, LS_INVALID, "%s: truncated: expected an IDX header, found %llu bytes",
                    path, (unsigned long long)got);
    if (status == LS_OK)
        status = check_magic(path, bytes, targets, error);
    if (status != LS_OK)
        return status;
    const int rank = bytes[3];
    status = ls_stream_read(&array->stream, bytes + 4, (uint64_t)rank * 4, &got, error);
    if (status == LS_OK && got < (uint64_t)rank * 4)
        status = ls_fail(error, LS_INVALID,
                         "%s: truncated: expected an IDX header of %d bytes, found %llu", path,
                         4 + 4 * rank, (unsigned long long)got + 4);
    if (status != LS_OK)
        return status;
    uint64_t dims[4];
    for (int i = 0; i < rank; i++)
        dims[i] = big_endian(bytes + 4 + 4 * i);
    array->kind = LS_KIND_U8;
    status = ls_raw_array_shape(array, dims, rank, error);
    if (array->row.rank == 2) /* grey images: one channel */
        array->row.dims[array->row.rank++] = 1;
    return status;
}

enum ls_status ls_idx_open(struct ls_raw_array *array, const char *path, bool targets,
                           struct ls_error *error) {
    *array = (struct ls_raw_array){0};
    enum ls_status status = ls_stream_open(&array->stream, path, error);
    if (status == LS_OK)
        status = read_header(array, targets, error);
    if (status != LS_OK)
        ls_stream_close(&array->stream);
    return status;
}
