/* Units of texts, numbered. */
#include "io/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"
#include "io/pieces.h"

const char *const ls_text_units[] = {[LS_UNIT_CHAR] = "char",
                                     [LS_UNIT_BYTE] = "byte",
                                     [LS_UNIT_WORD] = "word",
                                     [LS_UNIT_PIECE] = "piece",
                                     NULL};

static const char *const specials[] = {"<padding>", "<begin>", "<end>", "<unknown>", "<mask>"};

static int by_texts(const void *a, const void *b, void *vocabulary) {
    char **texts = ((struct ls_vocabulary *)vocabulary)->texts;
    return strcmp(texts[*(const int *)a], texts[*(const int *)b]);
}

void ls_vocabulary_sort(struct ls_vocabulary *vocabulary) {
    free(vocabulary->sorted);
    vocabulary->sorted = ls_calloc((size_t)vocabulary->count + 1, sizeof *vocabulary->sorted);
    for (int i = 0; i < vocabulary->count; i++)
        vocabulary->sorted[i] = i;
    qsort_r(vocabulary->sorted, (size_t)vocabulary->count, sizeof *vocabulary->sorted, by_texts,
            vocabulary);
}

static void add_text(struct ls_vocabulary *vocabulary, const char *bytes, size_t length) {
    char *text = ls_calloc(length + 1, 1);
    memcpy(text, bytes, length);
    vocabulary->texts[vocabulary->count++] = text;
}

static void fill_bytes(struct ls_vocabulary *vocabulary) {
    for (int i = 0; i < 256; i++) {
        char text[8];
        snprintf(text, sizeof text, "<%02X>", i);
        add_text(vocabulary, text, 4);
    }
}

/* What a text is as small letters; owned by the caller. */
static char *lower_text(const struct ls_text *text, struct ls_text *lowered) {
    char *bytes = ls_calloc(text->count + 1, 1);
    memcpy(bytes, text->bytes, text->count);
    ls_utf8_lower(bytes, text->count);
    *lowered = *text;
    lowered->bytes = bytes;
    return bytes;
}

static enum ls_status fill(struct ls_vocabulary *vocabulary,
                           const struct ls_vocabulary_options *options, const struct ls_text *text,
                           struct ls_error *error) {
    const bool words = options->unit == LS_UNIT_WORD;
    struct ls_counted_unit *all;
    uint64_t count;
    enum ls_status status = ls_units_count(options->unit, words, text, &all, &count, error);
    if (status == LS_OK && options->unit == LS_UNIT_PIECE) {
        const int64_t most =
            options->words < LS_VOCABULARY_MAX ? options->words : LS_VOCABULARY_MAX;
        ls_pieces_learn(vocabulary, text->bytes, all, count, (uint64_t)most);
        free(all);
        return LS_OK;
    }
    if (words && options->words && (uint64_t)options->words < count)
        count = (uint64_t)options->words;
    if (status == LS_OK && count > LS_VOCABULARY_MAX)
        status = ls_fail(error, LS_INVALID, "%s: %llu different words; at most %d (--words N)",
                         text->name, (unsigned long long)count, LS_VOCABULARY_MAX);
    vocabulary->texts =
        ls_realloc(vocabulary->texts, count + LS_TOKENS_SPECIAL + 1, sizeof *vocabulary->texts);
    for (uint64_t i = 0; i < count && status == LS_OK; i++)
        add_text(vocabulary, text->bytes + all[i].unit.at, all[i].unit.length);
    free(all);
    return status;
}

enum ls_status ls_vocabulary_build(struct ls_vocabulary *vocabulary,
                                   const struct ls_vocabulary_options *options,
                                   const struct ls_text *text, struct ls_error *error) {
    *vocabulary = (struct ls_vocabulary){
        .unit = options->unit, .special = options->special, .lower = options->lower};
    vocabulary->texts = ls_calloc(256 + LS_TOKENS_SPECIAL, sizeof *vocabulary->texts);
    for (int i = 0; i < LS_TOKENS_SPECIAL && options->special; i++)
        add_text(vocabulary, specials[i], strlen(specials[i]));
    struct ls_text lowered = *text;
    char *bytes = options->lower ? lower_text(text, &lowered) : NULL;
    enum ls_status status = LS_OK;
    if (options->unit == LS_UNIT_BYTE)
        fill_bytes(vocabulary);
    else
        status = fill(vocabulary, options, &lowered, error);
    free(bytes);
    ls_vocabulary_sort(vocabulary);
    if (status != LS_OK)
        ls_vocabulary_clear(vocabulary);
    return status;
}

int32_t ls_vocabulary_find(const struct ls_vocabulary *vocabulary, const char *bytes, size_t length,
                           const char *ending) {
    int low = 0, high = vocabulary->count;
    while (low < high) {
        const int middle = (low + high) / 2, id = vocabulary->sorted[middle];
        const char *text = vocabulary->texts[id];
        int order = strncmp(text, bytes, length);
        if (!order)
            order = strcmp(text + length, ending);
        if (!order) /* no unit is called like a special token */
            return id;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* The ids of a unit, as many as it has bytes at most; -1 for what there is not. */
static uint64_t find_ids(const struct ls_vocabulary *vocabulary, const char *bytes, size_t length,
                         int32_t *ids) {
    if (vocabulary->unit == LS_UNIT_PIECE)
        return ls_pieces_cut(vocabulary, bytes, length, ids);
    *ids = vocabulary->unit == LS_UNIT_BYTE
               ? (vocabulary->special ? LS_TOKENS_SPECIAL : 0) + (unsigned char)bytes[0]
               : ls_vocabulary_find(vocabulary, bytes, length, "");
    return 1;
}

static enum ls_status encode_part(const struct ls_vocabulary *vocabulary,
                                  const struct ls_text *text, uint64_t part, int32_t *tokens,
                                  uint64_t *count, struct ls_error *error) {
    struct ls_unit unit = {0};
    enum ls_status status = LS_OK;
    while (status == LS_OK && ls_unit_next(vocabulary->unit, text, ls_text_part_at(text, part),
                                           &unit, &status, error)) {
        int32_t *ids = tokens + *count;
        const uint64_t found = find_ids(vocabulary, text->bytes + unit.at, unit.length, ids);
        for (uint64_t i = 0; i < found && status == LS_OK; i++) {
            if (ids[i] < 0 && vocabulary->special)
                ids[i] = LS_TOKEN_UNKNOWN;
            if (ids[i] < 0)
                status = ls_csv_fail(error, text->name, ls_text_place(text, unit.at),
                                     "'%.*s' is not in the vocabulary that the text is read with "
                                     "(%d %ss)",
                                     (int)unit.length, text->bytes + unit.at, vocabulary->count,
                                     ls_text_units[vocabulary->unit]);
        }
        *count += found;
    }
    return status;
}

enum ls_status ls_vocabulary_encode_parts(const struct ls_vocabulary *vocabulary,
                                          const struct ls_text *text, int32_t **tokens,
                                          int64_t *ends, struct ls_error *error) {
    struct ls_text lowered = *text;
    char *bytes = vocabulary->lower ? lower_text(text, &lowered) : NULL;
    enum ls_status status = LS_OK;
    uint64_t count = 0;
    *tokens = ls_calloc(text->count + 1, sizeof **tokens);
    for (uint64_t part = 0; part < ls_text_parts(text) && status == LS_OK; part++) {
        status = encode_part(vocabulary, &lowered, part, *tokens, &count, error);
        ends[part] = (int64_t)count;
    }
    free(bytes);
    if (status != LS_OK) {
        free(*tokens);
        *tokens = NULL;
    }
    return status;
}

enum ls_status ls_vocabulary_encode(const struct ls_vocabulary *vocabulary,
                                    const struct ls_text *text, int32_t **tokens, uint64_t *count,
                                    struct ls_error *error) {
    const struct ls_text whole = {.name = text->name, .bytes = text->bytes, .count = text->count};
    int64_t end = 0;
    const enum ls_status status =
        ls_vocabulary_encode_parts(vocabulary, &whole, tokens, &end, error);
    *count = (uint64_t)end;
    return status;
}

/* Whether a text ends in that one. */
static bool ends_in(const char *text, const char *ending) {
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && !strcmp(text + length - tail, ending);
}

/* Whether a blank stands between two words. */
static bool are_apart(const char *before, const char *text) {
    const bool opens = before[0] && !before[1] && strchr("\n([-", before[0]);
    return !opens && !ends_in(before, "'") && !ends_in(before, "\xe2\x80\x99") &&
           !strchr("-.,;:!?)]\n", text[0]);
}

void ls_vocabulary_print(FILE *out, const struct ls_vocabulary *vocabulary, const int32_t *tokens,
                         uint64_t count) {
    const bool pieces = vocabulary->unit == LS_UNIT_PIECE;
    const bool words = vocabulary->unit == LS_UNIT_WORD || pieces;
    const char *before = "\n";
    bool inside = false; /* a word that goes on */
    for (uint64_t i = 0; i < count; i++) {
        const int32_t id = tokens[i];
        if (vocabulary->special && id >= 0 && id < LS_TOKENS_SPECIAL)
            continue;
        const bool known = id >= 0 && id < vocabulary->count;
        const char *text = known ? vocabulary->texts[id] : "<?>";
        const size_t length = pieces ? ls_piece_length(text) : strlen(text);
        if (words && !inside && are_apart(before, text))
            fputc(' ', out);
        if (vocabulary->unit == LS_UNIT_BYTE && known)
            fputc(id - (vocabulary->special ? LS_TOKENS_SPECIAL : 0), out);
        else
            fwrite(text, 1, length, out);
        inside = text[length] != '\0';
        before = text;
    }
}

enum ls_status ls_vocabulary_compare(const struct ls_vocabulary *expected,
                                     const struct ls_vocabulary *found, struct ls_error *error) {
    if (expected->lower != found->lower)
        return ls_fail(error, LS_INVALID, "its texts are read %s, expected %s",
                       found->lower ? "as small letters (--lower)" : "as they are",
                       expected->lower ? "as small letters (--lower)" : "as they are");
    if (expected->unit != found->unit || expected->special != found->special)
        return ls_fail(error, LS_INVALID, "its tokens are %ss%s, expected %ss%s",
                       ls_text_units[found->unit], found->special ? " and special ones" : "",
                       ls_text_units[expected->unit], expected->special ? " and special ones" : "");
    const int least = expected->count < found->count ? expected->count : found->count;
    for (int i = 0; i < least; i++)
        if (strcmp(expected->texts[i], found->texts[i]) != 0)
            return ls_fail(error, LS_INVALID, "its token %d is '%s', expected '%s'", i,
                           found->texts[i], expected->texts[i]);
    if (expected->count != found->count)
        return ls_fail(error, LS_INVALID, "its vocabulary has %d tokens, expected %d", found->count,
                       expected->count);
    return LS_OK;
}

void ls_vocabulary_clear(struct ls_vocabulary *vocabulary) {
    for (int i = 0; i < vocabulary->count; i++)
        free(vocabulary->texts[i]);
    free(vocabulary->texts);
    free(vocabulary->sorted);
    *vocabulary = (struct ls_vocabulary){0};
}
