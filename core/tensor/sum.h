/* Sums of two arrays, element by element: each rounded once, so the variants give the same bits. */
#ifndef LS_TENSOR_SUM_H
#define LS_TENSOR_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tensor/isa.h"

/* A rank's slice from which on memory shared with other cores is written past the caches. */
enum { LS_STREAM_BYTES = 1 << 20 };

/* into = left + right; into may be either of them. stream: past the caches, for memory that other
 * cores have read and will read again: its lines need not be taken from them first. `into` then
 * starts at a multiple of 64 bytes, and is there for all when the call is over. */
typedef void ls_sum_function(float *into, const float *left, const float *right, int64_t count,
                             bool stream);
ls_sum_function ls_sum_f32_portable, ls_sum_f32_avx2, ls_sum_f32_avx512;
ls_sum_function *ls_variant_sum(enum ls_variant variant);

#endif
