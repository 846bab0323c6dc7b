#include "core/tensor/blas.h"

#include <cblas.h>
#include <limits.h>

#include "core/base/status.h"

static blasint dimension(int64_t value) {
    LS_ASSERT(value >= 0 && value <= INT_MAX, "dimension %lld of a product, at most %d",
              (long long)value, INT_MAX);
    return (blasint)value;
}

void ls_blas_product(const struct ls_blas_product *p) {
    const blasint m = dimension(p->m), n = dimension(p->n), k = dimension(p->k);
    if (m == 0 || n == 0)
        return;
    cblas_sgemm(CblasRowMajor, p->turn_a ? CblasTrans : CblasNoTrans,
                p->turn_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0f, p->a, p->turn_a ? m : k, p->b,
                p->turn_b ? k : n, p->add ? 1.0f : 0.0f, p->c, n);
}

void ls_blas_use_one_thread(void) {
    openblas_set_num_threads(1);
}

const char *ls_blas_describe(void) {
    return openblas_get_config();
}
