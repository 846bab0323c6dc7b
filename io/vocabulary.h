/* The words behind token ids: characters, bytes, words or pieces of words of a text, and five
 * special ones. A column of tokens carries its vocabulary as attributes (`vocabulary`: texts,
 * `unit`, and `lower`, where there are small letters only); a run keeps those of its training data,
 * so that it can be used without the data. */
#ifndef LS_IO_VOCABULARY_H
#define LS_IO_VOCABULARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"

/* Bytes have the texts "<00>" to "<FF>". Words are runs of letters and digits, each with the
 * apostrophe behind it; what else there is stands for itself, blanks only separate, and a line's
 * end is the word "\n". Pieces are parts of words (io/pieces.h). */
enum ls_text_unit { LS_UNIT_CHAR, LS_UNIT_BYTE, LS_UNIT_WORD, LS_UNIT_PIECE };
extern const char *const ls_text_units[]; /* "char", "byte", "word", "piece", NULL */

/* Ids of the special tokens, where a vocabulary has them. */
enum {
    LS_TOKEN_PADDING,
    LS_TOKEN_BEGIN,
    LS_TOKEN_END,
    LS_TOKEN_UNKNOWN,
    LS_TOKEN_MASK,
    LS_TOKENS_SPECIAL
};
enum { LS_VOCABULARY_MAX = 1 << 24 };

struct ls_vocabulary {
    int unit;     /* enum ls_text_unit */
    bool special; /* ids 0 .. 4 are the special tokens */
    bool lower;   /* texts are read as small letters */
    int count;
    char **texts; /* [count] owned; UTF-8 */
    int *sorted;  /* [count] owned; ids in the order of their texts' bytes */
};

/* A text and what to call it in errors. */
struct ls_text {
    const char *name;
    const char *bytes;
    uint64_t count;
    /* The stretches that count, in order (lines, fields); NULL: all of it. */
    const struct ls_text_part { uint64_t at, count; } * parts; /* [part_count] */
    uint64_t part_count;
};

struct ls_vocabulary_options {
    int unit;
    bool special, lower;
    int64_t words; /* at most so many besides the special ones (words, and pieces, which need it);
                      0: all */
};

/* All units of a text: characters and bytes in their own order, words by how often they come (then
 * by their bytes), pieces as they were learned. A byte that is no UTF-8, or NUL, is an error with
 * its place: "NAME:LINE:COLUMN: error: ". */
LS_MUST_USE enum ls_status ls_vocabulary_build(struct ls_vocabulary *vocabulary,
                                               const struct ls_vocabulary_options *options,
                                               const struct ls_text *text, struct ls_error *error);

/* The ids of a text's units, owned by the caller. What the vocabulary does not have is the unknown
 * token, or, without special tokens, an error with its place. */
LS_MUST_USE enum ls_status ls_vocabulary_encode(const struct ls_vocabulary *vocabulary,
                                                const struct ls_text *text, int32_t **tokens,
                                                uint64_t *count, struct ls_error *error);
/* The same of a text's parts: part i is tokens ends[i - 1] .. ends[i] - 1, ends[parts] the
 * caller's.
 */
LS_MUST_USE enum ls_status ls_vocabulary_encode_parts(const struct ls_vocabulary *vocabulary,
                                                      const struct ls_text *text, int32_t **tokens,
                                                      int64_t *ends, struct ls_error *error);
/* Tokens as text: words with blanks between them, but none before .,;:!?)] and behind ([ and
 * apostrophes, nor around hyphens and line ends; pieces of a word side by side. Special tokens
 * leave nothing. An id that there is not prints as "<?>". */
void ls_vocabulary_print(FILE *out, const struct ls_vocabulary *vocabulary, const int32_t *tokens,
                         uint64_t count);

/* The id of the text that is so many bytes and an ending; -1: there is none. */
int32_t ls_vocabulary_find(const struct ls_vocabulary *vocabulary, const char *bytes, size_t length,
                           const char *ending);

/* Of a column of an HDF5 file; *found false (and an empty vocabulary) where it has none. */
LS_MUST_USE enum ls_status ls_vocabulary_load(struct ls_vocabulary *vocabulary, const char *path,
                                              const char *column, bool *found,
                                              struct ls_error *error);

/* A run's vocabularies in one JSON file, by column: `names` and `items` are [count]. */
LS_MUST_USE enum ls_status ls_vocabularies_save(const char *path, int count,
                                                const char *const *names,
                                                const struct ls_vocabulary *items,
                                                struct ls_error *error);
/* The one of that column (NULL: the only one); *found as above. */
LS_MUST_USE enum ls_status ls_vocabularies_load(struct ls_vocabulary *vocabulary, const char *path,
                                                const char *column, bool *found,
                                                struct ls_error *error);

/* Whether ids mean the same; else the error says which id does not. */
LS_MUST_USE enum ls_status ls_vocabulary_compare(const struct ls_vocabulary *expected,
                                                 const struct ls_vocabulary *found,
                                                 struct ls_error *error);
void ls_vocabulary_sort(struct ls_vocabulary *vocabulary);  /* fills sorted from texts */
void ls_vocabulary_clear(struct ls_vocabulary *vocabulary); /* also of a zeroed one */

#endif
