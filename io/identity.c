#include "io/identity.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/dataset_internal.h"

enum { ALL_BYTES = 64 << 20, BLOCK_BYTES = 1 << 18, BLOCKS = 128 };

static enum ls_status add_rows(const struct ls_array *array, uint64_t first, uint64_t count,
                               char *raw, struct ls_hash *hash, struct ls_error *error) {
    const enum ls_status status = ls_array_read(array, first, count, raw, error);
    if (status == LS_OK)
        ls_hash_add(hash, raw, count * array->row_bytes);
    return status;
}

/* All rows, or so many blocks of them, the last one at the end. */
static enum ls_status add_array(const struct ls_array *array, bool all, struct ls_hash *hash,
                                struct ls_error *error) {
    uint64_t block = BLOCK_BYTES / array->row_bytes;
    block = block < 1 ? 1 : block > array->rows ? array->rows : block;
    const uint64_t whole = (array->rows + block - 1) / block;
    const uint64_t blocks = all || whole < BLOCKS ? whole : BLOCKS;
    char *raw = ls_calloc(block, array->row_bytes);
    enum ls_status status = LS_OK;
    for (uint64_t i = 0; i < blocks && status == LS_OK; i++) {
        const uint64_t place = blocks == whole ? i : i * (whole - 1) / (blocks - 1);
        const uint64_t first = place * block, left = array->rows - first;
        status = add_rows(array, first, left < block ? left : block, raw, hash, error);
    }
    free(raw);
    return status;
}

enum ls_status ls_dataset_identity(struct ls_dataset *dataset, struct ls_identity *identity,
                                   struct ls_error *error) {
    *identity = (struct ls_identity){0};
    for (int f = 0; f < dataset->count; f++)
        for (int c = 0; c < dataset->info.column_count; c++) {
            const struct ls_dataset_file *file = &dataset->files[f];
            identity->bytes += file->arrays[c].rows * file->arrays[c].row_bytes;
            if (dataset->ends[c])
                identity->bytes += file->ends[c].rows * file->ends[c].row_bytes;
        }
    const bool all = identity->bytes <= ALL_BYTES;
    struct ls_hash *hash = ls_hash_create();
    enum ls_status status = LS_OK;
    pthread_mutex_lock(&dataset->mutex);
    for (int i = 0; i < dataset->labels.count; i++)
        ls_hash_add(hash, dataset->labels.sorted[i], strlen(dataset->labels.sorted[i]) + 1);
    for (int f = 0; f < dataset->count; f++)
        for (int c = 0; c < dataset->info.column_count && status == LS_OK; c++) {
            const struct ls_dataset_file *file = &dataset->files[f];
            status = add_array(&file->arrays[c], all, hash, error);
            if (status == LS_OK && dataset->ends[c])
                status = add_array(&file->ends[c], all, hash, error);
        }
    pthread_mutex_unlock(&dataset->mutex);
    identity->rows = dataset->info.samples;
    identity->digest = ls_hash_value(hash);
    ls_hash_destroy(hash);
    return status;
}
