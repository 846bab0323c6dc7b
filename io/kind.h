/* Number types as they lie in memory, and their conversion. Internal to io. */
#ifndef LS_IO_KIND_H
#define LS_IO_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

/* How values lie in memory after a read, whatever the file's byte order. */
enum ls_kind {
    LS_KIND_BOOL, /* a byte, 0 or 1 */
    LS_KIND_U8,
    LS_KIND_U16,
    LS_KIND_U32,
    LS_KIND_U64,
    LS_KIND_I8,
    LS_KIND_I16,
    LS_KIND_I32,
    LS_KIND_I64,
    LS_KIND_F32,
    LS_KIND_F64
};

size_t ls_kind_bytes(enum ls_kind kind);

/* "uint8", "float64", "boolean" */
const char *ls_kind_name(enum ls_kind kind);

/* Converts count values, each divided by `divisor`. Returns the index of the first value that is
 * not finite (as a float), or -1. */
int64_t ls_kind_to_real(enum ls_kind kind, const void *from, int64_t count, float divisor,
                        float *to);

/* The same in double: nothing is rounded but what a divisor makes, which is the same as there. */
int64_t ls_kind_to_double(enum ls_kind kind, const void *from, int64_t count, float divisor,
                          double *to);

/* Index of the first value that is not an integer of 32 bits, or -1. */
int64_t ls_kind_to_integer(enum ls_kind kind, const void *from, int64_t count, int32_t *to);

/* A half (IEEE 754 binary16) as a float, exactly. */
float ls_half_to_float(uint16_t bits);

/* Value at `index`, for messages. */
double ls_kind_value(enum ls_kind kind, const void *from, int64_t index);

#endif
