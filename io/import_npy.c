/* NumPy's format, versions 1 and 2: magic, version, length, then a Python dict that says type,
 * order and shape. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#include "io/import_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 65536 };

static const struct {
    const char *text;
    enum ls_kind kind;
} types[] = {
    {"u1", LS_KIND_U8},  {"u2", LS_KIND_U16}, {"u4", LS_KIND_U32}, {"u8", LS_KIND_U64},
    {"i1", LS_KIND_I8},  {"i2", LS_KIND_I16}, {"i4", LS_KIND_I32}, {"i8", LS_KIND_I64},
    {"f4", LS_KIND_F32}, {"f8", LS_KIND_F64},
};

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

static enum ls_status parse_type(struct ls_raw_array *array, const char *text,
                                 struct ls_error *error) {
    const size_t count = sizeof types / sizeof *types;
    const bool ordered = text && text[0] == '\'' &&
                         (text[1] == '<' || (text[1] == '|' && text[2] && text[3] == '1'));
    for (size_t i = 0; ordered && i < count; i++) {
        if (strncmp(text + 2, types[i].text, 2) == 0 && text[4] == '\'') {
            array->kind = types[i].kind;
            return LS_OK;
        }
    }
    return ls_fail(
        error, LS_INVALID,
        "%s: expected little-endian numbers (u1 to u8, i1 to i8, f4, f8), found the type %.*s",
        array->stream.path, text ? (int)strcspn(text, ",}") : 4, text ? text : "none");
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
    if (!order || strncmp(order, "False", 5) != 0)
        return ls_fail(
            error, LS_INVALID,
            "%s: expected an array in C order, found Fortran order (numpy.ascontiguousarray helps)",
            array->stream.path);
    return parse_shape(array, value_of(header, "'shape'"), error);
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
    if (got < 10 || memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 2)
        return ls_fail(error, LS_INVALID, "%s: not an NPY file of version 1 or 2", path);
    uint64_t length = start[8] | (uint64_t)start[9] << 8;
    if (start[6] == 2) {
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

enum ls_status ls_npy_open(struct ls_raw_array *array, const char *path, bool targets,
                           struct ls_error *error) {
    (void)targets; /* NumPy's header is the same for both */
    *array = (struct ls_raw_array){0};
    char *header = NULL;
    enum ls_status status = ls_stream_open(&array->stream, path, error);
    if (status != LS_OK)
        return status;
    status = read_header(array, &header, error);
    if (status == LS_OK)
        status = parse_header(array, header, error);
    free(header);
    if (status != LS_OK)
        ls_stream_close(&array->stream);
    return status;
}
