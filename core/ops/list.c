/* The table of one variant's ops, built from list.h. */
#include "core/ops/list.h"

#include "core/ops/op.h"
#include "core/tensor/variant.h"

#define LS_OP_DECLARE(name) extern const struct ls_op LS_NAME(ls_op_##name);
LS_OP_LIST(LS_OP_DECLARE)

#define LS_OP_ENTRY(name) [LS_OP_##name] = &LS_NAME(ls_op_##name),
const struct ls_op *const LS_NAME(ls_ops)[LS_OP_COUNT] = {LS_OP_LIST(LS_OP_ENTRY)};
