/* Files of safetensors: a header of JSON that names tensors, then their bytes
 * (https://github.com/huggingface/safetensors#format). Writing: io/weights.h. */
#ifndef LS_IO_SAFETENSORS_H
#define LS_IO_SAFETENSORS_H

#include "core/base/status.h"
#include "core/tensor/shape.h"

struct ls_safetensor {
    char *name;            /* owned */
    const char *type;      /* as the file has it: "F32"; static */
    struct ls_shape shape; /* rank 0: a single number; dimensions may be 0 */
    int64_t count;
    uint64_t first, bytes; /* where its values lie in the file */
};

struct ls_safetensors {
    char *path; /* owned, like all that follows */
    int file;
    struct ls_safetensor *items; /* [count] in the order in which they lie in the file */
    int count;
    char *notes; /* JSON text of an object of texts: the file's metadata */
};

/* Opens a file and checks all of its header: lengths, names, types, and that the values of all
 * tensors fill the file one after the other. What is wrong is LS_INVALID. ls_safetensors_close,
 * also after an error. */
LS_MUST_USE enum ls_status ls_safetensors_open(struct ls_safetensors *file, const char *path,
                                               struct ls_error *error);
void ls_safetensors_close(struct ls_safetensors *file); /* also of a zeroed one with file -1 */

/* Whether a type is one that ls_safetensors_read takes. */
bool ls_safetensor_is_real(const struct ls_safetensor *tensor);
/* The values of a tensor of F32, F16, BF16 or F64, as floats [count]. Those that are not finite, as
 * floats, are LS_INVALID. */
LS_MUST_USE enum ls_status ls_safetensors_read(const struct ls_safetensors *file,
                                               const struct ls_safetensor *tensor, float *values,
                                               struct ls_error *error);

#endif
