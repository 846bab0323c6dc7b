/* Elementary functions of a `real`, as inline functions that the compiler vectorises.
 *
 * In double they are libm's. In float they are polynomials evaluated with ls_fma and without
 * branches, so that a value has the same bits at any vector width, in the scalar rest of a loop and
 * on any host; libm promises none of that. Relative errors stay below 4e-7, those of the normal
 * distribution below 7e-7 (tests/unit/math_*.c measures them). NaN stays NaN. The polynomials are minimax fits (Lawson's iteration over 400
 * Chebyshev nodes, 40-digit reference); range reductions follow Cody & Waite 1980. */
#ifndef LS_TENSOR_MATH_H
#define LS_TENSOR_MATH_H

#include "core/tensor/variant.h"

#if LS_REAL_IS_FLOAT

LS_INLINE uint32_t ls_math_bits(real x) {
    union {
        real value;
        uint32_t bits;
    } u = {.value = x};
    return u.bits;
}

LS_INLINE real ls_math_real(uint32_t bits) {
    union {
        uint32_t bits;
        real value;
    } u = {.bits = bits};
    return u.value;
}

/* x = n ln 2 + r with |r| <= ln 2 / 2 for |x| <= 89; returns expm1(r) and sets *half to 2^(n-1), so
 * that exp(x) = 2 half (1 + expm1(r)) reaches infinity where it should. */
LS_INLINE real ls_math_exp_reduced(real x, real *half) {
    const real shifted = ls_fma(x, 0x1.715476p+0f, 0x1.8p+23f); /* n in the low bits */
    const real n = shifted - 0x1.8p+23f;
    real r = ls_fma(n, -0x1.62e400p-1f, x);
    r = ls_fma(n, -0x1.7f7d1cp-20f, r);
    real p = 0.0013946451f;
    p = ls_fma(p, r, 0.008366584f);
    p = ls_fma(p, r, 0.04166628f);
    p = ls_fma(p, r, 0.16666543f);
    p = ls_fma(p, r, 0.5f);
    *half = ls_math_real((ls_math_bits(shifted) << 23) + 0x3f000000u);
    return ls_fma(p, r * r, r);
}

/* 0 below -86.5 (no subnormal numbers), infinity above 88.73. */
LS_INLINE real ls_math_exp(real x) {
    real half;
    real inside = x < -86.5f ? -86.5f : x;
    inside = inside > 89.0f ? 89.0f : inside;
    const real p = ls_math_exp_reduced(inside, &half);
    const real y = (p + 1.0f) * half * 2.0f;
    return x < -86.5f ? 0.0f : y;
}

/* exp(x) - 1 without cancellation. */
LS_INLINE real ls_math_expm1(real x) {
    real half;
    real inside = x < -40.0f ? -40.0f : x;
    inside = inside > 89.0f ? 89.0f : inside;
    const real p = ls_math_exp_reduced(inside, &half);
    return ls_fma(p, half, half - 0.5f) * 2.0f;
}

/* For x from the smallest normal number up; 0 gives about -88, negative numbers nothing of use. */
LS_INLINE real ls_math_log(real x) {
    /* x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)) */
    const uint32_t shifted = ls_math_bits(x) - 0x3f3504f3u;
    const real e = (real)((int32_t)shifted >> 23);
    const real f = ls_math_real((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    real p = -0.078596115f;
    p = ls_fma(p, f, 0.12881647f);
    p = ls_fma(p, f, -0.13128754f);
    p = ls_fma(p, f, 0.14181192f);
    p = ls_fma(p, f, -0.16624554f);
    p = ls_fma(p, f, 0.20002286f);
    p = ls_fma(p, f, -0.2500081f);
    p = ls_fma(p, f, 0.33333316f);
    real y = ls_fma(p, f, -0.5f);
    y = ls_fma(y, f * f, e * 0x1.7f7d1cp-20f);
    y = ls_fma(e, 0x1.62e400p-1f, f + y);
    return x < (real)INFINITY ? y : x;
}

/* log(1 + x) for x > -1; what 1 + x rounds away comes back as a correction. */
LS_INLINE real ls_math_log1p(real x) {
    const real u = 1.0f + x;
    const real lost = (x - (u - 1.0f)) / u;
    return x < (real)INFINITY ? ls_math_log(u) + lost : x;
}

LS_INLINE real ls_math_tanh(real x) {
    const real size = __builtin_fabsf(x);
    const real t = ls_math_expm1(2.0f * (size > 10.0f ? 10.0f : size));
    return __builtin_copysignf(t / (t + 2.0f), x);
}

/* -log(erfc(z)) for z >= 0: z times a polynomial of degree 9 fitted on [0, 4] (a line beyond). */
LS_INLINE real ls_math_minus_log_erfc(real z) {
    const real t = z > 4.0f ? 4.0f : z;
    real p = 6.07204e-07f;
    p = ls_fma(p, t, -1.2856843e-05f);
    p = ls_fma(p, t, 0.000116902454f);
    p = ls_fma(p, t, -0.0005804304f);
    p = ls_fma(p, t, 0.001507036f);
    p = ls_fma(p, t, 5.6133107e-05f);
    p = ls_fma(p, t, -0.019298686f);
    p = ls_fma(p, t, 0.10282338f);
    p = ls_fma(p, t, 0.6366142f);
    p = ls_fma(p, t, 1.1283792f);
    return p * z;
}

LS_INLINE real ls_math_erf(real x) {
    return __builtin_copysignf(-ls_math_expm1(-ls_math_minus_log_erfc(__builtin_fabsf(x))), x);
}

/* The normal distribution function (1 + erf(x / sqrt 2)) / 2, without cancellation for x < 0, and
 * *bell = exp(-x^2 / 2). Below -13.15 both are 0 (no subnormal numbers). The tail is the bell times
 * Mills' ratio, fitted on [0, 13.3] as a polynomial of t = 1 / (1 + 0.3 |x|). */
LS_INLINE real ls_math_normal_bell(real x, real *bell) {
    const real size = __builtin_fabsf(x), a = size > 14.0f ? 14.0f : size;
    const real square = a * a, lost = ls_fma(a, a, -square); /* a^2 is square + lost */
    const real rough = ls_math_exp(-0.5f * square), t = 1.0f / ls_fma(0.3f, a, 1.0f);
    real p = 0.03603623f;
    p = ls_fma(p, t, -0.15871331f);
    p = ls_fma(p, t, 0.20896408f);
    p = ls_fma(p, t, -0.056095447f);
    p = ls_fma(p, t, 0.1298432f);
    p = ls_fma(p, t, 0.09952313f);
    p = ls_fma(p, t, 0.12081689f);
    p = ls_fma(p, t, 0.11962517f);
    *bell = ls_fma(-0.5f * lost, rough, rough);
    const real tail = *bell * (p * t);
    return x < 0.0f ? tail : 1.0f - tail;
}

LS_INLINE real ls_math_sqrt(real x) {
    return __builtin_sqrtf(x);
}

LS_INLINE real ls_math_abs(real x) {
    return __builtin_fabsf(x);
}

#else

LS_INLINE real ls_math_exp(real x) {
    return exp(x);
}

LS_INLINE real ls_math_expm1(real x) {
    return expm1(x);
}

LS_INLINE real ls_math_log(real x) {
    return log(x);
}

LS_INLINE real ls_math_log1p(real x) {
    return log1p(x);
}

LS_INLINE real ls_math_tanh(real x) {
    return tanh(x);
}

LS_INLINE real ls_math_erf(real x) {
    return erf(x);
}

LS_INLINE real ls_math_normal_bell(real x, real *bell) {
    *bell = exp(-0.5 * x * x);
    return 0.5 * erfc(-x * M_SQRT1_2);
}

LS_INLINE real ls_math_sqrt(real x) {
    return __builtin_sqrt(x);
}

LS_INLINE real ls_math_abs(real x) {
    return __builtin_fabs(x);
}

#endif

LS_INLINE real ls_math_normal(real x) {
    real bell;
    return ls_math_normal_bell(x, &bell);
}

/* 1 / (1 + exp(-x)) */
LS_INLINE real ls_math_sigmoid(real x) {
    return (real)1 / ((real)1 + ls_math_exp(-x));
}

/* log(1 + exp(x)) */
LS_INLINE real ls_math_softplus(real x) {
    return (x > 0 ? x : 0) + ls_math_log1p(ls_math_exp(-ls_math_abs(x)));
}

/* max(x, 0); NaN stays. */
LS_INLINE real ls_math_relu(real x) {
    return x < 0 ? 0 : x;
}

#endif
