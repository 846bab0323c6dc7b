/* Texts cut into units, and units numbered. */
#include "io/vocabulary.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/csv.h"
#include "io/utf8.h"

const char *const ls_text_units[] = {
    [LS_UNIT_CHAR] = "char", [LS_UNIT_BYTE] = "byte", [LS_UNIT_WORD] = "word", NULL};

static const char *const specials[] = {"<padding>", "<begin>", "<end>", "<unknown>", "<mask>"};

/* A unit in a text: `length` bytes from `at` on. */
struct unit {
    uint64_t at;
    size_t length;
};

static bool is_letter(unsigned char byte) {
    return isalnum(byte) || byte == '\'' || byte >= 0x80;
}

/* The place of a byte, for errors. */
static struct ls_csv_place place_of(const struct ls_text *text, uint64_t at) {
    struct ls_csv_place place = {1, 1};
    for (uint64_t i = 0; i < at; i++) {
        place.column += (text->bytes[i] & 0xC0) != 0x80;
        if (text->bytes[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

/* The part of a text; without parts it is one. */
static struct ls_text_part part_at(const struct ls_text *text, uint64_t part) {
    return text->parts ? text->parts[part] : (struct ls_text_part){0, text->count};
}

static uint64_t parts_of(const struct ls_text *text) {
    return text->parts ? text->part_count : 1;
}

/* The next unit of a part, behind *unit (of length 0: the first); false at the end or (with error
 * set) at what is no character. */
static bool next_unit(int kind, const struct ls_text *text, struct ls_text_part part,
                      struct unit *unit, enum ls_status *status, struct ls_error *error) {
    const unsigned char *bytes = (const unsigned char *)text->bytes;
    const uint64_t end = part.at + part.count;
    uint64_t at = unit->length ? unit->at + unit->length : part.at;
    while (kind == LS_UNIT_WORD && at < end && strchr(" \t\r\v\f", bytes[at]) && bytes[at])
        at++;
    if (at >= end)
        return false;
    *unit = (struct unit){at, 1};
    if (kind == LS_UNIT_BYTE)
        return true;
    size_t length = ls_utf8_length(bytes + at, end - at);
    const bool word = kind == LS_UNIT_WORD && is_letter(bytes[at]);
    while (word && length && at + length < end && is_letter(bytes[at + length])) {
        const size_t more = ls_utf8_length(bytes + at + length, end - at - length);
        length = more ? length + more : 0;
    }
    unit->length = length;
    if (length)
        return true;
    *status = ls_csv_fail(error, text->name, place_of(text, at),
                          "expected text in UTF-8 without NUL bytes, found the byte 0x%02X; "
                          "--unit byte takes any file",
                          bytes[at]);
    return false;
}

/* Distinct units of a text and how often they come: a hash table with open addressing. */
struct counted {
    struct unit unit;
    uint64_t times; /* 0: free */
};

struct counts {
    const struct ls_text *text;
    struct counted *slots; /* [room] owned; room is a power of two */
    uint64_t room, used;
};

static struct counted *find_slot(const struct counts *counts, struct unit unit) {
    const char *bytes = counts->text->bytes;
    uint64_t at = 0;
    for (size_t i = 0; i < unit.length; i++)
        at = (at ^ (unsigned char)bytes[unit.at + i]) * 0x100000001B3u; /* FNV-1 */
    for (at ^= at >> 29;; at++) {
        struct counted *slot = &counts->slots[at & (counts->room - 1)];
        if (!slot->times || (slot->unit.length == unit.length &&
                             !memcmp(bytes + slot->unit.at, bytes + unit.at, unit.length)))
            return slot;
    }
}

static void grow(struct counts *counts) {
    const struct counts old = *counts;
    counts->room = old.room ? 2 * old.room : 1024;
    counts->slots = ls_calloc(counts->room, sizeof *counts->slots);
    for (uint64_t i = 0; i < old.room; i++)
        if (old.slots[i].times)
            *find_slot(counts, old.slots[i].unit) = old.slots[i];
    free(old.slots);
}

static void count_unit(struct counts *counts, struct unit unit) {
    if (2 * counts->used >= counts->room)
        grow(counts);
    struct counted *slot = find_slot(counts, unit);
    counts->used += !slot->times;
    slot->unit = unit;
    slot->times++;
}

static int compare_bytes(const struct ls_text *text, struct unit a, struct unit b) {
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const int order = memcmp(text->bytes + a.at, text->bytes + b.at, shorter);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int by_bytes(const void *a, const void *b, void *text) {
    return compare_bytes(text, ((const struct counted *)a)->unit,
                         ((const struct counted *)b)->unit);
}

static int by_times(const void *a, const void *b, void *text) {
    const uint64_t x = ((const struct counted *)a)->times, y = ((const struct counted *)b)->times;
    return x != y ? (x < y) - (x > y) : by_bytes(a, b, text);
}

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

static enum ls_status fill(struct ls_vocabulary *vocabulary,
                           const struct ls_vocabulary_options *options, const struct ls_text *text,
                           struct ls_error *error) {
    struct counts counts = {.text = text};
    enum ls_status status = LS_OK;
    for (uint64_t part = 0; part < parts_of(text) && status == LS_OK; part++) {
        struct unit unit = {0};
        while (next_unit(options->unit, text, part_at(text, part), &unit, &status, error))
            count_unit(&counts, unit);
    }
    struct counted *all = ls_calloc(counts.used + 1, sizeof *all);
    uint64_t count = 0;
    for (uint64_t i = 0; i < counts.room; i++)
        if (counts.slots[i].times)
            all[count++] = counts.slots[i];
    const bool words = options->unit == LS_UNIT_WORD;
    qsort_r(all, count, sizeof *all, words ? by_times : by_bytes, (void *)(uintptr_t)text);
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
    free(counts.slots);
    return status;
}

enum ls_status ls_vocabulary_build(struct ls_vocabulary *vocabulary,
                                   const struct ls_vocabulary_options *options,
                                   const struct ls_text *text, struct ls_error *error) {
    *vocabulary = (struct ls_vocabulary){.unit = options->unit, .special = options->special};
    vocabulary->texts = ls_calloc(256 + LS_TOKENS_SPECIAL, sizeof *vocabulary->texts);
    for (int i = 0; i < LS_TOKENS_SPECIAL && options->special; i++)
        add_text(vocabulary, specials[i], strlen(specials[i]));
    enum ls_status status = LS_OK;
    if (options->unit == LS_UNIT_BYTE)
        fill_bytes(vocabulary);
    else
        status = fill(vocabulary, options, text, error);
    ls_vocabulary_sort(vocabulary);
    if (status != LS_OK)
        ls_vocabulary_clear(vocabulary);
    return status;
}

/* The id of a unit, or -1. */
static int32_t find_id(const struct ls_vocabulary *vocabulary, const char *bytes, size_t length) {
    if (vocabulary->unit == LS_UNIT_BYTE)
        return (vocabulary->special ? LS_TOKENS_SPECIAL : 0) + (unsigned char)bytes[0];
    int low = 0, high = vocabulary->count;
    while (low < high) {
        const int middle = (low + high) / 2, id = vocabulary->sorted[middle];
        const char *text = vocabulary->texts[id];
        int order = strncmp(text, bytes, length);
        if (!order)
            order = text[length] != '\0';
        if (!order) /* no unit is called like a special token */
            return id;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static enum ls_status encode_part(const struct ls_vocabulary *vocabulary,
                                  const struct ls_text *text, uint64_t part, int32_t *tokens,
                                  uint64_t *count, struct ls_error *error) {
    struct unit unit = {0};
    enum ls_status status = LS_OK;
    while (status == LS_OK &&
           next_unit(vocabulary->unit, text, part_at(text, part), &unit, &status, error)) {
        int32_t id = find_id(vocabulary, text->bytes + unit.at, unit.length);
        if (id < 0 && vocabulary->special)
            id = LS_TOKEN_UNKNOWN;
        if (id < 0)
            status = ls_csv_fail(error, text->name, place_of(text, unit.at),
                                 "'%.*s' is not in the vocabulary that the text is read with "
                                 "(%d %ss)",
                                 (int)unit.length, text->bytes + unit.at, vocabulary->count,
                                 ls_text_units[vocabulary->unit]);
        tokens[(*count)++] = id;
    }
    return status;
}

enum ls_status ls_vocabulary_encode_parts(const struct ls_vocabulary *vocabulary,
                                          const struct ls_text *text, int32_t **tokens,
                                          int64_t *ends, struct ls_error *error) {
    enum ls_status status = LS_OK;
    uint64_t count = 0;
    *tokens = ls_calloc(text->count + 1, sizeof **tokens);
    for (uint64_t part = 0; part < parts_of(text) && status == LS_OK; part++) {
        status = encode_part(vocabulary, text, part, *tokens, &count, error);
        ends[part] = (int64_t)count;
    }
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

void ls_vocabulary_print(FILE *out, const struct ls_vocabulary *vocabulary, const int32_t *tokens,
                         uint64_t count) {
    const char *before = "\n";
    for (uint64_t i = 0; i < count; i++) {
        const int32_t id = tokens[i];
        if (vocabulary->special && id >= 0 && id < LS_TOKENS_SPECIAL)
            continue;
        const bool known = id >= 0 && id < vocabulary->count;
        const char *text = known ? vocabulary->texts[id] : "<?>";
        if (vocabulary->unit == LS_UNIT_WORD && before[0] != '\n' && !strchr(".,;:!?)\n", text[0]))
            fputc(' ', out);
        if (vocabulary->unit == LS_UNIT_BYTE && known)
            fputc(id - (vocabulary->special ? LS_TOKENS_SPECIAL : 0), out);
        else
            fputs(text, out);
        before = text;
    }
}

enum ls_status ls_vocabulary_compare(const struct ls_vocabulary *expected,
                                     const struct ls_vocabulary *found, struct ls_error *error) {
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
