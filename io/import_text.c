/* A text to one stream of tokens, /text [L], in the smallest integers that hold them. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/import_internal.h"
#include "io/vocabulary.h"

static const uint64_t TEXT_BYTES_MAX = (uint64_t)1 << 36;
static const char column[] = "/text";
enum { BLOCK_TOKENS = 1 << 20 };

static bool ends_with(const char *text, const char *ending) {
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && !strcmp(text + length - tail, ending);
}

/* Another text's: of an imported file, or what a run keeps. Units that were asked for must be its.
 */
static enum ls_status load_vocabulary(struct ls_vocabulary *vocabulary,
                                      const struct ls_import *import, struct ls_error *error) {
    const char *path = import->vocabulary;
    bool found;
    const enum ls_status status =
        ends_with(path, ".json") ? ls_vocabularies_load(vocabulary, path, column, &found, error)
                                 : ls_vocabulary_load(vocabulary, path, column, &found, error);
    if (status == LS_OK && !found)
        return ls_fail(error, LS_INVALID, "--vocabulary: %s has none for %s", path, column);
    if (status == LS_OK && import->unit_given && import->unit != vocabulary->unit)
        return ls_fail(error, LS_INVALID, "--unit %s: the vocabulary of %s has %ss",
                       ls_text_units[import->unit], path, ls_text_units[vocabulary->unit]);
    if (status == LS_OK && import->special && !vocabulary->special)
        return ls_fail(error, LS_INVALID, "--special: the vocabulary of %s has no special tokens",
                       path);
    return status;
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

static enum ls_status write_tokens(struct ls_writer *writer, const struct ls_vocabulary *vocabulary,
                                   const int32_t *tokens, uint64_t count, struct ls_error *error) {
    const enum ls_kind kind = kind_for(vocabulary->count);
    int to;
    enum ls_status status =
        ls_writer_add(writer, column, kind, count, (struct ls_shape){0}, &to, error);
    void *block = ls_calloc(BLOCK_TOKENS, sizeof *tokens);
    for (uint64_t at = 0; at < count && status == LS_OK; at += BLOCK_TOKENS) {
        const uint64_t some = count - at < BLOCK_TOKENS ? count - at : BLOCK_TOKENS;
        narrow(kind, tokens + at, some, block);
        status = ls_writer_put(writer, to, at, some, block, error);
    }
    free(block);
    if (status == LS_OK)
        status = ls_writer_texts(writer, to, "vocabulary", (const char *const *)vocabulary->texts,
                                 vocabulary->count, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, to, "unit", &ls_text_units[vocabulary->unit], 1, error);
    return status;
}

enum ls_status ls_import_text(const struct ls_import *import, struct ls_writer *writer,
                              struct ls_error *error) {
    if (import->file_count != 1)
        return ls_fail(error, LS_INVALID, "text: expected one file, found %d", import->file_count);
    char *bytes;
    struct ls_text text = {.name = import->files[0]};
    enum ls_status status =
        ls_stream_read_all(text.name, TEXT_BYTES_MAX, &bytes, &text.count, error);
    if (status != LS_OK)
        return status;
    text.bytes = bytes;
    struct ls_vocabulary vocabulary = {0};
    const struct ls_vocabulary_options options = {
        .unit = import->unit, .special = import->special, .words = import->words};
    status = import->vocabulary[0] ? load_vocabulary(&vocabulary, import, error)
                                   : ls_vocabulary_build(&vocabulary, &options, &text, error);
    int32_t *tokens = NULL;
    uint64_t count = 0;
    if (status == LS_OK)
        status = ls_vocabulary_encode(&vocabulary, &text, &tokens, &count, error);
    if (status == LS_OK && !count)
        status = ls_fail(error, LS_INVALID, "%s: no text in it", text.name);
    if (status == LS_OK)
        status = write_tokens(writer, &vocabulary, tokens, count, error);
    free(tokens);
    free(bytes);
    ls_vocabulary_clear(&vocabulary);
    return status;
}
