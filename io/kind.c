/* Values of any numeric type as floats, integers or doubles. */
#include "io/kind.h"

#include <math.h>

/* Calls X(kind, C type) for every kind. */
#define EVERY_KIND(X)                                                                              \
    X(LS_KIND_BOOL, uint8_t)                                                                       \
    X(LS_KIND_U8, uint8_t)                                                                         \
    X(LS_KIND_U16, uint16_t)                                                                       \
    X(LS_KIND_U32, uint32_t)                                                                       \
    X(LS_KIND_U64, uint64_t)                                                                       \
    X(LS_KIND_I8, int8_t)                                                                          \
    X(LS_KIND_I16, int16_t)                                                                        \
    X(LS_KIND_I32, int32_t)                                                                        \
    X(LS_KIND_I64, int64_t)                                                                        \
    X(LS_KIND_F32, float)                                                                          \
    X(LS_KIND_F64, double)

size_t ls_kind_bytes(enum ls_kind kind) {
#define X(k, type) [k] = sizeof(type),
    static const size_t bytes[] = {EVERY_KIND(X)};
#undef X
    return bytes[kind];
}

double ls_kind_value(enum ls_kind kind, const void *from, int64_t index) {
    switch (kind) {
#define X(k, type)                                                                                 \
    case k:                                                                                        \
        return (double)((const type *)from)[index];
        EVERY_KIND(X)
#undef X
    }
    return 0;
}

float ls_half_to_float(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float sign = bits >> 15 ? -1.0f : 1.0f;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

const char *ls_kind_name(enum ls_kind kind) {
    static const char *const names[] = {
        [LS_KIND_BOOL] = "boolean", [LS_KIND_U8] = "uint8",    [LS_KIND_U16] = "uint16",
        [LS_KIND_U32] = "uint32",   [LS_KIND_U64] = "uint64",  [LS_KIND_I8] = "int8",
        [LS_KIND_I16] = "int16",    [LS_KIND_I32] = "int32",   [LS_KIND_I64] = "int64",
        [LS_KIND_F32] = "float32",  [LS_KIND_F64] = "float64",
    };
    return names[kind];
}

int64_t ls_kind_to_real(enum ls_kind kind, const void *from, int64_t count, float divisor,
                        float *to) {
    switch (kind) {
#define X(k, type)                                                                                 \
    case k:                                                                                        \
        for (int64_t i = 0; i < count; i++)                                                        \
            to[i] = (float)((const type *)from)[i];                                                \
        break;
        EVERY_KIND(X)
#undef X
    }
    if (divisor != 1) /* no product with 1/255: each value is the float nearest to v/255 */
        for (int64_t i = 0; i < count; i++)
            to[i] /= divisor;
    if (kind == LS_KIND_F32 || kind == LS_KIND_F64)
        for (int64_t i = 0; i < count; i++)
            if (!isfinite(to[i]))
                return i;
    return -1;
}

int64_t ls_kind_to_double(enum ls_kind kind, const void *from, int64_t count, float divisor,
                          double *to) {
    switch (kind) {
#define X(k, type)                                                                                 \
    case k:                                                                                        \
        for (int64_t i = 0; i < count; i++)                                                        \
            to[i] = (double)((const type *)from)[i];                                               \
        break;
        EVERY_KIND(X)
#undef X
    }
    if (divisor != 1)
        for (int64_t i = 0; i < count; i++)
            to[i] = (double)((float)to[i] / divisor);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite((float)to[i]))
            return i;
    return -1;
}

int64_t ls_kind_to_integer(enum ls_kind kind, const void *from, int64_t count, int32_t *to) {
    for (int64_t i = 0; i < count; i++) {
        const double value = ls_kind_value(kind, from, i); /* exact wherever it can fit 32 bits */
        if (!(value >= INT32_MIN && value <= INT32_MAX) || value != floor(value))
            return i;
        to[i] = (int32_t)value;
    }
    return -1;
}
