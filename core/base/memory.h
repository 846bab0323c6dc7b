/* Memory: checked allocation at set-up, one arena per graph, nothing during a step. */
#ifndef LS_BASE_MEMORY_H
#define LS_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

enum { LS_ALIGNMENT = 64 }; /* bytes; a cache line, and the widest vector */

/* count * size zeroed bytes; ends the job with a clear text when memory is out or the product
 * overflows (set-up code has nothing better to do). Free with free(). Never NULL. */
void *ls_calloc(size_t count, size_t size);
void *ls_realloc(void *old, size_t count, size_t size); /* new bytes are not zeroed */
char *ls_strdup(const char *text);

/* Large zeroed memory, aligned to 64 bytes (2 MiB and huge pages when that large). */
void *ls_memory_map(size_t bytes);
void ls_memory_unmap(void *memory, size_t bytes);

static inline size_t ls_round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

#endif
