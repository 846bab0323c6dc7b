/* Vectors at the end of a row: fewer reals than lanes. */
#ifndef LS_KERNELS_LANES_H
#define LS_KERNELS_LANES_H

#include "core/tensor/variant.h"

/* The first `count` reals of a vector (all from LS_LANES on, none below 1); the rest is 0. */
#if defined LS_VARIANT_F32_AVX512 && defined __AVX512F__
LS_INLINE unsigned short ls_lanes_mask(int64_t count) {
    const int64_t some = count < 0 ? 0 : count < LS_LANES ? count : LS_LANES;
    return (unsigned short)((1u << some) - 1);
}

LS_INLINE vreal ls_vload_some(const real *from, int64_t count) {
    return (vreal)__builtin_ia32_loadups512_mask((const float *)from, (vreal){0},
                                                 ls_lanes_mask(count));
}

LS_INLINE void ls_vstore_some(real *to, int64_t count, vreal value) {
    __builtin_ia32_storeups512_mask((float *)to, value, ls_lanes_mask(count));
}
#else
LS_INLINE vreal ls_vload_some(const real *from, int64_t count) {
    if (count >= LS_LANES)
        return ls_vload(from);
    vreal value = {0};
    if (count > 0)
        memcpy(&value, from, (size_t)count * sizeof(real));
    return value;
}

LS_INLINE void ls_vstore_some(real *to, int64_t count, vreal value) {
    if (count >= LS_LANES)
        ls_vstore(to, value);
    else if (count > 0)
        memcpy(to, &value, (size_t)count * sizeof(real));
}
#endif

#endif
