#include "core/tensor/kernels/table.h"

#if LS_REAL_IS_FLOAT
#define LS_KERNEL_ENTRY(name) .name = LS_NAME(ls_##name),
extern const struct ls_kernels LS_NAME(ls_kernels);
const struct ls_kernels LS_NAME(ls_kernels) = {LS_KERNEL_LIST(LS_KERNEL_ENTRY)};
#endif
