/* Explained samples to look at, each with its number, its label and what is predicted: SVG, where
 * texts can stand in any script, be searched and be read aloud. */
#ifndef LS_LAUNCHER_EXPLAIN_SHEET_H
#define LS_LAUNCHER_EXPLAIN_SHEET_H

#include <stdio.h>

#include "launcher/explain/explain.h"

/* Images are tiles of [height, width, 3]; without tiles, samples are texts. All is borrowed but the
 * block. */
struct ls_sheet {
    const struct ls_subject *subject;
    int64_t count, each, height, width; /* each: tiles of a sample */
    const float *tiles;                 /* [count][each][height][width][3] or NULL */
    const float *values;                /* of texts: [count][tokens] */
    const float *outputs;               /* [count]; NULL: what is shown are units, not samples */
    const int32_t *predicted;           /* [count] */
    struct ls_sample_block block;       /* the samples, with labels where there are any */
};
LS_MUST_USE enum ls_status ls_sheet_print(const struct ls_sheet *sheet, FILE *out,
                                          struct ls_error *error);

#endif
