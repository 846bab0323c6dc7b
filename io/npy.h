/* The header of NumPy's format (version 1.0). Internal to io. */
#ifndef LS_IO_NPY_H
#define LS_IO_NPY_H

#include <stddef.h>

#include "core/tensor/shape.h"

enum { LS_NPY_HEADER_MAX = 512 };

/* Of an array in C order, of a type as NumPy writes it ("<f4"). Returns its bytes; the values that
 * follow begin at a multiple of 64. */
size_t ls_npy_header(char header[LS_NPY_HEADER_MAX], const char *type, struct ls_shape shape);

#endif
