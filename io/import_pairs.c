/* Lines of fields between tabs to two ragged columns of tokens, /source and /target: a row of each
 * for a line, words of their own vocabularies; and to their texts as they are. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"
#include "io/csv.h"
#include "io/import_internal.h"

enum { SIDES = 2, COLUMNS_MAX = 1000 };

/* The parts of one text that a side takes. */
struct side {
    int column;                 /* field of the line, from 0 */
    struct ls_text_part *parts; /* [count] owned */
    uint64_t count, room;
};

/* "1,2" */
static enum ls_status read_columns(const char *text, struct side sides[SIDES],
                                   struct ls_error *error) {
    const char *at = text;
    for (int i = 0; i < SIDES; i++) {
        char *end;
        const long column = strtol(at, &end, 10);
        const char expected = i + 1 < SIDES ? ',' : '\0';
        if (end == at || *end != expected || column < 1 || column > COLUMNS_MAX)
            return ls_fail(error, LS_INVALID,
                           "--columns: expected two numbers from 1 to %d, like 1,2; found '%s'",
                           COLUMNS_MAX, text);
        sides[i].column = (int)column - 1;
        at = end + 1;
    }
    if (sides[0].column != sides[1].column)
        return LS_OK;
    return ls_fail(error, LS_INVALID, "--columns: source and target are both column %d",
                   sides[0].column + 1);
}

/* Field `column` of a line; false: there are fewer. */
static bool find_field(const struct ls_text *text, struct ls_text_part line, int column,
                       struct ls_text_part *field) {
    uint64_t at = line.at, end = line.at + line.count;
    for (int i = 0; i < column; i++) {
        const char *tab = memchr(text->bytes + at, '\t', end - at);
        if (!tab)
            return false;
        at = (uint64_t)(tab - text->bytes) + 1;
    }
    const char *tab = memchr(text->bytes + at, '\t', end - at);
    *field = (struct ls_text_part){at, tab ? (uint64_t)(tab - text->bytes) - at : end - at};
    return true;
}

/* Whether there is more in it than blanks. */
static bool holds_text(const struct ls_text *text, struct ls_text_part field) {
    const unsigned char *bytes = (const unsigned char *)text->bytes + field.at;
    uint64_t at = 0;
    for (size_t blank; (blank = ls_utf8_blank(bytes + at, field.count - at)) > 0;)
        at += blank;
    return at < field.count;
}

static void append(struct side *side, struct ls_text_part part) {
    if (side->count == side->room) {
        side->room = side->room ? 2 * side->room : 1024;
        side->parts = ls_realloc(side->parts, side->room, sizeof *side->parts);
    }
    side->parts[side->count++] = part;
}

/* Each line that holds something has both fields. */
static enum ls_status cut_lines(const struct ls_text *text, struct side sides[SIDES],
                                struct ls_error *error) {
    struct ls_text_part line = {0};
    for (int64_t number = 1; ls_text_next_line(text, &line); number++) {
        const struct ls_text_part bare = ls_text_trim(text, line);
        for (int i = 0; i < SIDES && bare.count; i++) {
            struct ls_text_part field;
            if (!find_field(text, bare, sides[i].column, &field) || !holds_text(text, field))
                return ls_csv_fail(error, text->name, (struct ls_csv_place){number, 1},
                                   "expected a text in column %d (fields end at tabs), found none",
                                   sides[i].column + 1);
            append(&sides[i], field);
        }
    }
    return sides[0].count ? LS_OK : ls_fail(error, LS_INVALID, "%s: no pairs in it", text->name);
}

enum ls_status ls_import_pairs(const struct ls_import *import, struct ls_writer *writer,
                               struct ls_error *error) {
    static const char *const columns[SIDES] = {"/source", "/target"};
    struct side sides[SIDES] = {{0}};
    if (import->file_count != 1)
        return ls_fail(error, LS_INVALID, "pairs: expected one file, found %d", import->file_count);
    char *bytes = NULL;
    struct ls_text text = {.name = import->files[0]};
    enum ls_status status =
        read_columns(import->columns[0] ? import->columns : "1,2", sides, error);
    if (status == LS_OK)
        status = ls_stream_read_all(text.name, LS_IMPORT_BYTES_MAX, &bytes, &text.count, error);
    text.bytes = bytes;
    if (status == LS_OK)
        status = cut_lines(&text, sides, error);
    for (int i = 0; i < SIDES && status == LS_OK; i++) {
        text.parts = sides[i].parts;
        text.part_count = sides[i].count;
        status = ls_import_tokens(import, writer, columns[i], &text, error);
        if (status == LS_OK)
            status = ls_import_as_written(writer, columns[i], &text, error);
    }
    for (int i = 0; i < SIDES; i++)
        free(sides[i].parts);
    free(bytes);
    return status;
}
