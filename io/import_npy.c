/* NumPy's format, versions 1 to 3: magic, version, length, then a Python dict that says type,
 * order and shape. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#include "io/import_internal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 65536 };

/* What the files have, and as what it is written: half precision as float, extended as double. */
static const struct {
    const char *text;
    enum ls_kind kind;
    int bytes;
} types[] = {
    {"b1", LS_KIND_BOOL, 1},  {"u1", LS_KIND_U8, 1},  {"u2", LS_KIND_U16, 2},
    {"u4", LS_KIND_U32, 4},   {"u8", LS_KIND_U64, 8}, {"i1", LS_KIND_I8, 1},
    {"i2", LS_KIND_I16, 2},   {"i4", LS_KIND_I32, 4}, {"i8", LS_KIND_I64, 8},
    {"f2", LS_KIND_F32, 2},   {"f4", LS_KIND_F32, 4}, {"f8", LS_KIND_F64, 8},
    {"f16", LS_KIND_F64, 16},
};

/* x86's extended doubles: 80 of the 128 bits, as this machine has them if it has any. */
static double extended(const char *bytes) {
    long double value = 0;
    memcpy(&value, bytes, sizeof value < 16 ? sizeof value : 16);
    return (double)value;
}

void ls_npy_convert(const struct ls_raw_array *array, const char *from, uint64_t count, char *to) {
    const int stored = array->stored_bytes;
    for (uint64_t i = 0; i < count; i++) {
        char number[16];
        for (int b = 0; b < stored; b++)
            number[b] =
                from[i * (uint64_t)stored + (uint64_t)(array->swapped ? stored - 1 - b : b)];
        if (array->kind == LS_KIND_F32 && stored == 2) {
            uint16_t bits;
            memcpy(&bits, number, sizeof bits);
            ((float *)to)[i] = ls_half_to_float(bits);
        } else if (stored == 16) {
            ((double *)to)[i] = extended(number);
        } else if (array->kind == LS_KIND_BOOL) {
            to[i] = number[0] != 0;
        } else {
            memcpy(to + i * (uint64_t)stored, number, (size_t)stored);
        }
    }
}

/* Text behind 'key': in the header, spaces skipped; NULL if there is none. */
static const char *value_of(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

static bool is_type(const char *text, const char *type) {
    const size_t length = strlen(type);
    return !strncmp(text, type, length) && text[length] == '\'';
}

/* '<f4': byte order, kind, bytes. */
static enum ls_status parse_type(struct ls_raw_array *array, const char *text,
                                 struct ls_error *error) {
    const bool ordered = text && text[0] == '\'' && text[1] && strchr("<>|=", text[1]);
    for (size_t i = 0; ordered && i < sizeof types / sizeof *types; i++) {
        if (!is_type(text + 2, types[i].text) || (types[i].bytes == 16 && sizeof(long double) < 16))
            continue;
        array->kind = types[i].kind;
        array->swapped = text[1] == '>' && types[i].bytes > 1;
        const bool as_it_is = types[i].bytes == (int)ls_kind_bytes(array->kind) && !array->swapped;
        if (!as_it_is || array->kind == LS_KIND_BOOL)
            array->stored_bytes = types[i].bytes;
        return LS_OK;
    }
    const bool complex = ordered && text[2] == 'c';
    return ls_fail(error, LS_INVALID,
                   "%s: expected numbers (b1, u1 to u8, i1 to i8, f2 to f8), found the type "
                   "%.*s%s",
                   array->stream.path, text ? (int)strcspn(text, ",}") : 4, text ? text : "none",
                   complex ? "\nsave real and imaginary parts side by side: "
                             "numpy.stack([x.real, x.imag], axis=-1)"
                           : "\nsave it as numbers: numpy.save(file, x.astype('f4'))");
}

static enum ls_status parse_shape(struct ls_raw_array *array, const char *text,
                                  struct ls_error *error) {
    uint64_t dims[LS_RANK_MAX];
    int rank = 0;
    const char *at = text;
    bool valid = at && *at == '(';
    for (at += valid; valid && *at != ')'; at += strspn(at, ", ")) {
        char *end;
        errno = 0;
        valid = isdigit((unsigned char)*at) && rank < LS_RANK_MAX;
        if (valid) {
            dims[rank++] = strtoull(at, &end, 10);
            valid = errno == 0;
            at = end;
        }
    }
    if (!valid || rank == 0)
        return ls_fail(error, LS_INVALID,
                       "%s: expected an array of 1 to %d dimensions, found the shape %.*s",
                       array->stream.path, (int)LS_RANK_MAX,
                       text ? (int)strcspn(text, ")}") + 1 : 4, text ? text : "none");
    return ls_raw_array_shape(array, dims, rank, error);
}

static enum ls_status parse_header(struct ls_raw_array *array, const char *header,
                                   struct ls_error *error) {
    const enum ls_status status = parse_type(array, value_of(header, "'descr'"), error);
    if (status != LS_OK)
        return status;
    const char *order = value_of(header, "'fortran_order'");
    const bool fortran = order && strncmp(order, "True", 4) == 0;
    if (!fortran && (!order || strncmp(order, "False", 5) != 0))
        return ls_fail(error, LS_INVALID,
                       "%s: an NPY header without 'fortran_order': True or False",
                       array->stream.path);
    const enum ls_status shaped = parse_shape(array, value_of(header, "'shape'"), error);
    array->columns_first = fortran && array->row.rank > 0;
    return shaped;
}

/* The header's text, owned by the caller. */
static enum ls_status read_header(struct ls_raw_array *array, char **header,
                                  struct ls_error *error) {
    const char *path = array->stream.path;
    unsigned char start[12] = {0};
    uint64_t got;
    enum ls_status status = ls_stream_read(&array->stream, start, 10, &got, error);
    if (status != LS_OK)
        return status;
    if (got < 10 || memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3)
        return ls_fail(error, LS_INVALID, "%s: not an NPY file of version 1 to 3", path);
    uint64_t length = start[8] | (uint64_t)start[9] << 8;
    if (start[6] >= 2) {
        status = ls_stream_read(&array->stream, start + 10, 2, &got, error);
        if (status != LS_OK)
            return status;
        length |= (uint64_t)start[10] << 16 | (uint64_t)start[11] << 24;
    }
    if (length > HEADER_MAX)
        return ls_fail(error, LS_INVALID, "%s: an NPY header of %llu bytes, more than %d", path,
                       (unsigned long long)length, (int)HEADER_MAX);
    *header = calloc(length + 1, 1);
    LS_ASSERT(*header, "out of memory: %llu bytes", (unsigned long long)length + 1);
    status = ls_stream_read(&array->stream, *header, length, &got, error);
    if (status == LS_OK && got < length)
        status = ls_fail(error, LS_INVALID,
                         "%s: truncated: expected an NPY header of %llu bytes, found %llu", path,
                         (unsigned long long)length, (unsigned long long)got);
    return status;
}

enum ls_status ls_npy_read(struct ls_raw_array *array, struct ls_stream stream,
                           struct ls_error *error) {
    char *header = NULL;
    *array = (struct ls_raw_array){.stream = stream};
    enum ls_status status = read_header(array, &header, error);
    if (status == LS_OK) {
        status = parse_header(array, header, error);
        array->refused = status != LS_OK;
    }
    free(header);
    if (status != LS_OK)
        ls_stream_close(&array->stream);
    return status;
}

enum ls_status ls_npy_open(struct ls_raw_array *array, const char *path, bool targets,
                           struct ls_error *error) {
    (void)targets; /* NumPy's header is the same for both */
    struct ls_stream stream;
    *array = (struct ls_raw_array){0};
    const enum ls_status status = ls_stream_open(&stream, path, error);
    return status == LS_OK ? ls_npy_read(array, stream, error) : status;
}
