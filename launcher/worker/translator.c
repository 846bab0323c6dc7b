#include "launcher/worker/translator.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/worker/data.h"

static int64_t first_of(const struct ls_sentences *sentences, int64_t sentence) {
    return sentence ? sentences->ends[sentence - 1] : 0;
}

int64_t ls_sentence_length(const struct ls_sentences *sentences, int64_t sentence) {
    return sentences->ends[sentence] - first_of(sentences, sentence);
}

void ls_sentences_clear(struct ls_sentences *sentences) {
    free(sentences->tokens);
    free(sentences->ends);
    *sentences = (struct ls_sentences){0};
}

/* A feed of tokens that the model itself takes, not a loss. */
static bool is_read(const struct ls_config *config, const struct ls_feed_options *feed) {
    return feed->length && !feed->lengths && ls_networks_take(&config->model, feed->name);
}

enum ls_status ls_translation_find(struct ls_translation *translation,
                                   const struct ls_config *config, const char *what,
                                   struct ls_error *error) {
    int others = 0;
    *translation = (struct ls_translation){0};
    translation->feed_count = ls_config_feeds(config, translation->feeds);
    for (int i = 0; i < translation->feed_count; i++) {
        const struct ls_feed_options *feed = &translation->feeds[i];
        if (!is_read(config, feed))
            continue;
        if (feed->begin && !translation->before)
            translation->before = feed;
        else if (others++ == 0)
            translation->source = feed;
    }
    if (translation->before && translation->source && others == 1)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: a translation needs two feeds of tokens that the model takes: a sentence, "
                   "and what is written of its translation, which has the key begin",
                   what);
}

static enum ls_status load_words(const struct ls_feed_options *feed, const char *run,
                                 struct ls_vocabulary *words, struct ls_error *error) {
    char path[LS_TEXT_MAX];
    bool found = false;
    enum ls_status status = LS_OK;
    if (ls_file_exists(ls_vocabulary_path(run, path)))
        status = ls_vocabularies_load(words, path, feed->column, &found, error);
    if (status == LS_OK && !(found && words->special))
        status = ls_fail(error, LS_INVALID,
                         "%s: the run has no vocabulary with special tokens for the column '%s'",
                         run, feed->column);
    return status;
}

enum ls_status ls_translation_load(struct ls_translation *translation, const char *run,
                                   struct ls_error *error) {
    enum ls_status status = load_words(translation->source, run, &translation->source_words, error);
    if (status == LS_OK)
        status = load_words(translation->before, run, &translation->words, error);
    return status;
}

void ls_translation_clear(struct ls_translation *translation) {
    ls_vocabulary_clear(&translation->source_words);
    ls_vocabulary_clear(&translation->words);
}

int64_t ls_translation_room(const struct ls_translation *translation) {
    const struct ls_feed_options *source = translation->source;
    return source->length - (source->begin > 0); /* where a row is cut, its end goes first */
}

static bool is_source(const struct ls_translation *translation,
                      const struct ls_feed_options *feed) {
    return !strcmp(feed->column, translation->source->column);
}

int ls_translation_feeds(const struct ls_translation *translation, struct ls_feed *feeds) {
    for (int i = 0; i < translation->feed_count; i++) {
        const struct ls_feed_options *feed = &translation->feeds[i];
        feeds[i] = (struct ls_feed){.integer = true};
        memcpy(feeds[i].name, feed->name, sizeof feed->name);
        if (feed->lengths)
            continue;
        feeds[i].shape = LS_SHAPE(feed->length);
        feeds[i].limit = is_source(translation, feed) ? translation->source_words.count
                                                      : translation->words.count;
    }
    return translation->feed_count;
}

int64_t ls_translator_rows(int width) {
    return (int64_t)width * LS_SENTENCES_AT_ONCE;
}

static enum ls_status check_output(const struct ls_translator *translator, struct ls_error *error) {
    const struct ls_shape shape = translator->model->output->shape;
    const int64_t positions = translator->translation->before->length;
    const int words = translator->translation->words.count;
    char text[LS_SHAPE_TEXT_MAX];
    if (shape.rank == 3 && shape.dims[1] == positions && shape.dims[2] == words)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "a translation needs logits of the next word at each position: expected "
                   "%lldx%d outputs, found %s",
                   (long long)positions, words, ls_sample_print(ls_shape_of_row(shape), text));
}

enum ls_status ls_translator_create(struct ls_translator *translator,
                                    const struct ls_translation *translation,
                                    struct ls_model *model, int width, struct ls_error *error) {
    const struct ls_beam_options options = {.beams = width,
                                            .tokens = translation->words.count,
                                            .length_max = translation->before->length,
                                            .end = LS_TOKEN_END,
                                            .first = LS_TOKENS_SPECIAL};
    const int64_t rows = ls_translator_rows(width);
    *translator =
        (struct ls_translator){.translation = translation, .model = model, .width = width};
    const enum ls_status status = check_output(translator, error);
    if (status != LS_OK)
        return status;
    for (int i = 0; i < LS_SENTENCES_AT_ONCE; i++)
        translator->beams[i] = ls_beam_create(&options);
    translator->logits = ls_calloc((size_t)(width * options.tokens), sizeof *translator->logits);
    translator->row_ids = ls_calloc((size_t)rows, sizeof *translator->row_ids);
    for (int64_t i = 0; i < rows; i++)
        translator->row_ids[i] = (uint64_t)i;
    return LS_OK;
}

void ls_translator_clear(struct ls_translator *translator) {
    for (int i = 0; i < LS_SENTENCES_AT_ONCE; i++)
        ls_beam_destroy(translator->beams[i]);
    free(translator->logits);
    free(translator->row_ids);
    *translator = (struct ls_translator){0};
}

/* A row's tokens as the feed cuts or pads them (io/feed.h), or how many they are. */
static void fill(int32_t *to, const struct ls_feed_options *feed, const int32_t *tokens,
                 int64_t count) {
    int64_t used = 0;
    if (feed->lengths) {
        const int64_t all = (feed->begin > 0) + count + (feed->end > 0);
        *to = (int32_t)(all < feed->length ? all : feed->length);
        return;
    }
    if (feed->begin)
        to[used++] = (int32_t)feed->begin;
    for (int64_t i = 0; i < count && used < feed->length; i++)
        to[used++] = tokens[i];
    if (feed->end && used < feed->length)
        to[used++] = (int32_t)feed->end;
    memset(to + used, 0, (size_t)(feed->length - used) * sizeof *to);
}

/* Some sentences that are translated side by side. */
struct group {
    struct ls_translator *translator;
    const struct ls_sentences *sentences;
    int64_t first;
    int active[LS_SENTENCES_AT_ONCE], count; /* those that go on */
    int64_t rows[LS_SENTENCES_AT_ONCE + 1];  /* sequence 0 of the n-th of them is the model's row;
                                                behind the last: how many rows there are */
};

static const struct ls_beam *beam_of(const struct group *group, int n) {
    return group->translator->beams[group->active[n]];
}

/* Sequence s of the n-th sentence, as the model's row. */
static void fill_row(const struct group *group, int n, int s) {
    const struct ls_translation *translation = group->translator->translation;
    const struct ls_model *model = group->translator->model;
    const int64_t row = group->rows[n] + s, sentence = group->first + group->active[n];
    int64_t length;
    const int32_t *written = ls_beam_tokens(beam_of(group, n), s, &length);
    for (int i = 0; i < model->input_count; i++) {
        const struct ls_feed_options *feed = &translation->feeds[model->inputs[i].feed];
        int32_t *data = model->inputs[i].value->data; /* NULL: nobody reads it */
        if (!data)
            continue;
        int32_t *to = data + row * (feed->lengths ? 1 : feed->length);
        if (is_source(translation, feed))
            fill(to, feed, group->sentences->tokens + first_of(group->sentences, sentence),
                 ls_sentence_length(group->sentences, sentence));
        else
            fill(to, feed, written, length);
    }
}

static void forward(struct group *group) {
    for (int n = 0; n < group->count; n++) {
        const int alive = ls_beam_alive(beam_of(group, n));
        group->rows[n + 1] = group->rows[n] + alive;
        for (int s = 0; s < alive; s++)
            fill_row(group, n, s);
    }
    const int64_t rows = group->rows[group->count];
    const struct ls_run run = {.mean_only = true,
                               .rows = rows,
                               .microbatch_rows = rows,
                               .microbatches = 1,
                               .row_ids = group->translator->row_ids};
    ls_graph_forward(group->translator->model->graph, &run, NULL);
}

/* Takes the logits of the next word of a sentence's sequences; false: it has ended. */
static bool step(const struct group *group, int n) {
    struct ls_translator *translator = group->translator;
    struct ls_beam *beam = translator->beams[group->active[n]];
    const float *outputs = translator->model->output->data;
    const int64_t words = translator->translation->words.count;
    const int64_t positions = translator->translation->before->length;
    for (int s = 0; s < ls_beam_alive(beam); s++) {
        int64_t length;
        ls_beam_tokens(beam, s, &length);
        memcpy(translator->logits + s * words,
               outputs + ((group->rows[n] + s) * positions + length) * words,
               (size_t)words * sizeof *outputs);
    }
    return ls_beam_step(beam, translator->logits);
}

void ls_translator_run(struct ls_translator *translator, const struct ls_sentences *sentences,
                       int64_t first, int count) {
    struct group group = {.translator = translator, .sentences = sentences, .first = first};
    for (int i = 0; i < count; i++) {
        ls_beam_begin(translator->beams[i]);
        if (ls_sentence_length(sentences, first + i))
            group.active[group.count++] = i;
    }
    while (group.count) {
        forward(&group);
        int left = 0;
        for (int n = 0; n < group.count; n++)
            if (step(&group, n))
                group.active[left++] = group.active[n];
        group.count = left;
    }
}

void ls_translator_print(const struct ls_translator *translator, int i, FILE *out) {
    int64_t length;
    const int32_t *tokens = ls_beam_best(translator->beams[i], &length);
    ls_vocabulary_print(out, &translator->translation->words, tokens, (uint64_t)length);
}
