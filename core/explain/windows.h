/* Parts of an input that are covered, or left out, together: windows [rows, columns] of an image
 * with all its channels, of a series with one, of a table single columns; of a text single tokens.
 */
#ifndef LS_EXPLAIN_WINDOWS_H
#define LS_EXPLAIN_WINDOWS_H

#include "core/explain/explain.h"

struct ls_windows {
    int64_t height, width, depth; /* the input's numbers, depth of them together */
    int64_t size[2], stride[2];   /* down and across */
    int64_t rows, columns, count;
};

/* size 0: a fourteenth of an image's side, at least 1, and 1 of all else; stride 0: the size. */
struct ls_windows ls_windows_create(const struct ls_explainer *explainer, const int64_t size[2],
                                    const int64_t stride[2]);

/* Where a window begins and ends: rows, columns; the last ones are cut at the border. */
struct ls_window {
    int64_t first[2], end[2];
};
struct ls_window ls_window_at(const struct ls_windows *windows, int64_t index);

/* Puts the baseline into a window of to[...]. */
void ls_window_cover(const struct ls_windows *windows, int64_t index, const float *baseline,
                     float *to);
/* Adds a number to each element of a window. */
void ls_window_add(const struct ls_windows *windows, int64_t index, double number, double *to);

#define LS_WINDOW_FIELD(type, member, text)                                                        \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_PAIR, .offset = offsetof(type, member), .initial = "0",  \
        .min = 0, .max = 65536, .help = text                                                       \
    }

#endif
