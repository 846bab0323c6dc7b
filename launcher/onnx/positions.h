/* Lengths of sequences in ONNX: int32, one for each sample. */
#ifndef LS_LAUNCHER_ONNX_POSITIONS_H
#define LS_LAUNCHER_ONNX_POSITIONS_H

#include "launcher/onnx/builder.h"

/* bool [..., positions]: whether a position lies before the sample's length; `shape` is that of the
 * lengths beside it, as ls_onnx_reshape takes it. */
const char *ls_onnx_valid(struct ls_onnx *onnx, const struct ls_value *lengths, int64_t positions,
                          struct ls_shape shape);

/* y of so many dimensions, but `value` (NULL: zeros) for samples without positions. */
struct ls_onnx_else {
    int rank;
    const char *value;
};
const char *ls_onnx_where_any(struct ls_onnx *onnx, const struct ls_value *lengths, const char *y,
                              struct ls_onnx_else otherwise);

/* int32 [N, 1]: the last position of each sample; 0 where it has none. */
const char *ls_onnx_last_place(struct ls_onnx *onnx, const struct ls_value *lengths);

/* [N, K, ...] of x [N, T, ...]: what stands at places, int32 [N, K]. */
const char *ls_onnx_gather_places(struct ls_onnx *onnx, const char *x, const char *places);

#endif
