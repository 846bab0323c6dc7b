#include "io/csv.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/utf8.h"

/* libcsv says what a field holds but not where it was, so it is fed piece by piece, each ending
 * with a byte that may end a field: a callback then means that the field ended there. */
struct walk {
    const struct ls_csv *csv;
    struct ls_csv_place at;    /* of the next byte */
    struct ls_csv_place start; /* of the field being read */
    bool field_ended;
    int count, room;
    struct ls_csv_field *fields; /* [room] owned; text: offset until the record is complete */
    size_t *offsets;             /* [room] owned: where each field's text starts */
    char *text;                  /* owned: the record's fields, each with NUL */
    size_t text_bytes, text_room;
    int64_t records;
    enum ls_status status;
    struct ls_error *error;
};

enum ls_status ls_csv_fail(struct ls_error *error, const char *path, struct ls_csv_place place,
                           const char *format, ...) {
    char text[LS_ERROR_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ls_fail(error, LS_INVALID, "%s:%lld:%lld: error: %s", path, (long long)place.line,
                   (long long)place.column, text);
}

static void field_ended(void *bytes, size_t count, void *context) {
    struct walk *walk = context;
    if (walk->count == walk->room) {
        walk->room = walk->room ? 2 * walk->room : 64;
        walk->fields = ls_realloc(walk->fields, (size_t)walk->room, sizeof *walk->fields);
        walk->offsets = ls_realloc(walk->offsets, (size_t)walk->room, sizeof *walk->offsets);
    }
    if (walk->text_bytes + count + 1 > walk->text_room) {
        walk->text_room = 2 * (walk->text_bytes + count + 1);
        walk->text = ls_realloc(walk->text, walk->text_room, 1);
    }
    walk->fields[walk->count].place = walk->start;
    walk->offsets[walk->count++] = walk->text_bytes;
    if (count)
        memcpy(walk->text + walk->text_bytes, bytes, count);
    walk->text[walk->text_bytes + count] = '\0';
    walk->text_bytes += count + 1;
    walk->field_ended = true;
}

static void record_ended(int byte, void *context) {
    (void)byte;
    struct walk *walk = context;
    for (int i = 0; i < walk->count; i++)
        walk->fields[i].text = walk->text + walk->offsets[i];
    const struct ls_csv_record record = {walk->count, walk->fields, walk->at};
    if (walk->status == LS_OK)
        walk->status = walk->csv->record(walk->csv->context, &record, walk->error);
    walk->records++;
    walk->count = 0;
    walk->text_bytes = 0;
}

/* Moves the place over bytes; "\r\n" is one line end, and so is a lone '\r'. */
static void advance(struct walk *walk, const char *bytes, size_t count, char next) {
    for (size_t i = 0; i < count; i++) {
        const char after = i + 1 < count ? bytes[i + 1] : next;
        if (bytes[i] == '\n' || (bytes[i] == '\r' && after != '\n')) {
            walk->at.line++;
            walk->at.column = 1;
        } else if (((unsigned char)bytes[i] & 0xC0) != 0x80) {
            walk->at.column++;
        }
    }
}

/* What libcsv strips around bare fields: blanks that are not the separator. */
static int is_blank(unsigned char byte) {
    return byte == ' ' || byte == '\t';
}

static int is_tab(unsigned char byte) {
    return byte == '\t';
}

static int is_space(unsigned char byte) {
    return byte == ' ';
}

static bool goes_on(const struct walk *walk) {
    return walk->status == LS_OK &&
           (!walk->csv->records_max || walk->records < walk->csv->records_max);
}

static size_t blanks(const char *text, const char *end) {
    size_t count = 0;
    while (text + count < end && is_blank((unsigned char)text[count]))
        count++;
    return count;
}

/* Whether a separator or a line's end at this point belongs to the field. */
static bool in_quotes(const struct csv_parser *parser) {
    enum { BEHIND_CLOSING_QUOTE = 3 }; /* libcsv's pstate */
    return parser->quoted && parser->pstate != BEHIND_CLOSING_QUOTE;
}

static bool feed(struct walk *walk, struct csv_parser *parser, const char *text, size_t count) {
    if (csv_parse(parser, text, count, field_ended, record_ended, walk) == count)
        return true;
    walk->status =
        ls_csv_fail(walk->error, walk->csv->path, walk->start,
                    "a quote inside this field; put the field in quotes and double the quote");
    return false;
}

/* The byte that may end a field. Where blanks separate, a run of them is one separator, and none at
 * the end of a line. Returns how many bytes that was. */
static size_t stop(struct walk *walk, struct csv_parser *parser, const char *text,
                   const char *end) {
    const char separator = walk->csv->separator;
    const bool run = separator == ' ' && is_blank((unsigned char)text[0]) && !in_quotes(parser);
    const size_t count = run ? blanks(text, end) : 1;
    const bool last = run && (text + count == end || strchr("\r\n", text[count]));
    if (!last && !feed(walk, parser, run ? &separator : text, 1))
        return count;
    advance(walk, text, count, text + count < end ? text[count] : '\0');
    if (walk->field_ended || (!run && text[0] != separator && !parser->quoted))
        walk->start = walk->at;
    return count;
}

static void parse(struct walk *walk, struct csv_parser *parser, const char *text, const char *end) {
    const char separator = walk->csv->separator;
    const char stops[4] = {separator, '\n', '\r', separator == ' ' ? '\t' : separator};
    bool line_begins = separator == ' ';
    while (text < end && goes_on(walk)) {
        if (line_begins) { /* blanks in front of the first field */
            const size_t count = blanks(text, end);
            advance(walk, text, count, '\0');
            walk->start = walk->at;
            text += count;
        }
        size_t count = 0;
        while (text + count < end && !memchr(stops, text[count], sizeof stops))
            count++;
        advance(walk, text, count, '\0');
        walk->field_ended = false;
        if (count && !feed(walk, parser, text, count))
            return;
        text += count;
        if (text < end) {
            line_begins = separator == ' ' && strchr("\r\n", text[0]) && !in_quotes(parser);
            text += stop(walk, parser, text, end);
        }
    }
    if (goes_on(walk) && csv_fini(parser, field_ended, record_ended, walk) != 0)
        walk->status = ls_csv_fail(walk->error, walk->csv->path, walk->start,
                                   "the quoted field that starts here is not closed");
}

/* Numbers and words are wrong without a word behind a byte that is no text. */
static enum ls_status check_text(const struct walk *walk, const char *text, const char *end) {
    struct walk look = {.csv = walk->csv, .at = walk->at};
    const unsigned char *bytes = (const unsigned char *)text;
    const uint64_t count = (uint64_t)(end - text);
    for (uint64_t i = 0; i < count;) {
        const size_t length = ls_utf8_length(bytes + i, count - i);
        if (!length && bytes[i])
            return ls_csv_fail(walk->error, walk->csv->path, look.at,
                               "expected text in UTF-8, found the byte 0x%02X; of Latin-1: "
                               "iconv -f LATIN1 -t UTF-8",
                               bytes[i]);
        if (!length)
            return ls_csv_fail(walk->error, walk->csv->path, look.at,
                               "a NUL byte: the file is damaged, or no text");
        advance(&look, text + i, length, i + length < count ? text[i + length] : '\0');
        i += length;
    }
    return LS_OK;
}

/* With or without a byte order mark: one of the first two bytes of ASCII text is 0. */
static bool is_utf16(const struct ls_csv *csv) {
    const unsigned char *bytes = (const unsigned char *)csv->text;
    return csv->bytes >= 4 &&
           ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF) ||
            (!bytes[0] && bytes[1] && !bytes[2] && bytes[3]) ||
            (bytes[0] && !bytes[1] && bytes[2] && !bytes[3]));
}

static const char *skip(struct walk *walk, const char *text, const char *end) {
    for (int64_t line = 0; line < walk->csv->skip_lines && text < end; line++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *next = newline ? newline + 1 : end;
        advance(walk, text, (size_t)(next - text), '\0');
        text = next;
    }
    return text;
}

enum ls_status ls_csv_walk(const struct ls_csv *csv, struct ls_error *error) {
    struct walk walk = {.csv = csv, .at = {1, 1}, .error = error};
    if (is_utf16(csv))
        return ls_csv_fail(error, csv->path, walk.at,
                           "text in UTF-16 (every other byte is NUL); expected UTF-8: iconv -f "
                           "UTF-16 -t UTF-8");
    struct csv_parser parser;
    LS_ASSERT(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0, "libcsv cannot start");
    csv_set_delim(&parser, (unsigned char)csv->separator);
    csv_set_space_func(&parser, csv->separator == ' '    ? is_tab
                                : csv->separator == '\t' ? is_space
                                                         : is_blank);
    const char *text = csv->text, *end = csv->text + csv->bytes;
    if (csv->bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark */
        text += 3;
    text = skip(&walk, text, end);
    walk.start = walk.at;
    walk.status = csv->checked ? LS_OK : check_text(&walk, text, end);
    if (walk.status == LS_OK)
        parse(&walk, &parser, text, end);
    csv_free(&parser);
    free(walk.fields);
    free(walk.offsets);
    free(walk.text);
    return walk.status;
}

void ls_csv_print(FILE *out, const char *text) {
    if (!text[strcspn(text, ",\"\r\n")] && text[0] != ' ') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', out);
}
