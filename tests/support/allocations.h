/* Counts heap allocations of our libraries: include in one file of a test that is linked with
 * ls_wrap_allocations() (tests/CMakeLists.txt), so that calls from our code come by here; shared
 * libraries' own calls do not. */
#ifndef LS_TESTS_ALLOCATIONS_H
#define LS_TESTS_ALLOCATIONS_H

#include <stdatomic.h>
#include <stddef.h>

static atomic_long ls_allocations;

#define LS_WRAP(type, name, parameters, arguments)                                                 \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        ls_allocations++;                                                                          \
        return __real_##name arguments;                                                            \
    }
LS_WRAP(void *, malloc, (size_t size), (size))
LS_WRAP(void *, calloc, (size_t count, size_t size), (count, size))
LS_WRAP(void *, realloc, (void *old, size_t size), (old, size))
LS_WRAP(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
LS_WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
LS_WRAP(int, posix_memalign, (void **memory, size_t alignment, size_t size),
        (memory, alignment, size))
LS_WRAP(char *, strdup, (const char *text), (text))
LS_WRAP(void *, ls_memory_map, (size_t bytes), (bytes))

#endif
