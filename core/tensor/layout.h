/* How parameters lie in memory, as kernels read them. */
#ifndef LS_TENSOR_LAYOUT_H
#define LS_TENSOR_LAYOUT_H

/* LS_PANEL: columns of a panel. LS_NORM_BLOCK: elements of a gradient whose squares are summed in
 * one go (optim/norm.h). */
enum { LS_PANEL = 32, LS_NORM_BLOCK = 4096 };

enum ls_layout {
    LS_LAYOUT_PLAIN, /* row-major, as the shape says */
    /* [K, out] (K = all dimensions but the last) is stored as [ceil(out/32)][K][32]; columns past
     * out are zero, and stay zero: their gradients are zero. */
    LS_LAYOUT_PANELS
};

#endif
