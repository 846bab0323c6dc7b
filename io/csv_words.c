#include "io/csv_words.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

struct word {
    int seen; /* how many others were seen before */
    char text[];
};

bool ls_csv_number(const char *text, double *value) {
    char *end;
    if (!text[0] || text[strspn(text, "0123456789+-.eE")])
        return false;
    *value = strtod(text, &end);
    return end > text && !*end;
}

static int compare(const void *a, const void *b) {
    const char *const left = ((const struct word *)a)->text, *const right =
                                                                 ((const struct word *)b)->text;
    double x, y;
    const bool x_number = ls_csv_number(left, &x), y_number = ls_csv_number(right, &y);
    if (x_number != y_number)
        return x_number ? -1 : 1;
    if (x_number && (x < y || x > y))
        return x < y ? -1 : 1;
    return strcmp(left, right);
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
