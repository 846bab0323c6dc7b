#include "io/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t ls_npy_header(char header[LS_NPY_HEADER_MAX], const char *type, struct ls_shape shape) {
    enum { PREFIX = 10, ALIGNED = 64, ROOM = LS_NPY_HEADER_MAX - PREFIX };
    char *text = header + PREFIX;
    int length = snprintf(text, ROOM, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (int i = 0; i < shape.rank; i++) /* (3,) and (3, 4) */
        length += snprintf(text + length, (size_t)(ROOM - length), "%s%" PRId64 "%s", i ? " " : "",
                           shape.dims[i], i == 0 || i + 1 < shape.rank ? "," : "");
    length += snprintf(text + length, (size_t)(ROOM - length), "), }");
    while ((PREFIX + length + 1) % ALIGNED) /* padded with blanks */
        text[length++] = ' ';
    text[length++] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(length & 0xFF);
    header[9] = (char)(length >> 8);
    return (size_t)(PREFIX + length);
}
