/* Translation: each line of standard input, and what it becomes by beam search. */
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/command/generate.h"
#include "launcher/worker/translator.h"

enum { INPUT_MAX = 1 << 30 };
#define INPUT "/dev/stdin"

/* The lines of some bytes; owned by the caller. */
static struct ls_text_part *split(const char *bytes, uint64_t count, uint64_t *lines) {
    uint64_t rows = 0;
    for (uint64_t i = 0; i < count; i++)
        rows += bytes[i] == '\n';
    struct ls_text_part *parts = ls_calloc(rows + 1, sizeof *parts);
    *lines = 0;
    for (uint64_t at = 0, end; at < count; at = end + 1) {
        const char *found = memchr(bytes + at, '\n', count - at);
        end = found ? (uint64_t)(found - bytes) : count;
        const bool carriage = end > at && bytes[end - 1] == '\r';
        parts[(*lines)++] = (struct ls_text_part){at, end - at - carriage};
    }
    return parts;
}

static enum ls_status read_lines(struct ls_sentences *sentences, const struct ls_vocabulary *words,
                                 struct ls_error *error) {
    struct ls_text text = {.name = "standard input"};
    char *bytes;
    enum ls_status status = ls_file_read(INPUT, INPUT_MAX, &bytes, &text.count, error);
    if (status != LS_OK)
        return status;
    struct ls_text_part *parts = split(bytes, text.count, &text.part_count);
    text.bytes = bytes;
    text.parts = parts;
    sentences->count = (int64_t)text.part_count;
    sentences->ends = ls_calloc(text.part_count + 1, sizeof *sentences->ends);
    if (sentences->count)
        status =
            ls_vocabulary_encode_parts(words, &text, &sentences->tokens, sentences->ends, error);
    free(parts);
    free(bytes);
    return status;
}

static enum ls_status build(struct ls_generator *generator,
                            const struct ls_translation *translation, int width,
                            struct ls_translator *translator, struct ls_error *error) {
    struct ls_feed feeds[LS_FEEDS_MAX];
    const struct ls_generator_options options = {.feeds = feeds,
                                                 .feed_count =
                                                     ls_translation_feeds(translation, feeds),
                                                 .rows = ls_translator_rows(width)};
    const enum ls_status status = ls_generator_build(generator, &options, error);
    return status == LS_OK
               ? ls_translator_create(translator, translation, &generator->model, width, error)
               : status;
}

/* What the model cannot read of a sentence is said. */
static void say_cuts(const struct ls_translation *translation,
                     const struct ls_sentences *sentences) {
    const int64_t room = ls_translation_room(translation);
    for (int64_t i = 0; i < sentences->count; i++) {
        const int64_t tokens = ls_sentence_length(sentences, i);
        if (tokens > room)
            ls_log(LS_LOG_WARNING,
                   "standard input:%lld: the sentence has %lld tokens, of which the model reads "
                   "the first %lld",
                   (long long)i + 1, (long long)tokens, (long long)room);
    }
}

static void translate(struct ls_translator *translator, const struct ls_sentences *sentences) {
    for (int64_t first = 0; first < sentences->count; first += LS_SENTENCES_AT_ONCE) {
        const int64_t left = sentences->count - first;
        const int count = left < LS_SENTENCES_AT_ONCE ? (int)left : LS_SENTENCES_AT_ONCE;
        ls_translator_run(translator, sentences, first, count);
        for (int i = 0; i < count; i++) {
            ls_translator_print(translator, i, stdout);
            printf("\n");
        }
        fflush(stdout);
    }
}

enum ls_status ls_generate_translation(struct ls_generator *generator, const char *run,
                                       const struct ls_generate_options *wanted,
                                       struct ls_error *error) {
    struct ls_translation translation;
    struct ls_translator translator = {0};
    struct ls_sentences sentences = {0};
    enum ls_status status = ls_translation_find(&translation, &generator->run.config, run, error);
    if (status == LS_OK)
        status = ls_translation_load(&translation, run, error);
    if (status == LS_OK)
        status = build(generator, &translation, (int)wanted->beams, &translator, error);
    if (status == LS_OK)
        status = read_lines(&sentences, &translation.source_words, error);
    if (status == LS_OK) {
        say_cuts(&translation, &sentences);
        translate(&translator, &sentences);
    }
    ls_sentences_clear(&sentences);
    ls_translator_clear(&translator);
    ls_translation_clear(&translation);
    return status;
}
