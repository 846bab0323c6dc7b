/* Products in free order, from OpenBLAS: float, dense and row-major. The only door to cblas.h. */
#ifndef LS_TENSOR_BLAS_H
#define LS_TENSOR_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* c[m, n] = A B, or += with `add`. A is a [m, k], or a [k, m] turned; B is b [k, n], or b [n, k]
 * turned. */
struct ls_blas_product {
    int64_t m, n, k;
    const float *a, *b;
    bool turn_a, turn_b;
    bool add;
    float *c;
};

void ls_blas_product(const struct ls_blas_product *product);

/* OpenBLAS starts no threads of its own any more: for callers that have some. */
void ls_blas_use_one_thread(void);

/* Version and kernels in use ("OpenBLAS 0.3.21 ... Zen"). */
const char *ls_blas_describe(void);

#endif
