#include "core/tasks/bleu.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"

/* A sentence cut into tokens. */
struct tokens {
    char *text;   /* owned: tokens with blanks between them */
    char **items; /* [count] owned; into text, each ends with NUL */
    int64_t count;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Punctuation that always stands alone: all of ASCII's but ' , - . and digits and letters. */
static bool stands_alone(char c) {
    return strchr("{|}~[\\]^_` !\"#$%&()*+:;<=>?@/", c) && c;
}

/* Where a pass finds two bytes that are to be put apart, and how. */
enum apart { TOGETHER, BEHIND, BEFORE };

static bool is_stop(char c) {
    return c == '.' || c == ',';
}

/* The three rules of mteval-v13a for two neighbours, one after the other. */
static enum apart rule(int pass, char a, char b) {
    if (pass == 0)
        return !is_digit(a) && is_stop(b) ? BEHIND : TOGETHER; /* "a." -> "a . " */
    if (pass == 1)
        return is_stop(a) && !is_digit(b) ? BEFORE : TOGETHER; /* ".a" -> " . a" */
    return is_digit(a) && b == '-' ? BEHIND : TOGETHER;        /* "1-" -> "1 - " */
}

/* One pass over the text: what a rule takes is not looked at again. */
static void separate(int pass, const char *from, char *to) {
    while (*from) {
        const enum apart apart = from[1] ? rule(pass, from[0], from[1]) : TOGETHER;
        if (apart == TOGETHER) {
            *to++ = *from++;
            continue;
        }
        if (apart == BEFORE)
            *to++ = ' ';
        *to++ = from[0];
        *to++ = ' ';
        *to++ = from[1];
        if (apart == BEHIND)
            *to++ = ' ';
        from += 2;
    }
    *to = '\0';
}

static void spread_punctuation(const char *from, char *to) {
    for (; *from; from++)
        if (stands_alone(*from)) {
            *to++ = ' ';
            *to++ = *from;
            *to++ = ' ';
        } else {
            *to++ = *from;
        }
    *to = '\0';
}

/* The marks of XML that stand for characters. */
static void resolve_entities(char *text) {
    static const struct {
        const char *mark, *stands_for;
    } entities[] = {{"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        const size_t length = strlen(entities[i].mark);
        for (char *at = text; (at = strstr(at, entities[i].mark)); at++) {
            *at = *entities[i].stands_for;
            memmove(at + 1, at + length, strlen(at + length) + 1);
        }
    }
}

static struct tokens cut(const char *sentence) {
    enum { GROWTH = 3 * 2 * 2 * 2 }; /* a byte becomes at most 3, then two become at most 4 */
    const size_t length = strlen(sentence), room = (length + 2) * GROWTH + 1;
    struct tokens tokens = {.text = ls_calloc(room, 1)};
    char *other = ls_calloc(room, 1);
    other[0] = ' ';
    memcpy(other + 1, sentence, length);
    other[length + 1] = ' ';
    resolve_entities(other);
    spread_punctuation(other, tokens.text);
    for (int pass = 0; pass < 3; pass++) {
        separate(pass, tokens.text, other);
        char *text = tokens.text;
        tokens.text = other;
        other = text;
    }
    free(other);
    const size_t count = strlen(tokens.text);
    tokens.items = ls_calloc(count + 1, sizeof *tokens.items);
    bool inside = false;
    for (size_t at = 0; at < count;) {
        const size_t blank =
            ls_utf8_blank((const unsigned char *)tokens.text + at, (uint64_t)(count - at));
        if (!blank && !inside)
            tokens.items[tokens.count++] = tokens.text + at;
        inside = !blank;
        memset(tokens.text + at, 0, blank);
        at += blank ? blank : 1;
    }
    return tokens;
}

static void clear(struct tokens *tokens) {
    free(tokens->text);
    free(tokens->items);
}

static bool same(char *const *a, char *const *b, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

/* How often the n-gram stands among those that begin before `end`. */
static int64_t count_of(char *const *gram, int64_t n, const struct tokens *tokens, int64_t end) {
    int64_t count = 0;
    for (int64_t i = 0; i < end; i++)
        count += same(gram, tokens->items + i, n);
    return count;
}

static int64_t grams(const struct tokens *tokens, int64_t n) {
    return tokens->count >= n ? tokens->count - n + 1 : 0;
}

/* Whether the n-gram at `at` is among those that some reference has, too: the k-th time that it
 * stands here it needs k places there. */
static bool matches(const struct tokens *found, int64_t at, int64_t n,
                    const struct tokens *references, int count) {
    char *const *gram = found->items + at;
    const int64_t times = count_of(gram, n, found, at + 1);
    for (int r = 0; r < count; r++)
        if (times <= count_of(gram, n, &references[r], grams(&references[r], n)))
            return true;
    return false;
}

/* The reference whose length is closest decides; of two, the shorter one. */
static int64_t closest(int64_t length, const struct tokens *references, int count) {
    int64_t best = references[0].count;
    for (int r = 1; r < count; r++) {
        const int64_t other = references[r].count;
        const int64_t gain = llabs(best - length) - llabs(other - length);
        if (gain > 0 || (gain == 0 && other < best))
            best = other;
    }
    return best;
}

void ls_bleu_add(struct ls_bleu *bleu, const char *translation, const char *const *references,
                 int count) {
    struct tokens found = cut(translation);
    struct tokens *wanted = ls_calloc((size_t)count, sizeof *wanted);
    for (int r = 0; r < count; r++)
        wanted[r] = cut(references[r]);
    bleu->tokens += found.count;
    bleu->reference += closest(found.count, wanted, count);
    for (int64_t n = 1; n <= LS_BLEU_ORDER; n++) {
        bleu->found[n - 1] += grams(&found, n);
        for (int64_t i = 0; i < grams(&found, n); i++)
            bleu->matches[n - 1] += matches(&found, i, n, wanted, count);
    }
    clear(&found);
    for (int r = 0; r < count; r++)
        clear(&wanted[r]);
    free(wanted);
}

void ls_bleu_join(struct ls_bleu *bleu, const struct ls_bleu *other) {
    for (int n = 0; n < LS_BLEU_ORDER; n++) {
        bleu->matches[n] += other->matches[n];
        bleu->found[n] += other->found[n];
    }
    bleu->tokens += other->tokens;
    bleu->reference += other->reference;
}

double ls_bleu_score(const struct ls_bleu *bleu) {
    double logarithm = 0;
    for (int n = 0; n < LS_BLEU_ORDER; n++) {
        if (bleu->matches[n] == 0)
            return 0;
        logarithm += log((double)bleu->matches[n] / (double)bleu->found[n]) / LS_BLEU_ORDER;
    }
    if (bleu->tokens < bleu->reference)
        logarithm += 1 - (double)bleu->reference / (double)bleu->tokens;
    return 100 * exp(logarithm);
}
