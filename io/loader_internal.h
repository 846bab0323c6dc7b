/* What the files of the loader share: loader.c reads ahead, loader_changes.c changes what was read
 * (augmentation, mixtures, masks). */
#ifndef LS_IO_LOADER_INTERNAL_H
#define LS_IO_LOADER_INTERNAL_H

#include <pthread.h>

#include "io/loader.h"
#include "io/shuffle.h"

struct ls_loader_slot {
    struct ls_batch batch; /* points into the arrays below */
    uint64_t *row_ids;     /* in the loader's memory, like the feeds */
    void *feeds[LS_FEEDS_MAX];
    enum ls_status status;
    struct ls_error error;
};

struct ls_loader {
    struct ls_loader_options options;
    struct ls_feed_use uses[LS_FEEDS_MAX];
    struct ls_feed feeds[LS_FEEDS_MAX];         /* their shapes */
    int64_t microbatch_rows, rows_max, batches; /* rows_max: of this rank in a batch */
    int images;                                 /* the use that is augmented; -1: none */
    int inputs, masked;                         /* the uses that masks change; masked -1: none */
    struct ls_mask_tokens tokens;
    struct ls_shuffle shuffle; /* the reader's */
    uint64_t advised;          /* the reader's: windows that are wanted soon */
    int slot_count;
    struct ls_loader_slot *slots; /* [slot_count] owned */
    float *staging;               /* images before augmentation; NULL without */
    float *partners;              /* augmented images that others are mixed with; NULL without */
    uint64_t *partner_ids;
    char *memory; /* owned: all arrays of all slots, and staging */
    size_t memory_bytes;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    uint64_t generation, epoch, epoch_end;
    int64_t index;
    uint64_t produced, consumed;
    bool held;   /* the consumer still looks at slot consumed - 1 */
    bool failed; /* the last one produced is an error: reading rests */
};

/* The rows of slot->batch into the slot's feeds, as they are in its epoch; slot->status says
 * whether they could be read. */
void ls_loader_read(const struct ls_loader *loader, struct ls_loader_slot *slot);

/* Whether the feeds that a loader reads can be changed as its options say. */
LS_MUST_USE enum ls_status ls_loader_check_changes(struct ls_loader *loader,
                                                   const struct ls_loader_options *options,
                                                   struct ls_error *error);

#endif
