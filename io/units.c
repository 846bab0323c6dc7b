/* Cutting texts, and counting what comes out. */
#include "io/units.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"

struct ls_csv_place ls_text_place(const struct ls_text *text, uint64_t at) {
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

struct ls_text_part ls_text_part_at(const struct ls_text *text, uint64_t part) {
    return text->parts ? text->parts[part] : (struct ls_text_part){0, text->count};
}

uint64_t ls_text_parts(const struct ls_text *text) {
    return text->parts ? text->part_count : 1;
}

/* Blanks separate words; a line's end is one. */
static size_t blank_at(const unsigned char *bytes, uint64_t at, uint64_t end) {
    return at < end && bytes[at] != '\n' ? ls_utf8_blank(bytes + at, end - at) : 0;
}

/* The character at `at`, 0 at the end and at what is none, and its bytes. */
static uint32_t character_at(const unsigned char *bytes, uint64_t at, uint64_t end,
                             size_t *length) {
    *length = at < end ? ls_utf8_length(bytes + at, end - at) : 0;
    return *length ? ls_utf8_code(bytes + at, *length) : 0;
}

/* Bytes of a word that begins with a character of so many: letters and digits, and the apostrophe
 * that ends them (l'homme: l' and homme). */
static size_t word_length(const unsigned char *bytes, uint64_t at, uint64_t end, size_t length) {
    const uint64_t begin = at;
    uint32_t code = ls_utf8_code(bytes + at, length);
    if (!ls_utf8_in_word(code))
        return length;
    while (length && ls_utf8_in_word(code)) {
        at += length;
        code = character_at(bytes, at, end, &length);
    }
    return (size_t)(at - begin) + (code == '\'' || code == 0x2019 ? length : 0);
}

bool ls_unit_next(int kind, const struct ls_text *text, struct ls_text_part part,
                  struct ls_unit *unit, enum ls_status *status, struct ls_error *error) {
    const unsigned char *bytes = (const unsigned char *)text->bytes;
    const uint64_t end = part.at + part.count;
    const bool words = kind == LS_UNIT_WORD || kind == LS_UNIT_PIECE;
    uint64_t at = unit->length ? unit->at + unit->length : part.at;
    for (size_t blank; words && (blank = blank_at(bytes, at, end)) > 0;)
        at += blank;
    if (at >= end)
        return false;
    *unit = (struct ls_unit){at, 1};
    if (kind == LS_UNIT_BYTE)
        return true;
    const size_t length = ls_utf8_length(bytes + at, end - at);
    unit->length = length && words ? word_length(bytes, at, end, length) : length;
    if (length)
        return true;
    *status = ls_csv_fail(error, text->name, ls_text_place(text, at),
                          "expected text in UTF-8 without NUL bytes, found the byte 0x%02X; "
                          "--unit byte takes any file",
                          bytes[at]);
    return false;
}

/* Distinct units of a text: a hash table with open addressing. */
struct counts {
    const struct ls_text *text;
    struct ls_counted_unit *slots; /* [room] owned; room is a power of two; times 0: free */
    uint64_t room, used;
};

static struct ls_counted_unit *find_slot(const struct counts *counts, struct ls_unit unit) {
    const char *bytes = counts->text->bytes;
    uint64_t at = 0;
    for (size_t i = 0; i < unit.length; i++)
        at = (at ^ (unsigned char)bytes[unit.at + i]) * 0x100000001B3u; /* FNV-1 */
    for (at ^= at >> 29;; at++) {
        struct ls_counted_unit *slot = &counts->slots[at & (counts->room - 1)];
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

static void count_unit(struct counts *counts, struct ls_unit unit) {
    if (2 * counts->used >= counts->room)
        grow(counts);
    struct ls_counted_unit *slot = find_slot(counts, unit);
    counts->used += !slot->times;
    slot->unit = unit;
    slot->times++;
}

static int compare_bytes(const void *a, const void *b, void *text) {
    const struct ls_unit x = ((const struct ls_counted_unit *)a)->unit,
                         y = ((const struct ls_counted_unit *)b)->unit;
    const char *bytes = ((const struct ls_text *)text)->bytes;
    const int order = memcmp(bytes + x.at, bytes + y.at, x.length < y.length ? x.length : y.length);
    return order ? order : (x.length > y.length) - (x.length < y.length);
}

static int compare_times(const void *a, const void *b, void *text) {
    const uint64_t x = ((const struct ls_counted_unit *)a)->times,
                   y = ((const struct ls_counted_unit *)b)->times;
    return x != y ? (x < y) - (x > y) : compare_bytes(a, b, text);
}

enum ls_status ls_units_count(int kind, bool by_times, const struct ls_text *text,
                              struct ls_counted_unit **units, uint64_t *count,
                              struct ls_error *error) {
    struct counts counts = {.text = text};
    enum ls_status status = LS_OK;
    for (uint64_t part = 0; part < ls_text_parts(text) && status == LS_OK; part++) {
        struct ls_unit unit = {0};
        while (ls_unit_next(kind, text, ls_text_part_at(text, part), &unit, &status, error))
            count_unit(&counts, unit);
    }
    struct ls_counted_unit *all = ls_calloc(counts.used + 1, sizeof *all);
    *count = 0;
    for (uint64_t i = 0; i < counts.room; i++)
        if (counts.slots[i].times)
            all[(*count)++] = counts.slots[i];
    qsort_r(all, *count, sizeof *all, by_times ? compare_times : compare_bytes,
            (void *)(uintptr_t)text);
    free(counts.slots);
    *units = all;
    return status;
}
