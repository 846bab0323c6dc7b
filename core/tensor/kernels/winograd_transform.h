/* The one-dimensional transforms of F(2, 3) and F(4, 3), for vectors of channels; m is 2 or 4, a
 * constant where they are inlined. Interpolation points: 0, 1, -1, infinity; with m = 4 also 2, -2
 * (Lavin & Gray 2016, section 4). plain_winograd.c has the same operations for scalars. */
#ifndef LS_KERNELS_WINOGRAD_TRANSFORM_H
#define LS_KERNELS_WINOGRAD_TRANSFORM_H

#include "core/tensor/variant.h"

enum { LS_WINOGRAD_SIDE_MAX = 6, LS_WINOGRAD_OUTPUTS_MAX = 4 };

/* value * b + c */
LS_INLINE vreal ls_winograd_fma(double value, vreal b, vreal c) {
    return ls_vfma(ls_vset((real)value), b, c);
}

/* t = B^T d: m + 2 inputs to m + 2 frequencies. */
LS_INLINE void ls_winograd_input(const int m, const vreal *d, vreal *t) {
    if (m == 2) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
        return;
    }
    const vreal a = ls_winograd_fma(-4, d[2], d[4]), b = ls_winograd_fma(-4, d[1], d[3]);
    const vreal c = d[4] - d[2], e = d[3] - d[1];
    t[0] = ls_winograd_fma(4, d[0], ls_winograd_fma(-5, d[2], d[4]));
    t[1] = a + b;
    t[2] = a - b;
    t[3] = ls_winograd_fma(2, e, c);
    t[4] = ls_winograd_fma(-2, e, c);
    t[5] = ls_winograd_fma(4, d[1], ls_winograd_fma(-5, d[3], d[5]));
}

/* y = A^T t: frequencies to m outputs. */
LS_INLINE void ls_winograd_output(const int m, const vreal *t, vreal *y) {
    const vreal a = t[1] + t[2], d = t[1] - t[2];
    if (m == 2) {
        y[0] = t[0] + a;
        y[1] = d - t[3];
        return;
    }
    const vreal p = t[3] + t[4], e = t[3] - t[4];
    y[0] = (t[0] + a) + p;
    y[1] = ls_winograd_fma(2, e, d);
    y[2] = ls_winograd_fma(4, p, a);
    y[3] = ls_winograd_fma(8, e, d) + t[5];
}

/* t = A d: m output gradients to frequencies. */
LS_INLINE void ls_winograd_gradient(const int m, const vreal *d, vreal *t) {
    t[0] = d[0];
    if (m == 2) {
        t[1] = d[0] + d[1];
        t[2] = d[0] - d[1];
        t[3] = (vreal){0} - d[1];
        return;
    }
    const vreal e = d[0] + d[2], o = d[1] + d[3];
    const vreal f = ls_winograd_fma(4, d[2], d[0]), g = ls_winograd_fma(8, d[3], d[1] + d[1]);
    t[1] = e + o;
    t[2] = e - o;
    t[3] = f + g;
    t[4] = f - g;
    t[5] = d[3];
}

/* t = G g: 3 weights to frequencies. */
LS_INLINE void ls_winograd_weight(const int m, const vreal *g, vreal *t) {
    const vreal s = g[0] + g[2];
    if (m == 2) {
        t[0] = g[0];
        t[1] = ls_vset((real)0.5) * (s + g[1]);
        t[2] = ls_vset((real)0.5) * (s - g[1]);
        t[3] = g[2];
        return;
    }
    const vreal e = ls_winograd_fma(1.0 / 6, g[2], ls_vset((real)(1.0 / 24)) * g[0]);
    t[0] = ls_vset((real)0.25) * g[0];
    t[1] = ls_vset((real)(-1.0 / 6)) * (s + g[1]);
    t[2] = ls_vset((real)(-1.0 / 6)) * (s - g[1]);
    t[3] = ls_winograd_fma(1.0 / 12, g[1], e);
    t[4] = ls_winograd_fma(-1.0 / 12, g[1], e);
    t[5] = g[2];
}

/* g = G^T t: frequencies to 3 weight gradients. */
LS_INLINE void ls_winograd_weight_back(const int m, const vreal *t, vreal *g) {
    const vreal p = t[1] + t[2], q = t[1] - t[2];
    if (m == 2) {
        g[0] = ls_winograd_fma(0.5, p, t[0]);
        g[1] = ls_vset((real)0.5) * q;
        g[2] = ls_winograd_fma(0.5, p, t[3]);
        return;
    }
    const vreal u = t[3] + t[4], v = t[3] - t[4];
    g[0] = ls_winograd_fma(1.0 / 24, u, ls_winograd_fma(-1.0 / 6, p, ls_vset((real)0.25) * t[0]));
    g[1] = ls_winograd_fma(1.0 / 12, v, ls_vset((real)(-1.0 / 6)) * q);
    g[2] = ls_winograd_fma(1.0 / 6, u, ls_winograd_fma(-1.0 / 6, p, t[5]));
}

#endif
