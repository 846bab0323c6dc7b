#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static _Noreturn void lack(double bytes) {
    ls_give_up(
        "out of memory: %.0f bytes (%.1f MB) were asked for\n"
        "fewer ranks, a smaller train.batch or a smaller model need less (`lockstep inspect`); "
        "`ulimit -v` and a container may have a limit of their own",
        bytes, bytes * 1e-6);
}

void *ls_calloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        lack((double)count * (double)size);
    return memory;
}

void *ls_realloc(void *old, size_t count, size_t size) {
    void *memory = reallocarray(old, count ? count : 1, size ? size : 1);
    if (!memory)
        lack((double)count * (double)size);
    return memory;
}

char *ls_strdup(const char *text) {
    char *copy = strdup(text);
    if (!copy)
        lack((double)strlen(text) + 1);
    return copy;
}

void *ls_memory_map(size_t bytes) {
    const size_t size = ls_round_up(bytes ? bytes : 1, bytes >= HUGE_PAGE ? HUGE_PAGE : 4096);
    void *memory;
    if (size < HUGE_PAGE) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            lack((double)size);
        return memory;
    }
    /* Over-map, then cut to a 2 MiB boundary, so that huge pages can back all of it. */
    char *mapped =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        lack((double)size + HUGE_PAGE);
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
