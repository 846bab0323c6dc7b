/* The words of a categorical column, numbered: first as they are seen, at the end by their sorted
 * order. Internal to io. */
#ifndef LS_IO_CSV_WORDS_H
#define LS_IO_CSV_WORDS_H

#include "core/base/status.h"

struct ls_csv_words {
    int count;
    void *tree;    /* owned, until sorted */
    char **sorted; /* [count] owned, once sorted */
};

/* A plain number whose fraction begins with the byte `decimal` (strtod alone would also take hex,
 * inf and nan). */
bool ls_csv_number(const char *text, char decimal, double *value);

/* The order of words: numbers by value, then words by their bytes. 0: they are the same, as 1 and
 * 1.0 are, but not 1 and 01. */
int ls_csv_word_compare(const char *a, const char *b);

/* The place of a word among sorted ones; -1: it is none of them. */
int ls_csv_words_find(const char *const *sorted, int count, const char *word);

/* When this word was first seen: 0, 1, ... */
int ls_csv_words_add(struct ls_csv_words *words, const char *text);

/* Sorts; the result says for each number that add
 * returned its place among the sorted. Owned by the caller. */
int *ls_csv_words_sort(struct ls_csv_words *words);

void ls_csv_words_clear(struct ls_csv_words *words);

#endif
