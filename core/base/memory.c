#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *ls_calloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    LS_ASSERT(memory, "out of memory: %zu x %zu bytes", count, size);
    return memory;
}

void *ls_realloc(void *old, size_t count, size_t size) {
    void *memory = reallocarray(old, count ? count : 1, size ? size : 1);
    LS_ASSERT(memory, "out of memory: %zu x %zu bytes", count, size);
    return memory;
}

char *ls_strdup(const char *text) {
    char *copy = strdup(text);
    LS_ASSERT(copy, "out of memory: %zu bytes", strlen(text) + 1);
    return copy;
}

void *ls_memory_map(size_t bytes) {
    const size_t size = ls_round_up(bytes ? bytes : 1, bytes >= HUGE_PAGE ? HUGE_PAGE : 4096);
    void *memory;
    if (size < HUGE_PAGE) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        LS_ASSERT(memory != MAP_FAILED, "out of memory: %zu bytes", size);
        return memory;
    }
    /* Over-map, then cut to a 2 MiB boundary, so that huge pages can back all of it. */
    char *mapped =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LS_ASSERT(mapped != MAP_FAILED, "out of memory: %zu bytes", size);
    char *aligned = (char *)ls_round_up((size_t)mapped, HUGE_PAGE);
    if (aligned > mapped)
        munmap(mapped, (size_t)(aligned - mapped));
    const size_t behind = (size_t)(mapped + size + HUGE_PAGE - (aligned + size));
    if (behind)
        munmap(aligned + size, behind);
    madvise(aligned, size, MADV_HUGEPAGE);
    return aligned;
}

void ls_memory_unmap(void *memory, size_t bytes) {
    if (memory)
        munmap(memory, ls_round_up(bytes ? bytes : 1, bytes >= HUGE_PAGE ? HUGE_PAGE : 4096));
}
