/* How a feed (core/layers/feed.h) is cut out of a column, and as what it is read. */
#ifndef LS_IO_FEED_H
#define LS_IO_FEED_H

#include "core/base/field.h"
#include "core/graph/graph.h"
#include "core/layers/feed.h"

/* A zeroed struct with a name and a column is the column's rows as they are. */
struct ls_feed_options {
    char name[LS_FEED_NAME_MAX];
    char column[LS_TEXT_MAX]; /* a dataset in the files: "/inputs" (the slash may be left out) */
    int64_t window,
        offset; /* of a stream: rows offset .. offset + window - 1; window 0: no stream */
    int64_t first_channel, channels; /* of the last dimension; channels 0: all */
    int64_t
        channels_cut; /* how many in front of the column's were cut away before it was written */
    /* Of a ragged column (rows of different lengths): begin, the row's values and end are cut or
     * padded with zeros to `length`. Where that cuts something off, it is the end first. */
    int64_t length;
    int64_t begin, end;  /* tokens put in front and behind; 0: none */
    bool masked;         /* the feed is what the masks of "inputs" leave to be said (loader.h) */
    bool lengths;        /* the feed is how many of the `length` values are no padding */
    bool whole_bytes;    /* reals are the file's numbers (targets); else those of images are divided
                            by the type's range: ls_array_divisor */
    bool channels_first; /* rows [C, H, W] become samples [H, W, C]; of rows of other ranks: no
                            effect */
    bool one_hot;        /* rows of one 1 among 0s become the number of its place */
    bool optional;       /* a file without the column is no error: the feed is not on offer */
    /* Taken off reals before they are rounded to float, one for each value of a sample or for each
     * of its last dimension; borrowed; NULL: nothing. */
    const double *centre;
    int64_t centre_count;
};

/* A feed as a model takes it. */
struct ls_feed_use {
    const struct ls_feed_options *feed; /* borrowed; NULL: nothing is read */
    enum ls_type type;                  /* int32 or real */
    int64_t limit;                      /* values must be from 0 to below it, and whole; 0: any */
    bool ignores;                       /* but `ignored` passes */
    int32_t ignored;
    bool zero_to_one; /* values must be from 0 to 1 */
    bool exact;       /* reals come as doubles, whatever the feed's centre: for what is learned from
                         them; not of rows of different lengths */
};

#endif
