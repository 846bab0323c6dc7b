/* Which build of the ops and kernels runs (core/tensor/variant.h). */
#ifndef LS_TENSOR_ISA_H
#define LS_TENSOR_ISA_H

#include "core/base/status.h"

enum ls_variant { LS_F32_PORTABLE, LS_F32_AVX2, LS_F32_AVX512, LS_F64, LS_VARIANT_COUNT };

/* "portable", "avx2", "avx512", "f64" */
const char *ls_variant_name(enum ls_variant variant);

/* Whether this machine can run it. LS_F32_PORTABLE and LS_F64 always can. */
bool ls_variant_supported(enum ls_variant variant);

/* The fastest float variant that this machine can run. */
enum ls_variant ls_variant_best(void);

/* The kernels of a float variant (kernels/table.h); NULL if this build does not have it. */
struct ls_kernels;
const struct ls_kernels *ls_variant_kernels(enum ls_variant variant);

#endif
