#include "io/csv_words.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

struct word {
    int seen; /* how many others were seen before */
    char text[];
};

bool ls_csv_number(const char *text, char decimal, double *value) {
    enum { NUMBER_MAX = 512 };
    char number[NUMBER_MAX], *end;
    const size_t length = strlen(text);
    if (!length || length >= sizeof number)
        return false;
    memcpy(number, text, length + 1);
    for (char *byte = number; *byte; byte++)
        if (!strchr("0123456789+-eE", *byte) && *byte != decimal)
            return false;
        else if (*byte == decimal)
            *byte = '.';
    *value = strtod(number, &end);
    return !*end;
}

/* A code with zeros in front is no number, though it has a value. */
static bool is_code(const char *text) {
    text += *text == '-' || *text == '+';
    return text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

int ls_csv_word_compare(const char *a, const char *b) {
    double x = 0, y = 0;
    const bool x_number = ls_csv_number(a, '.', &x), y_number = ls_csv_number(b, '.', &y);
    if (x_number != y_number)
        return x_number ? -1 : 1;
    if (!x_number)
        return strcmp(a, b);
    if (x < y || x > y)
        return x < y ? -1 : 1;
    if (is_code(a) != is_code(b))
        return is_code(b) ? -1 : 1;
    return is_code(a) ? strcmp(a, b) : 0;
}

static int by_word(const void *key, const void *word) {
    return ls_csv_word_compare(key, *(const char *const *)word);
}

int ls_csv_words_find(const char *const *sorted, int count, const char *word) {
    const char *const *found =
        count ? bsearch(word, sorted, (size_t)count, sizeof *sorted, by_word) : NULL;
    return found ? (int)(found - sorted) : -1;
}

static int compare(const void *a, const void *b) {
    return ls_csv_word_compare(((const struct word *)a)->text, ((const struct word *)b)->text);
}

int ls_csv_words_add(struct ls_csv_words *words, const char *text) {
    const size_t bytes = strlen(text) + 1;
    struct word *word = ls_calloc(1, sizeof *word + bytes);
    memcpy(word->text, text, bytes);
    word->seen = words->count;
    struct word *const *found = tsearch(word, &words->tree, compare);
    LS_ASSERT(found, "out of memory: a word of %zu bytes", bytes);
    if (*found == word)
        words->count++;
    else
        free(word);
    return (*found)->seen;
}

struct sorting {
    struct ls_csv_words *words;
    int *places;
    int next;
};

static void place_word(const void *node, VISIT visit, void *closure) {
    struct sorting *sorting = closure;
    if (visit != postorder && visit != leaf) /* once a node, in order */
        return;
    const struct word *word = *(struct word *const *)node;
    sorting->places[word->seen] = sorting->next;
    sorting->words->sorted[sorting->next++] = ls_strdup(word->text);
}

int *ls_csv_words_sort(struct ls_csv_words *words) {
    words->sorted = ls_calloc((size_t)words->count, sizeof *words->sorted);
    struct sorting sorting = {words, ls_calloc((size_t)words->count, sizeof(int)), 0};
    twalk_r(words->tree, place_word, &sorting);
    tdestroy(words->tree, free);
    words->tree = NULL;
    return sorting.places;
}

void ls_csv_words_clear(struct ls_csv_words *words) {
    for (int i = 0; words->sorted && i < words->count; i++)
        free(words->sorted[i]);
    free(words->sorted);
    tdestroy(words->tree, free);
    *words = (struct ls_csv_words){0};
}
