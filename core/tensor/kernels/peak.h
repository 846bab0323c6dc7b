/* What a core can do at most: fused multiply-adds in registers. */
#ifndef LS_KERNELS_PEAK_H
#define LS_KERNELS_PEAK_H

#include "core/tensor/variant.h"

/* Runs `rounds` rounds, in as many independent chains as keep the pipes full; returns the floating
 * point operations done. *sum takes what came out, so that the compiler keeps the work. */
int64_t LS_NAME(ls_peak)(int64_t rounds, real *sum);

#endif
