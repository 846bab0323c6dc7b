#include "core/tensor/kernels/peak.h"

#include "core/tensor/kernels/product.h"

/* Two pipes of latency 4 or 5 want ten; with the two factors they still fit 16 registers. */
enum { CHAINS = 12 };

int64_t LS_NAME(ls_peak)(int64_t rounds, real *sum) {
    const vreal a = ls_vset((real)0.5), b = ls_vset((real)0.25); /* chains tend to 0.5 */
    vreal chain[CHAINS], all = {0};
    LS_UNROLL
    for (int i = 0; i < CHAINS; i++)
        chain[i] = ls_vset((real)(i + 1));
    for (int64_t round = 0; round < rounds; round++) {
        LS_UNROLL
        for (int i = 0; i < CHAINS; i++)
            chain[i] = ls_vfma(chain[i], a, b);
    }
    LS_UNROLL
    for (int i = 0; i < CHAINS; i++)
        all += chain[i];
    *sum = 0;
    for (int i = 0; i < LS_LANES; i++)
        *sum += all[i];
    return rounds * CHAINS * LS_LANES * 2;
}
