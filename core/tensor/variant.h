/* One source, several builds. Everything in core/ops and core/tensor/kernels is compiled once per
 * variant: for float with AVX-512, AVX2 and portable code, and for double as the reference that
 * gradients are checked in. CMake defines LS_VARIANT_F32_AVX512, _F32_AVX2, _F32_PORTABLE or _F64;
 * this file is the only place that asks which. Names get the variant as a suffix: LS_NAME(ls_gemm)
 * is ls_gemm_f32_avx2.
 *
 * The float variants give the same bits: every sum has a stated order, fused multiply-adds happen
 * only through ls_fma (scalar) and ls_vfma (vector), and -ffp-contract=off keeps the compiler from
 * adding any. */
#ifndef LS_TENSOR_VARIANT_H
#define LS_TENSOR_VARIANT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined LS_VARIANT_F32_AVX512
#define LS_SUFFIX f32_avx512
#define LS_LANES 16
#define LS_REAL_IS_FLOAT 1
#elif defined LS_VARIANT_F32_AVX2
#define LS_SUFFIX f32_avx2
#define LS_LANES 8
#define LS_REAL_IS_FLOAT 1
#elif defined LS_VARIANT_F32_PORTABLE
#define LS_SUFFIX f32_portable
#define LS_LANES 4
#define LS_REAL_IS_FLOAT 1
#elif defined LS_VARIANT_F64
#define LS_SUFFIX f64
#define LS_LANES 4
#define LS_REAL_IS_FLOAT 0
#else
#error "compile this file through a variant (see core/CMakeLists.txt)"
#endif

#define LS_NAME_PASTE(name, suffix) name##_##suffix
#define LS_NAME_EXPAND(name, suffix) LS_NAME_PASTE(name, suffix)
#define LS_NAME(name) LS_NAME_EXPAND(name, LS_SUFFIX)

#define LS_INLINE static inline __attribute__((always_inline))

#if LS_REAL_IS_FLOAT
typedef float real;
typedef int32_t real_bits; /* an integer as wide as real, for masks and exponents */
#else
typedef double real;
typedef int64_t real_bits;
#endif

/* LS_LANES reals; unaligned loads and stores allowed. */
typedef real vreal
    __attribute__((vector_size(LS_LANES * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef real_bits vbits
    __attribute__((vector_size(LS_LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

LS_INLINE vreal ls_vload(const real *from) {
    return *(const vreal *)from;
}

LS_INLINE void ls_vstore(real *to, vreal value) {
    *(vreal *)to = value;
}

LS_INLINE vreal ls_vset(real value) {
    return value - (vreal){0};
}

/* a * b + c, rounded once. */
LS_INLINE real ls_fma(real a, real b, real c) {
#if LS_REAL_IS_FLOAT
    return __builtin_fmaf(a, b, c);
#else
    return __builtin_fma(a, b, c);
#endif
}

#if defined LS_VARIANT_F32_AVX512
#include <immintrin.h>
LS_INLINE vreal ls_vfma(vreal a, vreal b, vreal c) {
#ifdef __AVX512F__
    return (vreal)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else /* the 16-lane source built for a machine without AVX-512, so that tests can run it          \
         everywhere */
    vreal r;
    for (int h = 0; h < 2; h++) {
        __m256 x, y, z;
        memcpy(&x, (const char *)&a + 32 * h, 32);
        memcpy(&y, (const char *)&b + 32 * h, 32);
        memcpy(&z, (const char *)&c + 32 * h, 32);
        x = _mm256_fmadd_ps(x, y, z);
        memcpy((char *)&r + 32 * h, &x, 32);
    }
    return r;
#endif
}
#elif defined LS_VARIANT_F32_AVX2
#include <immintrin.h>
LS_INLINE vreal ls_vfma(vreal a, vreal b, vreal c) {
    return (vreal)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#else
LS_INLINE vreal ls_vfma(vreal a, vreal b, vreal c) {
    vreal r;
    for (int i = 0; i < LS_LANES; i++)
        r[i] = ls_fma(a[i], b[i], c[i]);
    return r;
}
#endif

/* b > a ? b : a */
#if defined LS_VARIANT_F32_AVX512 && defined __AVX512F__
LS_INLINE vreal ls_vmax(vreal a, vreal b) {
    return (vreal)_mm512_max_ps((__m512)b, (__m512)a);
}
#else
LS_INLINE vreal ls_vmax(vreal a, vreal b) {
    const vbits larger = (vbits)(b > a);
    return (vreal)((larger & (vbits)b) | (~larger & (vbits)a));
}
#endif

/* Stores past the caches, to addresses that are aligned as the vector is; between the last of them
 * and anything that others may take for "it is there": ls_stream_end. */
#if defined LS_VARIANT_F32_AVX512 && defined __AVX512F__
LS_INLINE void ls_vstream(real *to, vreal value) {
    _mm512_stream_ps(to, (__m512)value);
}
#elif defined LS_VARIANT_F32_AVX2
LS_INLINE void ls_vstream(real *to, vreal value) {
    _mm256_stream_ps(to, (__m256)value);
}
#else
LS_INLINE void ls_vstream(real *to, vreal value) {
    ls_vstore(to, value);
}
#endif
LS_INLINE void ls_stream_end(void) {
#if defined LS_VARIANT_F32_AVX512 || defined LS_VARIANT_F32_AVX2
    _mm_sfence();
#endif
}

#endif
