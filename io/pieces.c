#include "io/pieces.h"

#include <string.h>

#include "core/base/utf8.h"

enum { NEVER = INT32_MAX };

size_t ls_piece_length(const char *text) {
    const size_t length = strlen(text), mark = strlen(LS_PIECE_GOES_ON);
    const bool marked = length > mark && !strcmp(text + length - mark, LS_PIECE_GOES_ON);
    return marked ? length - mark : length;
}

const char *ls_stretch_ending(const struct ls_stretch *stretch, int next) {
    return stretch->last && next == stretch->count ? "" : LS_PIECE_GOES_ON;
}

struct ls_stretch ls_stretch_begin(const char *bytes, size_t length) {
    struct ls_stretch stretch = {.bytes = bytes};
    size_t at = 0;
    while (at < length && stretch.count < LS_STRETCH_MAX) {
        stretch.starts[stretch.count++] = at;
        at += ls_utf8_length((const unsigned char *)bytes + at, length - at);
    }
    stretch.starts[stretch.count] = at;
    stretch.last = at == length;
    return stretch;
}

int32_t ls_stretch_find(const struct ls_vocabulary *vocabulary, const struct ls_stretch *stretch,
                        int first, int end) {
    return ls_vocabulary_find(vocabulary, stretch->bytes + stretch->starts[first],
                              stretch->starts[end] - stretch->starts[first],
                              ls_stretch_ending(stretch, end));
}

/* The id that a piece and its neighbour behind it have together. */
static int32_t joined(const struct ls_vocabulary *vocabulary, const struct ls_stretch *stretch,
                      int piece) {
    const int32_t id =
        piece + 1 < stretch->count ? ls_stretch_find(vocabulary, stretch, piece, piece + 2) : -1;
    return id < 0 ? NEVER : id;
}

static void cut_stretch(const struct ls_vocabulary *vocabulary, struct ls_stretch *stretch,
                        int32_t *ids) {
    int32_t together[LS_STRETCH_MAX];
    for (int i = 0; i < stretch->count; i++) {
        ids[i] = ls_stretch_find(vocabulary, stretch, i, i + 1);
        together[i] = joined(vocabulary, stretch, i);
    }
    for (;;) {
        int best = 0;
        for (int i = 1; i < stretch->count; i++)
            if (together[i] < together[best])
                best = i;
        if (together[best] == NEVER)
            return;
        ids[best] = together[best];
        stretch->count--;
        for (int i = best + 1; i < stretch->count; i++) {
            ids[i] = ids[i + 1];
            together[i] = together[i + 1];
        }
        for (int i = best + 1; i <= stretch->count; i++)
            stretch->starts[i] = stretch->starts[i + 1];
        together[best] = joined(vocabulary, stretch, best);
        if (best)
            together[best - 1] = joined(vocabulary, stretch, best - 1);
    }
}

uint64_t ls_pieces_cut(const struct ls_vocabulary *vocabulary, const char *bytes, size_t length,
                       int32_t *ids) {
    uint64_t count = 0;
    for (size_t at = 0; at < length;) {
        struct ls_stretch stretch = ls_stretch_begin(bytes + at, length - at);
        at += stretch.starts[stretch.count];
        cut_stretch(vocabulary, &stretch, ids + count);
        count += (uint64_t)stretch.count;
    }
    return count;
}
