/* Feeds one rank: the samples of its microbatches of each global batch, read ahead by a thread.
 *
 * The order of an epoch is a function of (seed, epoch): batch b holds positions b*batch .. of a
 * shuffle of the part (shuffle.h; not shuffled: in order). A short last batch fills microbatches of
 * the planned size in order; the rest are empty. */
#ifndef LS_IO_LOADER_H
#define LS_IO_LOADER_H

#include "core/tensor/augment.h"
#include "io/dataset.h"

struct ls_loader;

struct ls_loader_options {
    struct ls_part part;
    bool shuffle;
    uint64_t shuffle_block; /* samples; 0: all samples are shuffled as one */
    uint64_t seed;
    int64_t batch;                  /* global */
    int microbatches;               /* of a global batch; divides batch */
    int first, count;               /* this rank's microbatches */
    const struct ls_feed_use *uses; /* [use_count] what a batch carries; copied, but the feeds'
                                       options stay borrowed */
    int use_count;
    /* Of the feed "inputs". A mask also needs the use of a feed that is `masked`: read like the
     * inputs, it keeps the tokens that were hidden, and is -1 elsewhere. */
    struct ls_augment_options augment;
    int ahead; /* batches read ahead; 0: 4 */
};

/* One global batch as this rank sees it. Valid until the next call. */
struct ls_batch {
    uint64_t epoch;
    int64_t index;           /* batch of the epoch, from 0 */
    bool last;               /* of the epoch */
    int64_t rows_global;     /* samples in the global batch */
    int64_t microbatch_rows; /* planned samples of a microbatch: batch / microbatches */
    int microbatches;        /* non-empty ones in the global batch */
    int64_t rows; /* samples here; microbatch i of this rank starts at row i*microbatch_rows */
    uint64_t row_first;      /* position of row 0 in the global batch */
    const uint64_t *row_ids; /* [rows] numbers of the samples in the data set */
    int feed_count;
    const void *feeds[LS_FEEDS_MAX]; /* [rows, ...] float or int32, in the order of the loader's
                                        uses; NULL: not read */
};

LS_MUST_USE enum ls_status ls_loader_create(struct ls_loader **loader,
                                            const struct ls_loader_options *options,
                                            struct ls_error *error);
void ls_loader_destroy(struct ls_loader *loader);

int64_t ls_loader_batches(const struct ls_loader *loader); /* per epoch: ceil(rows / batch) */

/* Starts (again) at batch `index` of `epoch`; reading ahead goes on into the following epochs, up
 * to epoch_end (exclusive). */
void ls_loader_seek(struct ls_loader *loader, uint64_t epoch, int64_t index, uint64_t epoch_end);

/* Waits for the next batch. A bad sample is this rank's error. Past the end: a bug. */
LS_MUST_USE enum ls_status ls_loader_next(struct ls_loader *loader, struct ls_batch *batch,
                                          struct ls_error *error);

#endif
