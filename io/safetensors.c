#include "io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/kind.h"
#include "io/weights.h"

enum { LENGTH_BYTES = 8, HEADER_MAX = 100 << 20, ALIGNED = 8, BLOCK_VALUES = 1 << 18 };

static const char metadata[] = "__metadata__";

static const struct type {
    const char *name;
    unsigned bytes;
} types[] = {{"F32", 4},  {"F16", 2}, {"BF16", 2}, {"F64", 8}, /* those that are read */
             {"BOOL", 1}, {"U8", 1},  {"I8", 1},   {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U16", 2},
             {"I16", 2},  {"U32", 4}, {"I32", 4},  {"U64", 8},     {"I64", 8},     {"C64", 8}};
enum { TYPES = sizeof types / sizeof *types, REAL_TYPES = 4 };

static const struct type *find_type(const char *name) {
    for (int i = 0; i < TYPES; i++)
        if (name && !strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

bool ls_safetensor_is_real(const struct ls_safetensor *tensor) {
    return find_type(tensor->type) < types + REAL_TYPES;
}

/* Reading. */

static enum ls_status damaged(const struct ls_safetensors *file, struct ls_error *error,
                              const char *format, ...) LS_PRINTF(3, 4);
static enum ls_status damaged(const struct ls_safetensors *file, struct ls_error *error,
                              const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ls_fail(error, LS_INVALID, "%s: no file of safetensors, or damaged: %s", file->path,
                   text);
}

/* Shape and number of values; false if it is none. */
static bool parse_shape(const json_t *dims, struct ls_safetensor *tensor) {
    const size_t rank = json_array_size(dims);
    if (!json_is_array(dims) || rank > LS_RANK_MAX)
        return false;
    tensor->shape.rank = (int)rank;
    tensor->count = 1;
    for (size_t d = 0; d < rank; d++) {
        const json_t *dim = json_array_get(dims, d);
        const int64_t size = json_is_integer(dim) ? json_integer_value(dim) : -1;
        tensor->shape.dims[d] = size;
        if (size < 0 || __builtin_mul_overflow(tensor->count, size, &tensor->count))
            return false;
    }
    return true;
}

/* Names are shown, and may not say more to a terminal than their characters. */
static bool is_name(const char *name) {
    while ((unsigned char)*name >= ' ' && *name != 0x7f)
        name++;
    return !*name;
}

/* One entry of the header. data: bytes behind the header. */
static enum ls_status parse_tensor(struct ls_safetensors *file, const char *name,
                                   const json_t *entry, uint64_t data, struct ls_error *error) {
    const char *type_name;
    json_t *dims;
    json_int_t first, end;
    json_error_t reason;
    if (!is_name(name))
        return damaged(file, error, "a tensor's name has control characters");
    if (json_unpack_ex((json_t *)(uintptr_t)entry, &reason, JSON_STRICT, "{s:s, s:o, s:[I, I]}",
                       "dtype", &type_name, "shape", &dims, "data_offsets", &first, &end))
        return damaged(file, error, "tensor '%.100s': %s", name, reason.text);
    const struct type *type = find_type(type_name);
    struct ls_safetensor *tensor = &file->items[file->count];
    if (!type)
        return ls_fail(error, LS_INVALID,
                       "%s: tensor '%.100s' is of the type '%.40s', which this program does not "
                       "know",
                       file->path, name, type_name);
    if (!parse_shape(dims, tensor))
        return damaged(file, error,
                       "tensor '%.100s': its shape is no list of up to %d dimensions from 0 on",
                       name, LS_RANK_MAX);
    if (first < 0 || end < first || (uint64_t)end > data)
        return damaged(file, error,
                       "tensor '%.100s' lies at bytes %" JSON_INTEGER_FORMAT
                       " to %" JSON_INTEGER_FORMAT " of %" PRIu64,
                       name, first, end, data);
    uint64_t expected;
    if (__builtin_mul_overflow((uint64_t)tensor->count, (uint64_t)type->bytes, &expected) ||
        expected != (uint64_t)(end - first)) {
        char shape[LS_SHAPE_TEXT_MAX];
        return damaged(file, error,
                       "tensor '%.100s' of %s and shape %s does not have %" JSON_INTEGER_FORMAT
                       " bytes",
                       name, type->name, ls_shape_print(tensor->shape, shape), end - first);
    }
    tensor->name = ls_strdup(name);
    tensor->type = type->name;
    tensor->first = (uint64_t)first;
    tensor->bytes = (uint64_t)(end - first);
    file->count++;
    return LS_OK;
}

static int compare_places(const void *a, const void *b) {
    const struct ls_safetensor *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? -1 : 1) : strcmp(x->name, y->name);
}

/* Sorts them by where they lie: one after the other, without a gap, to the end. Places become those
 * in the file. */
static enum ls_status check_places(struct ls_safetensors *file, uint64_t header, uint64_t data,
                                   struct ls_error *error) {
    uint64_t end = 0;
    qsort(file->items, (size_t)file->count, sizeof *file->items, compare_places);
    for (int i = 0; i < file->count; i++) {
        struct ls_safetensor *tensor = &file->items[i];
        if (tensor->first != end)
            return damaged(file, error,
                           "tensor '%.100s' begins at byte %" PRIu64 ", and the one before it "
                           "ends at %" PRIu64,
                           tensor->name, tensor->first, end);
        end += tensor->bytes;
        tensor->first += LENGTH_BYTES + header;
    }
    if (end != data)
        return damaged(file, error,
                       "its tensors have %" PRIu64 " bytes, and %" PRIu64 " lie behind its header",
                       end, data);
    return LS_OK;
}

static bool is_notes(const json_t *object) {
    const char *key;
    json_t *value;
    bool good = json_is_object(object);
    json_object_foreach((json_t *)(uintptr_t)object, key, value) good =
        good && json_is_string(value);
    return good;
}

static enum ls_status parse(struct ls_safetensors *file, const char *text, uint64_t header,
                            uint64_t data, struct ls_error *error) {
    json_error_t reason;
    json_t *root =
        text[0] == '{' ? json_loadb(text, header, JSON_REJECT_DUPLICATES, &reason) : NULL;
    if (text[0] != '{')
        return damaged(file, error, "its header does not begin with '{'");
    if (!root)
        return damaged(file, error, "its header: column %d: %s", reason.column, reason.text);
    const char *name;
    json_t *entry;
    enum ls_status status = LS_OK;
    file->items = ls_calloc(json_object_size(root) + 1, sizeof *file->items);
    json_object_foreach(root, name, entry) {
        if (status != LS_OK)
            break;
        if (strcmp(name, metadata) != 0)
            status = parse_tensor(file, name, entry, data, error);
        else if (is_notes(entry))
            file->notes = json_dumps(entry, 0);
        else
            status = damaged(file, error, "its %s is no object of texts", metadata);
    }
    json_decref(root);
    if (!file->notes)
        file->notes = ls_strdup("{}");
    return status == LS_OK ? check_places(file, header, data, error) : status;
}

/* What people have in place of such a file. */
static enum ls_status refuse_others(const struct ls_safetensors *file, const unsigned char *begin,
                                    struct ls_error *error) {
    const bool zip = !memcmp(begin, "PK\3\4", 4), pickle = begin[0] == 0x80 && begin[1] == 2;
    if (!zip && !pickle)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: expected a file of safetensors, found %s\nin Python: "
                   "safetensors.torch.save_file(model.state_dict(), 'FILE.safetensors')",
                   file->path,
                   zip ? "a ZIP archive, as torch.save and numpy.savez write"
                       : "a pickle, as torch.save once wrote");
}

static enum ls_status read_header(struct ls_safetensors *file, uint64_t size,
                                  struct ls_error *error) {
    unsigned char begin[LENGTH_BYTES];
    uint64_t header = 0;
    if (size < LENGTH_BYTES || ls_file_read_at(file->file, begin, LENGTH_BYTES, 0) != LENGTH_BYTES)
        return damaged(file, error, "it has %" PRIu64 " bytes", size);
    if (refuse_others(file, begin, error) != LS_OK)
        return error->status;
    for (int i = LENGTH_BYTES; i-- > 0;)
        header = header << 8 | begin[i];
    if (header > HEADER_MAX || header > size - LENGTH_BYTES || header < 2)
        return damaged(file, error,
                       "its header would have %" PRIu64 " bytes, expected 2 to %" PRIu64, header,
                       size - LENGTH_BYTES < HEADER_MAX ? size - LENGTH_BYTES : HEADER_MAX);
    char *text = ls_calloc(header + 1, 1);
    enum ls_status status = LS_OK;
    if (ls_file_read_at(file->file, text, header, LENGTH_BYTES) != (int64_t)header)
        status = damaged(file, error, "its header cannot be read");
    if (status == LS_OK)
        status = parse(file, text, header, size - LENGTH_BYTES - header, error);
    free(text);
    return status;
}

enum ls_status ls_safetensors_open(struct ls_safetensors *file, const char *path,
                                   struct ls_error *error) {
    struct stat info;
    *file = (struct ls_safetensors){.path = ls_strdup(path), .file = -1};
    file->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for ever */
    if (file->file < 0 || fstat(file->file, &info))
        return ls_file_fail(error, "read", path, errno);
    if (!S_ISREG(info.st_mode))
        return ls_fail(error, LS_INVALID, "cannot read %s: it is not a regular file", path);
    return read_header(file, (uint64_t)info.st_size, error);
}

void ls_safetensors_close(struct ls_safetensors *file) {
    for (int i = 0; i < file->count; i++)
        free(file->items[i].name);
    free(file->items);
    free(file->notes);
    free(file->path);
    if (file->file >= 0)
        close(file->file);
    *file = (struct ls_safetensors){.file = -1};
}

static void convert(const char *type, const char *from, int64_t count, float *to) {
    if (!strcmp(type, "F16")) {
        for (int64_t i = 0; i < count; i++) {
            uint16_t bits;
            memcpy(&bits, from + 2 * i, sizeof bits);
            to[i] = ls_half_to_float(bits);
        }
    } else if (!strcmp(type, "BF16")) {
        for (int64_t i = 0; i < count; i++) { /* the upper half of a float */
            uint16_t half;
            memcpy(&half, from + 2 * i, sizeof half);
            const uint32_t bits = (uint32_t)half << 16;
            memcpy(&to[i], &bits, sizeof bits);
        }
    } else {
        ls_kind_to_real(!strcmp(type, "F64") ? LS_KIND_F64 : LS_KIND_F32, from, count, 1, to);
    }
}

enum ls_status ls_safetensors_read(const struct ls_safetensors *file,
                                   const struct ls_safetensor *tensor, float *values,
                                   struct ls_error *error) {
    if (!ls_safetensor_is_real(tensor))
        return ls_fail(error, LS_INVALID,
                       "%s: tensor '%.100s': expected F32, F16, BF16 or F64, "
                       "found %s",
                       file->path, tensor->name, tensor->type);
    const uint64_t size = find_type(tensor->type)->bytes;
    char *block = ls_calloc(BLOCK_VALUES, size);
    enum ls_status status = LS_OK;
    for (int64_t done = 0; done < tensor->count && status == LS_OK;) {
        const int64_t left = tensor->count - done,
                      count = left < BLOCK_VALUES ? left : BLOCK_VALUES;
        const uint64_t bytes = (uint64_t)count * size;
        if (ls_file_read_at(file->file, block, bytes, tensor->first + (uint64_t)done * size) !=
            (int64_t)bytes)
            status = damaged(file, error, "tensor '%.100s' cannot be read", tensor->name);
        else
            convert(tensor->type, block, count, values + done);
        for (int64_t i = 0; i < count && status == LS_OK; i++)
            if (!isfinite(values[done + i]))
                status =
                    ls_fail(error, LS_INVALID,
                            "%s: tensor '%.100s': value %" PRId64 " is not finite as a float (%s)",
                            file->path, tensor->name, done + i, tensor->type);
        done += count;
    }
    free(block);
    return status;
}

/* Writing. */

/* The header's text, with blanks behind it so that the values are aligned. Owned by the caller. */
static char *print_header(const struct ls_weights *weights, size_t *length) {
    json_t *root = json_object(), *notes = json_object();
    json_int_t at = 0;
    for (int i = 0; i < weights->note_count; i++)
        json_object_set_new(notes, weights->notes[i].name, json_string(weights->notes[i].text));
    json_object_set_new(root, metadata, notes);
    for (int i = 0; i < weights->parameters->count; i++) {
        const struct ls_parameter *parameter = ls_weights_at(weights, i);
        const json_int_t end =
            at + (json_int_t)ls_parameter_plain_count(parameter) * (json_int_t)sizeof(float);
        json_t *dims = json_array();
        for (int d = 0; d < parameter->shape.rank; d++)
            json_array_append_new(dims, json_integer(parameter->shape.dims[d]));
        json_object_set_new(root, parameter->name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", dims,
                                      "data_offsets", at, end));
        at = end;
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    LS_ASSERT(text, "a header of %d tensors that does not print", weights->parameters->count);
    const size_t used = strlen(text);
    *length = ls_round_up(used, ALIGNED);
    char *padded = ls_calloc(*length + 1, 1);
    memset(padded, ' ', *length);
    memcpy(padded, text, used);
    free(text);
    return padded;
}

static bool write_file(FILE *out, const void *context) {
    const struct ls_weights *weights = context;
    unsigned char begin[LENGTH_BYTES];
    size_t length;
    char *header = print_header(weights, &length);
    for (int i = 0; i < LENGTH_BYTES; i++)
        begin[i] = (unsigned char)((uint64_t)length >> 8 * i);
    bool good = fwrite(begin, LENGTH_BYTES, 1, out) == 1 && fwrite(header, length, 1, out) == 1;
    free(header);
    for (int i = 0; i < weights->parameters->count && good; i++) {
        const struct ls_parameter *parameter = ls_weights_at(weights, i);
        const size_t count = (size_t)ls_parameter_plain_count(parameter);
        float *values = ls_weights_values(weights, parameter);
        good = fwrite(values, sizeof *values, count, out) == count;
        free(values);
    }
    return good;
}

enum ls_status ls_weights_save_safetensors(const struct ls_weights *weights, const char *path,
                                           struct ls_error *error) {
    return ls_file_make(path, write_file, weights, error);
}
