/* Chunked, compressed or converted arrays, decoded once: plain rows in a file of the cache.
 * Internal to io. */
#ifndef LS_IO_DECODE_H
#define LS_IO_DECODE_H

#include "io/array.h"

/* Whether so many bytes of decoded rows have room: in the cache, and in memory, where the system
 * keeps the pages of the file for all processes of the host. */
LS_MUST_USE enum ls_status ls_decode_fits(uint64_t bytes, struct ls_error *error);

/* Bytes of memory that may be taken: of the host, and of a container's limit. */
double ls_decode_memory(void);

/* Whether a decoded copy is in the cache. */
bool ls_array_is_decoded(const struct ls_array *array);

/* Puts a copy of all values, decoded, into the cache, unless one is there that is intact (checked:
 * it is), and reads that from now on: chunks and filters cost nothing any more. Children do it
 * (trial.h). */
LS_MUST_USE enum ls_status ls_array_decode(struct ls_array *array, bool checked,
                                           struct ls_error *error);

#endif
