/* Pieces of words, learned by byte pair encoding (Sennrich et al. 2016): first there are the
 * characters; then, as often as wanted, the two pieces that follow each other most often (of equal
 * ones, those whose texts come first) become one. A piece that its word goes on behind ends in the
 * mark "@@". Internal to io.
 *
 * A word is cut by the same rule: of all neighbours that are a piece together, those join first
 * whose piece was learned first. Long words are learned and cut in stretches of 64 characters. */
#ifndef LS_IO_PIECES_H
#define LS_IO_PIECES_H

#include "io/units.h"

#define LS_PIECE_GOES_ON "@@"

/* Bytes of a piece's text without the mark. */
size_t ls_piece_length(const char *text);

/* Up to so many characters of a word, as pieces: piece i is bytes starts[i] .. starts[i + 1] - 1.
 */
enum { LS_STRETCH_MAX = 64 };
struct ls_stretch {
    const char *bytes; /* borrowed */
    bool last;         /* of its word */
    int count;
    size_t starts[LS_STRETCH_MAX + 1];
};

/* The first characters of `length` bytes of a word, each a piece. */
struct ls_stretch ls_stretch_begin(const char *bytes, size_t length);
/* What ends the text of a piece whose bytes end in front of piece `next`: the mark, or "". */
const char *ls_stretch_ending(const struct ls_stretch *stretch, int next);
/* The id of pieces first .. end - 1 as one; -1: there is no such piece. */
int32_t ls_stretch_find(const struct ls_vocabulary *vocabulary, const struct ls_stretch *stretch,
                        int first, int end);

/* Appends at most `most` pieces to a vocabulary, in the order in which they were learned; the words
 * lie in `bytes`. Of more characters than that, the most frequent are pieces. */
void ls_pieces_learn(struct ls_vocabulary *vocabulary, const char *bytes,
                     const struct ls_counted_unit *words, uint64_t count, uint64_t most);

/* The pieces of a word of UTF-8: ids [length], of which so many are filled as are returned; -1: a
 * character that is none. */
uint64_t ls_pieces_cut(const struct ls_vocabulary *vocabulary, const char *bytes, size_t length,
                       int32_t *ids);

#endif
