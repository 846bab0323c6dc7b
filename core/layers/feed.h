/* What a batch carries, by name. io fills feeds; the inputs of a graph bind to them. */
#ifndef LS_LAYERS_FEED_H
#define LS_LAYERS_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tensor/shape.h"

enum { LS_FEEDS_MAX = 16, LS_FEED_NAME_MAX = 64 };
enum { LS_FEED_OPEN = -1 }; /* a shape's rank: not known; whoever takes the feed decides */

/* Reals are shifted and scaled by constants of the training data: one pair for each value of a
 * sample, or for each channel (the last dimension). */
enum ls_feed_scaling { LS_FEED_AS_IT_IS, LS_FEED_PER_VALUE, LS_FEED_PER_CHANNEL };

struct ls_feed {
    char name[LS_FEED_NAME_MAX];  /* of the graph's input: "inputs", "targets", "source" */
    struct ls_shape shape;        /* of one sample; rank 0: a scalar; rank LS_FEED_OPEN */
    bool integer;                 /* as it lies on disk; who takes it decides */
    int64_t limit;                /* largest value + 1 where io knows it (a vocabulary); else 0 */
    bool gaps;                    /* -1 stands where there is no value (targets of masks) */
    enum ls_feed_scaling scaling; /* of the real values; indices cannot be scaled */
    bool restored;       /* errors are measured, and answers given, in the units of before */
    bool apart;          /* each of its values is a target of its own, and measured so */
    const char *missing; /* why the data lacks it (an error for who takes it); NULL: it is there;
                            borrowed */
};

#endif
