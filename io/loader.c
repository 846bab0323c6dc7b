/* One thread reads ahead into a ring of slots made at creation; the consumer holds one slot at a
 * time.
 *
 * Under the mutex: where reading is (epoch, index), how many batches were produced and consumed
 * since the last seek, and the generation, which a seek raises. A slot is written by the reader
 * alone until it is counted as produced, and read by the consumer alone until it is counted as
 * consumed. A read that a seek overtook is simply not counted. */
#include "io/loader_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

/* Whole runs of the window that is begun and of the next one are asked for at once: their samples
 * are read in any order. Samples that are listed ascend, as a split with blocks leaves them. */
static void advise(struct ls_loader *loader, uint64_t epoch, uint64_t at) {
    const struct ls_part *part = &loader->options.part;
    const uint64_t window = ls_shuffle_window(&loader->shuffle, at);
    const uint64_t windows = (loader->shuffle.blocks - 1) / LS_SHUFFLE_WINDOW + 1;
    const uint64_t wanted = epoch * windows + window + 2;
    if (part->permuted || wanted == loader->advised)
        return;
    uint64_t first, count;
    const bool next_only = wanted == loader->advised + 1;
    loader->advised = wanted;
    for (uint64_t w = window + next_only; w < window + 2; w++)
        for (int i = 0; ls_shuffle_run(&loader->shuffle, w, i, &first, &count); i++) {
            const uint64_t from = ls_part_sample(part, first);
            const uint64_t span = ls_part_sample(part, first + count - 1) - from + 1;
            if (span > 2 * count) /* most of it is of other parts */
                continue;
            for (int u = 0; u < loader->options.use_count; u++)
                if (loader->uses[u].feed)
                    ls_dataset_advise(part->dataset, &loader->uses[u], from, span);
        }
}

/* Which rows this rank takes of batch `index` of `epoch`. */
static void plan_batch(struct ls_loader *loader, uint64_t epoch, int64_t index,
                       struct ls_loader_slot *slot) {
    const struct ls_loader_options *options = &loader->options;
    const uint64_t begin = (uint64_t)index * (uint64_t)options->batch,
                   left = options->part.count - begin;
    const int64_t rows = left < (uint64_t)options->batch ? (int64_t)left : options->batch;
    const int64_t mine = rows - options->first * loader->microbatch_rows;
    slot->batch = (struct ls_batch){
        .epoch = epoch,
        .index = index,
        .last = index + 1 == loader->batches,
        .rows_global = rows,
        .microbatch_rows = loader->microbatch_rows,
        .microbatches = (int)((rows + loader->microbatch_rows - 1) / loader->microbatch_rows),
        .rows = mine < 0                  ? 0
                : mine < loader->rows_max ? mine
                                          : loader->rows_max,
        .row_first = (uint64_t)(options->first * loader->microbatch_rows),
        .row_ids = slot->row_ids,
        .feed_count = options->use_count,
    };
    for (int u = 0; u < options->use_count; u++)
        slot->batch.feeds[u] = slot->feeds[u];
    if (options->shuffle)
        ls_shuffle_begin(&loader->shuffle, epoch);
    if (options->shuffle && options->shuffle_block)
        advise(loader, epoch, begin);
    for (int64_t i = 0; i < slot->batch.rows; i++) {
        uint64_t position = begin + slot->batch.row_first + (uint64_t)i;
        if (options->shuffle)
            position = ls_shuffle_position(&loader->shuffle, position);
        slot->row_ids[i] = ls_part_sample(&options->part, position);
    }
}

/* There is something to read and a slot to read it into; the consumer's slot is not one. */
static bool may_read(const struct ls_loader *loader) {
    const uint64_t waiting = loader->produced - loader->consumed + (loader->held ? 1 : 0);
    return loader->epoch < loader->epoch_end && !loader->failed &&
           waiting < (uint64_t)loader->slot_count;
}

static void *read_ahead(void *argument) {
    struct ls_loader *loader = argument;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->stopping) {
        if (!may_read(loader)) {
            pthread_cond_wait(&loader->changed, &loader->mutex);
            continue;
        }
        struct ls_loader_slot *slot =
            &loader->slots[loader->produced % (uint64_t)loader->slot_count];
        const uint64_t generation = loader->generation, epoch = loader->epoch;
        const int64_t index = loader->index;
        pthread_mutex_unlock(&loader->mutex);
        plan_batch(loader, epoch, index, slot);
        ls_loader_read(loader, slot);
        pthread_mutex_lock(&loader->mutex);
        if (generation != loader->generation)
            continue;
        loader->failed = slot->status != LS_OK;
        loader->produced++;
        loader->index++;
        if (loader->index == loader->batches) {
            loader->index = 0;
            loader->epoch++;
        }
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

/* Cuts one piece off the loader's memory; while memory is NULL it only counts. */
static void *take(struct ls_loader *loader, size_t bytes) {
    char *piece = loader->memory ? loader->memory + loader->memory_bytes : NULL;
    loader->memory_bytes += ls_round_up(bytes, LS_ALIGNMENT);
    return piece;
}

static size_t feed_bytes(const struct ls_loader *loader, int use) {
    return (size_t)loader->rows_max * (size_t)ls_shape_count(loader->feeds[use].shape) * 4;
}

static void lay_out(struct ls_loader *loader) {
    loader->memory_bytes = 0;
    for (int i = 0; i < loader->slot_count; i++) {
        struct ls_loader_slot *slot = &loader->slots[i];
        slot->row_ids = take(loader, (size_t)loader->rows_max * sizeof *slot->row_ids);
        for (int u = 0; u < loader->options.use_count; u++)
            if (loader->uses[u].feed)
                slot->feeds[u] = take(loader, feed_bytes(loader, u));
    }
    if (loader->images >= 0)
        loader->staging = take(loader, feed_bytes(loader, loader->images));
    if (loader->options.augment.mixup > 0) {
        loader->partners = take(loader, feed_bytes(loader, loader->inputs));
        loader->partner_ids = take(loader, (size_t)loader->rows_max * sizeof *loader->partner_ids);
    }
}

/* With all signals blocked: those that stop or save belong to the main thread. */
static int start_thread(struct ls_loader *loader) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int number = pthread_create(&loader->thread, NULL, read_ahead, loader);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return number;
}

/* Shapes of all feeds, and which ones are augmented. */
static enum ls_status describe_feeds(struct ls_loader *loader,
                                     const struct ls_loader_options *options,
                                     struct ls_error *error) {
    loader->images = loader->inputs = loader->masked = -1;
    enum ls_status status = LS_OK;
    for (int u = 0; u < options->use_count && status == LS_OK; u++) {
        const struct ls_feed_use *use = &options->uses[u];
        loader->uses[u] = *use;
        if (!use->feed)
            continue;
        status = ls_dataset_describe(options->part.dataset, use->feed, &loader->feeds[u], error);
        if (!strcmp(use->feed->name, "inputs"))
            loader->inputs = u;
        if (use->feed->masked && options->augment.mask > 0)
            loader->masked = u;
    }
    if (ls_augment_active(&options->augment))
        loader->images = loader->inputs;
    return status == LS_OK ? ls_loader_check_changes(loader, options, error) : status;
}

enum ls_status ls_loader_create(struct ls_loader **result, const struct ls_loader_options *options,
                                struct ls_error *error) {
    LS_ASSERT(options->part.count > 0 && options->batch > 0 && options->microbatches > 0 &&
                  options->batch % options->microbatches == 0,
              "%llu rows, batch %lld, %d microbatches", (unsigned long long)options->part.count,
              (long long)options->batch, options->microbatches);
    LS_ASSERT(options->first >= 0 && options->count >= 0 &&
                  options->first + options->count <= options->microbatches,
              "microbatches %d + %d of %d", options->first, options->count, options->microbatches);
    struct ls_loader *loader = ls_calloc(1, sizeof *loader);
    const enum ls_status status = describe_feeds(loader, options, error);
    if (status != LS_OK) {
        free(loader);
        return status;
    }
    loader->options = *options;
    loader->options.uses = NULL; /* the copies count */
    loader->microbatch_rows = options->batch / options->microbatches;
    loader->rows_max = options->count * loader->microbatch_rows;
    loader->batches = ls_loader_batches(loader);
    loader->slot_count = 1 + (options->ahead > 0 ? options->ahead : 4);
    loader->slots = ls_calloc((size_t)loader->slot_count, sizeof *loader->slots);
    lay_out(loader);
    loader->memory = ls_memory_map(loader->memory_bytes);
    lay_out(loader);
    if (options->shuffle)
        ls_shuffle_create(&loader->shuffle, options->seed, options->part.count,
                          options->shuffle_block);
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->changed, NULL);
    const int number = start_thread(loader);
    if (number)
        ls_give_up("cannot start a thread for reading ahead: %s", strerror(number));
    *result = loader;
    return LS_OK;
}

void ls_loader_destroy(struct ls_loader *loader) {
    if (!loader)
        return;
    pthread_mutex_lock(&loader->mutex);
    loader->stopping = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    pthread_join(loader->thread, NULL);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->mutex);
    ls_memory_unmap(loader->memory, loader->memory_bytes);
    ls_shuffle_destroy(&loader->shuffle);
    free(loader->slots);
    free(loader);
}

int64_t ls_loader_batches(const struct ls_loader *loader) {
    const uint64_t batch = (uint64_t)loader->options.batch;
    return (int64_t)((loader->options.part.count + batch - 1) / batch);
}

void ls_loader_seek(struct ls_loader *loader, uint64_t epoch, int64_t index, uint64_t epoch_end) {
    LS_ASSERT(index >= 0 && index <= loader->batches, "batch %lld of %lld", (long long)index,
              (long long)loader->batches);
    pthread_mutex_lock(&loader->mutex);
    loader->generation++;
    loader->epoch = index == loader->batches ? epoch + 1 : epoch;
    loader->index = index == loader->batches ? 0 : index;
    loader->epoch_end = epoch_end;
    loader->produced = loader->consumed = 0;
    loader->held = loader->failed = false;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
}

enum ls_status ls_loader_next(struct ls_loader *loader, struct ls_batch *batch,
                              struct ls_error *error) {
    pthread_mutex_lock(&loader->mutex);
    if (loader->held) {
        loader->held = false;
        pthread_cond_broadcast(&loader->changed);
    }
    while (loader->produced == loader->consumed) {
        LS_ASSERT(loader->epoch < loader->epoch_end, "a batch past the end of epoch %llu",
                  (unsigned long long)loader->epoch_end);
        pthread_cond_wait(&loader->changed, &loader->mutex);
    }
    const struct ls_loader_slot *slot =
        &loader->slots[loader->consumed % (uint64_t)loader->slot_count];
    const enum ls_status status = slot->status;
    if (status == LS_OK) {
        *batch = slot->batch;
        loader->consumed++;
        loader->held = true;
    } else {
        *error = slot->error; /* stays: the next call says it again */
    }
    pthread_mutex_unlock(&loader->mutex);
    return status;
}
