#include "core/base/parallel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

/* Lives until the mutex is free. */
static void *live(void *mutex) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

enum ls_status ls_parallel_check(int parts, struct ls_error *error) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *threads = ls_calloc((size_t)parts, sizeof *threads);
    int count = 0, number = 0;
    pthread_mutex_lock(&mutex);
    while (count < parts - 1 && !(number = pthread_create(&threads[count], NULL, live, &mutex)))
        count++;
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    if (!number)
        return LS_OK;
    return ls_fail(error, LS_SYSTEM,
                   "the system gives a process %d threads, but %d are wanted (--threads): %s\n"
                   "use fewer, or raise the limit (`ulimit -u`, `ulimit -v`, a container's pids)",
                   count + 1, parts, strerror(number));
}

void ls_parallel_run(int parts, void (*work)(void *context, int part), void *context) {
    LS_ASSERT(parts > 0, "%d parts", parts);
    if (parts == 1) {
        work(context, 0);
        return;
    }
#pragma omp parallel for num_threads(parts) schedule(static, 1)
    for (int part = 0; part < parts; part++)
        work(context, part);
}
