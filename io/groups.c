/* Samples that have a row in common, for splits that keep them together. */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/ragged.h"

/* A sample and the digest of its row. Two rows of one digest are taken as alike: a chance of one in
 * 2^64 for each pair, and all it does is to keep them together. */
struct digest {
    uint64_t value, sample;
};

static int by_digest(const void *a, const void *b) {
    const struct digest *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

static enum ls_status digest_row(struct ls_dataset *dataset, const struct ls_dataset_file *file,
                                 int column, uint64_t row, uint64_t *value,
                                 struct ls_error *error) {
    const struct ls_array *array = &file->arrays[column];
    uint64_t first = row, count = 1;
    enum ls_status status = LS_OK;
    if (dataset->ends[column])
        status = ls_ragged_row(array, &file->ends[column], row, &first, &count, error);
    ls_dataset_room(dataset, count * array->row_bytes);
    if (status == LS_OK && count)
        status = ls_array_read(array, first, count, dataset->raw, error);
    *value = ls_hash_bytes(dataset->raw, count * array->row_bytes);
    return status;
}

static enum ls_status digest_all(struct ls_dataset *dataset, const char *name,
                                 struct digest *digests, struct ls_error *error) {
    const int column = ls_dataset_find_column(dataset, name);
    LS_ASSERT(column >= 0 && !dataset->reach, "groups of %s", name);
    enum ls_status status = LS_OK;
    pthread_mutex_lock(&dataset->mutex);
    for (int f = 0; f < dataset->count && status == LS_OK; f++) {
        const struct ls_dataset_file *file = &dataset->files[f];
        for (uint64_t row = 0; row < file->samples && status == LS_OK; row++) {
            struct digest *digest = &digests[file->first + row];
            digest->sample = file->first + row;
            status = digest_row(dataset, file, column, row, &digest->value, error);
        }
    }
    pthread_mutex_unlock(&dataset->mutex);
    return status;
}

enum ls_status ls_dataset_groups(struct ls_dataset *dataset, const char *column, uint64_t *groups,
                                 uint64_t *count, struct ls_error *error) {
    const uint64_t samples = dataset->info.samples;
    struct digest *digests = ls_calloc(samples, sizeof *digests);
    const enum ls_status status = digest_all(dataset, column, digests, error);
    if (status == LS_OK)
        qsort(digests, samples, sizeof *digests, by_digest);
    /* The first sample of each group stands for it until the groups are numbered. */
    uint64_t first = 0;
    for (uint64_t i = 0; i < samples && status == LS_OK; i++) {
        if (i == 0 || digests[i].value != digests[i - 1].value)
            first = digests[i].sample;
        groups[digests[i].sample] = first;
    }
    *count = 0;
    for (uint64_t i = 0; i < samples && status == LS_OK; i++)
        groups[i] = groups[i] == i ? (*count)++ : groups[groups[i]];
    free(digests);
    return status;
}
