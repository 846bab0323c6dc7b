/* A text to tokens, in the smallest integers that hold them: one stream, /text [L], or rows of
 * different lengths, /text [total] and /text.ends [rows]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset.h"
#include "io/file.h"
#include "io/import_internal.h"

enum { BLOCK_TOKENS = 1 << 20 };

static enum ls_status find_vocabulary(struct ls_vocabulary *vocabulary, const char *path,
                                      const char *column, bool *found, struct ls_error *error) {
    return ls_path_ends(path, ".json")
               ? ls_vocabularies_load(vocabulary, path, column, found, error)
               : ls_vocabulary_load(vocabulary, path, column, found, error);
}

enum ls_status ls_import_is_taught(const struct ls_import *import, const char *column, bool *taught,
                                   struct ls_error *error) {
    struct ls_vocabulary vocabulary = {0};
    *taught = false;
    if (!import->vocabulary[0])
        return LS_OK;
    const enum ls_status status =
        find_vocabulary(&vocabulary, import->vocabulary, column, taught, error);
    ls_vocabulary_clear(&vocabulary);
    return status;
}

/* Another text's: of an imported file, or what a run keeps. Units that were asked for must be its.
 */
static enum ls_status load_vocabulary(struct ls_vocabulary *vocabulary,
                                      const struct ls_import *import, const char *column,
                                      struct ls_error *error) {
    const char *path = import->vocabulary;
    bool found;
    const enum ls_status status = find_vocabulary(vocabulary, path, column, &found, error);
    if (status == LS_OK && !found)
        return ls_fail(error, LS_INVALID, "--vocabulary: %s has none for %s", path, column);
    if (status == LS_OK && import->unit_given && import->unit != vocabulary->unit)
        return ls_fail(error, LS_INVALID, "--unit %s: the vocabulary of %s has %ss",
                       ls_text_units[import->unit], path, ls_text_units[vocabulary->unit]);
    if (status == LS_OK && import->lower && !vocabulary->lower)
        return ls_fail(error, LS_INVALID, "--lower: the vocabulary of %s has capitals, too", path);
    if (status == LS_OK && import->special && !vocabulary->special)
        return ls_fail(error, LS_INVALID, "--special: the vocabulary of %s has no special tokens",
                       path);
    return status;
}

enum ls_status ls_import_tokens_check(const struct ls_import *import, struct ls_error *error) {
    if (import->words && import->bpe)
        return ls_fail(error, LS_INVALID,
                       "--words beside --bpe: tokens are words or pieces of them; choose one");
    if (import->words && (import->unit != LS_UNIT_WORD || !import->special))
        return ls_fail(
            error, LS_INVALID,
            "--words needs --unit word, and --special: words left out become the unknown "
            "token");
    const bool pieces = import->unit == LS_UNIT_PIECE, taught = import->vocabulary[0];
    if (import->bpe && (!pieces || !import->special))
        return ls_fail(error, LS_INVALID,
                       "--bpe needs --unit piece, and --special: characters that are no piece "
                       "become the unknown token");
    if (pieces && !taught && !import->bpe)
        return ls_fail(error, LS_INVALID,
                       "--unit piece needs --bpe N, or --vocabulary: how many pieces there are");
    if (taught && (import->words || import->bpe))
        return ls_fail(error, LS_INVALID,
                       "--%s beside --vocabulary: the vocabulary says which words there are",
                       import->words ? "words" : "bpe");
    return LS_OK;
}

static enum ls_kind kind_for(int limit) {
    return limit <= 256 ? LS_KIND_U8 : limit <= 65536 ? LS_KIND_U16 : LS_KIND_I32;
}

static void narrow(enum ls_kind kind, const int32_t *tokens, uint64_t count, void *to) {
    for (uint64_t i = 0; i < count; i++)
        if (kind == LS_KIND_U8)
            ((uint8_t *)to)[i] = (uint8_t)tokens[i];
        else if (kind == LS_KIND_U16)
            ((uint16_t *)to)[i] = (uint16_t)tokens[i];
        else
            ((int32_t *)to)[i] = tokens[i];
}

static enum ls_status write_tokens(struct ls_writer *writer, int to, enum ls_kind kind,
                                   const int32_t *tokens, uint64_t count, struct ls_error *error) {
    enum ls_status status = LS_OK;
    void *block = ls_calloc(BLOCK_TOKENS, sizeof *tokens);
    for (uint64_t at = 0; at < count && status == LS_OK; at += BLOCK_TOKENS) {
        const uint64_t some = count - at < BLOCK_TOKENS ? count - at : BLOCK_TOKENS;
        narrow(kind, tokens + at, some, block);
        status = ls_writer_put(writer, to, at, some, block, error);
    }
    free(block);
    return status;
}

static enum ls_status write_column(struct ls_writer *writer, const char *column,
                                   const struct ls_vocabulary *vocabulary, const int32_t *tokens,
                                   uint64_t count, struct ls_error *error) {
    const enum ls_kind kind = kind_for(vocabulary->count);
    int to;
    enum ls_status status =
        ls_writer_add(writer, column, kind, count, (struct ls_shape){0}, &to, error);
    if (status == LS_OK)
        status = write_tokens(writer, to, kind, tokens, count, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, to, "vocabulary", (const char *const *)vocabulary->texts,
                                 vocabulary->count, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, to, "unit", &ls_text_units[vocabulary->unit], 1, error);
    static const char *const yes = "true";
    if (status == LS_OK && vocabulary->lower)
        status = ls_writer_texts(writer, to, "lower", &yes, 1, error);
    return status;
}

static enum ls_status write_ends(struct ls_writer *writer, const char *column, const int64_t *ends,
                                 uint64_t rows, struct ls_error *error) {
    char name[LS_TEXT_MAX + 8];
    int to;
    snprintf(name, sizeof name, "%.*s.ends", LS_TEXT_MAX - 1, column);
    const enum ls_status status =
        ls_writer_add(writer, name, LS_KIND_I64, rows, (struct ls_shape){0}, &to, error);
    return status == LS_OK ? ls_writer_put(writer, to, 0, rows, ends, error) : status;
}

enum ls_status ls_import_tokens(const struct ls_import *import, struct ls_writer *writer,
                                const char *column, const struct ls_text *text,
                                struct ls_error *error) {
    struct ls_vocabulary vocabulary = {0};
    const struct ls_vocabulary_options options = {.unit = import->unit,
                                                  .special = import->special,
                                                  .lower = import->lower,
                                                  .words =
                                                      import->bpe ? import->bpe : import->words};
    enum ls_status status = import->vocabulary[0]
                                ? load_vocabulary(&vocabulary, import, column, error)
                                : ls_vocabulary_build(&vocabulary, &options, text, error);
    int32_t *tokens = NULL;
    const uint64_t rows = text->parts ? text->part_count : 1;
    int64_t *ends = ls_calloc(rows, sizeof *ends);
    if (status == LS_OK)
        status = ls_vocabulary_encode_parts(&vocabulary, text, &tokens, ends, error);
    const uint64_t count = (uint64_t)ends[rows - 1];
    if (status == LS_OK && !count)
        status = ls_fail(error, LS_INVALID, "%s: no text in it", text->name);
    if (status == LS_OK)
        status = write_column(writer, column, &vocabulary, tokens, count, error);
    if (status == LS_OK && text->parts)
        status = write_ends(writer, column, ends, rows, error);
    free(ends);
    free(tokens);
    ls_vocabulary_clear(&vocabulary);
    return status;
}

enum ls_status ls_import_as_written(struct ls_writer *writer, const char *column,
                                    const struct ls_text *text, struct ls_error *error) {
    char name[LS_TEXT_MAX + 8], *bytes = ls_calloc(text->count + 1, 1);
    int64_t *ends = ls_calloc(text->part_count, sizeof *ends);
    uint64_t used = 0;
    int to;
    for (uint64_t i = 0; i < text->part_count; i++) {
        const struct ls_text_part part = text->parts[i];
        memcpy(bytes + used, text->bytes + part.at, part.count);
        ends[i] = (int64_t)(used += part.count);
    }
    snprintf(name, sizeof name, "%.*s%s", LS_TEXT_MAX - 1, column, LS_COLUMN_TEXT);
    enum ls_status status =
        ls_writer_add(writer, name, LS_KIND_U8, used, (struct ls_shape){0}, &to, error);
    if (status == LS_OK)
        status = ls_writer_put(writer, to, 0, used, bytes, error);
    if (status == LS_OK)
        status = write_ends(writer, name, ends, text->part_count, error);
    free(ends);
    free(bytes);
    return status;
}

bool ls_text_next_line(const struct ls_text *text, struct ls_text_part *line) {
    const uint64_t at = line->at + line->count;
    if (at >= text->count)
        return false;
    const char *end = memchr(text->bytes + at, '\n', text->count - at);
    *line =
        (struct ls_text_part){at, end ? (uint64_t)(end - text->bytes) + 1 - at : text->count - at};
    return true;
}

struct ls_text_part ls_text_trim(const struct ls_text *text, struct ls_text_part line) {
    while (line.count && strchr("\r\n", text->bytes[line.at + line.count - 1]) &&
           text->bytes[line.at + line.count - 1])
        line.count--;
    return line;
}

/* The lines of a text that hold something; owned by the caller. */
static void find_lines(struct ls_text *text, struct ls_text_part **lines) {
    struct ls_text_part line = {0};
    uint64_t room = 0;
    *lines = NULL;
    while (ls_text_next_line(text, &line)) {
        const struct ls_text_part bare = ls_text_trim(text, line);
        if (text->part_count == room) {
            room = room ? 2 * room : 1024;
            *lines = ls_realloc(*lines, room, sizeof **lines);
        }
        if (bare.count)
            (*lines)[text->part_count++] = bare;
    }
    text->parts = *lines;
}

enum ls_status ls_import_text(const struct ls_import *import, struct ls_writer *writer,
                              struct ls_error *error) {
    if (import->file_count != 1)
        return ls_fail(error, LS_INVALID, "text: expected one file, found %d", import->file_count);
    char *bytes;
    struct ls_text text = {.name = import->files[0]};
    struct ls_text_part *lines = NULL;
    enum ls_status status =
        ls_stream_read_all(text.name, LS_IMPORT_BYTES_MAX, &bytes, &text.count, error);
    if (status != LS_OK)
        return status;
    text.bytes = bytes;
    if (import->lines)
        find_lines(&text, &lines);
    if (import->lines && !text.part_count)
        status = ls_fail(error, LS_INVALID, "%s: no text in it", text.name);
    if (status == LS_OK)
        status = ls_import_tokens(import, writer, "/text", &text, error);
    free(lines);
    free(bytes);
    return status;
}
