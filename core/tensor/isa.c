#include "core/tensor/isa.h"

#include "core/tensor/sum.h"

extern const struct ls_kernels ls_kernels_f32_portable, ls_kernels_f32_avx2, ls_kernels_f32_avx512;

const char *ls_variant_name(enum ls_variant variant) {
    static const char *const names[LS_VARIANT_COUNT] = {"portable", "avx2", "avx512", "f64"};
    LS_ASSERT((int)variant >= 0 && variant < LS_VARIANT_COUNT, "variant %d of %d", (int)variant,
              LS_VARIANT_COUNT);
    return names[variant];
}

bool ls_variant_supported(enum ls_variant variant) {
    switch (variant) {
    case LS_F32_PORTABLE:
    case LS_F64:
        return true;
#if LS_X86
    case LS_F32_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case LS_F32_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               ls_variant_supported(LS_F32_AVX2);
#endif
    default:
        return false;
    }
}

enum ls_variant ls_variant_best(void) {
    if (ls_variant_supported(LS_F32_AVX512))
        return LS_F32_AVX512;
    return ls_variant_supported(LS_F32_AVX2) ? LS_F32_AVX2 : LS_F32_PORTABLE;
}

const struct ls_kernels *ls_variant_kernels(enum ls_variant variant) {
    switch (variant) {
    case LS_F32_PORTABLE:
        return &ls_kernels_f32_portable;
#if LS_X86
    case LS_F32_AVX2:
        return &ls_kernels_f32_avx2;
    case LS_F32_AVX512:
        return &ls_kernels_f32_avx512;
#endif
    default:
        return NULL;
    }
}

ls_sum_function *ls_variant_sum(enum ls_variant variant) {
    switch (variant) {
#if LS_X86
    case LS_F32_AVX2:
        return ls_sum_f32_avx2;
    case LS_F32_AVX512:
        return ls_sum_f32_avx512;
#endif
    default:
        return ls_sum_f32_portable;
    }
}
