/* oneDNN on one thread, for kernels to be timed beside it. The library is loaded when it is first
 * asked for, so that nothing else pays for it; it may be missing. */
#ifndef LS_LAUNCHER_BENCH_ONEDNN_H
#define LS_LAUNCHER_BENCH_ONEDNN_H

#include "core/tensor/blas.h"

/* "2.6.3"; NULL where it is not installed, or was not when this program was built. */
const char *ls_onednn_version(void);

enum ls_direction { LS_FORWARD, LS_INPUT_GRADIENT, LS_WEIGHT_GRADIENT, LS_DIRECTIONS };

/* A product, or one direction of a convolution (direct algorithm, one group, oneDNN's own choice of
 * layouts) on memory of its own. NULL where oneDNN is missing or refuses. */
struct ls_onednn;
struct ls_conv; /* core/tensor/kernels/conv.h */
struct ls_onednn *ls_onednn_product(const struct ls_blas_product *product);
struct ls_onednn *ls_onednn_convolution(const struct ls_conv *conv, enum ls_direction direction);
void ls_onednn_destroy(struct ls_onednn *onednn);

/* Runs it once; onednn is a struct ls_onednn. */
void ls_onednn_run(void *onednn);

#endif
