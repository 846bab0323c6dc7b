/* Translations of ops: the function ls_onnx_op_NAME, in the file of its kind, for every op of
 * core/ops/list.h but losses, which answer nothing. */
#ifndef LS_LAUNCHER_ONNX_LIST_H
#define LS_LAUNCHER_ONNX_LIST_H

#include "core/ops/list.h"
#include "launcher/onnx/builder.h"

#define LS_ONNX_DECLARE(name) ls_onnx_translation ls_onnx_op_##name;
LS_VALUE_OP_LIST(LS_ONNX_DECLARE)
#undef LS_ONNX_DECLARE

/* That of an op, by its name; NULL: it has none. */
ls_onnx_translation *ls_onnx_find(const char *op);

#endif
