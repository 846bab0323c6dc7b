#include "core/tensor/sum.h"

#include "core/tensor/variant.h"

#if LS_REAL_IS_FLOAT
void LS_NAME(ls_sum)(float *into, const float *left, const float *right, int64_t count,
                     bool stream) {
    int64_t i = 0;
    if (stream) {
        for (; i + LS_LANES <= count; i += LS_LANES)
            ls_vstream(into + i, ls_vload(left + i) + ls_vload(right + i));
        ls_stream_end();
    }
    for (; i + LS_LANES <= count; i += LS_LANES)
        ls_vstore(into + i, ls_vload(left + i) + ls_vload(right + i));
    for (; i < count; i++)
        into[i] = left[i] + right[i];
}
#endif
