/* Translation: each line of standard input through the encoder, and its translation from the
 * decoder by beam search. The whole model runs again for each token: sentences are short, and so
 * nothing has to be known of what is inside it. */
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/tasks/beam.h"
#include "io/file.h"
#include "io/vocabulary.h"
#include "launcher/command/generate.h"
#include "launcher/worker/data.h"

enum { LINES_AT_ONCE = 32, INPUT_MAX = 1 << 30 };
#define INPUT "/dev/stdin"

/* The lines of the input as tokens: line i is tokens ends[i - 1] .. ends[i] - 1. */
struct lines {
    char *bytes;
    struct ls_text_part *parts;
    int32_t *tokens;
    int64_t *ends;
    int64_t count;
};

struct translation {
    struct ls_generator *generator;
    struct ls_feed_options feeds[LS_FEEDS_MAX]; /* of the config */
    int feed_count;
    const struct ls_feed_options *source; /* the sentence */
    const struct ls_feed_options *before; /* its translation up to now */
    struct ls_vocabulary source_words, words;
    struct lines lines;
    struct ls_beam *beams[LINES_AT_ONCE]; /* owned, like the rest */
    int width;                            /* sequences of a search */
    float *logits;                        /* [width][words] */
    uint64_t *row_ids;
};

static void split(struct lines *lines, uint64_t bytes) {
    uint64_t rows = 0;
    for (uint64_t i = 0; i < bytes; i++)
        rows += lines->bytes[i] == '\n';
    lines->parts = ls_calloc(rows + 1, sizeof *lines->parts);
    for (uint64_t at = 0, end; at < bytes; at = end + 1) {
        const char *found = memchr(lines->bytes + at, '\n', bytes - at);
        end = found ? (uint64_t)(found - lines->bytes) : bytes;
        const bool carriage = end > at && lines->bytes[end - 1] == '\r';
        lines->parts[lines->count++] = (struct ls_text_part){at, end - at - carriage};
    }
}

static enum ls_status read_lines(struct translation *t, struct ls_error *error) {
    struct lines *lines = &t->lines;
    uint64_t bytes;
    const enum ls_status status = ls_file_read(INPUT, INPUT_MAX, &lines->bytes, &bytes, error);
    if (status != LS_OK)
        return status;
    split(lines, bytes);
    lines->ends = ls_calloc((size_t)lines->count + 1, sizeof *lines->ends);
    const struct ls_text text = {.name = "standard input",
                                 .bytes = lines->bytes,
                                 .count = bytes,
                                 .parts = lines->parts,
                                 .part_count = (uint64_t)lines->count};
    return lines->count ? ls_vocabulary_encode_parts(&t->source_words, &text, &lines->tokens,
                                                     lines->ends, error)
                        : LS_OK;
}

static int64_t first_of(const struct lines *lines, int64_t line) {
    return line ? lines->ends[line - 1] : 0;
}

static int64_t count_of(const struct lines *lines, int64_t line) {
    return lines->ends[line] - first_of(lines, line);
}

/* A feed of tokens that the model itself takes, not a loss. */
static bool is_read(const struct ls_config *config, const struct ls_feed_options *feed) {
    return feed->length && !feed->lengths && ls_networks_take(&config->model, feed->name);
}

static enum ls_status find_feeds(struct translation *t, const char *run, struct ls_error *error) {
    const struct ls_config *config = &t->generator->run.config;
    int others = 0;
    t->feed_count = ls_config_feeds(config, t->feeds);
    for (int i = 0; i < t->feed_count; i++)
        if (is_read(config, &t->feeds[i])) {
            if (t->feeds[i].begin && !t->before)
                t->before = &t->feeds[i];
            else if (others++ == 0)
                t->source = &t->feeds[i];
        }
    if (t->before && t->source && others == 1)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: a translation needs two feeds of tokens that the model takes: a sentence, "
                   "and what is written of its translation, which has the key begin",
                   run);
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

static enum ls_status build(struct translation *t, int64_t rows, struct ls_error *error) {
    struct ls_feed feeds[LS_FEEDS_MAX];
    memset(feeds, 0, sizeof feeds);
    for (int i = 0; i < t->feed_count; i++) {
        const struct ls_feed_options *feed = &t->feeds[i];
        memcpy(feeds[i].name, feed->name, sizeof feed->name);
        feeds[i].integer = true;
        if (!feed->lengths) {
            feeds[i].shape = LS_SHAPE(feed->length);
            feeds[i].limit =
                strcmp(feed->column, t->source->column) ? t->words.count : t->source_words.count;
        }
    }
    const struct ls_generator_options options = {
        .feeds = feeds, .feed_count = t->feed_count, .rows = rows};
    enum ls_status status = ls_generator_build(t->generator, &options, error);
    if (status != LS_OK)
        return status;
    const struct ls_shape shape = t->generator->model.output->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (shape.rank != 3 || shape.dims[1] != t->before->length || shape.dims[2] != t->words.count)
        return ls_fail(error, LS_INVALID,
                       "a translation needs logits of the next word at each position: expected "
                       "%lldx%d outputs, found %s",
                       (long long)t->before->length, t->words.count,
                       ls_sample_print(ls_shape_of_row(shape), text));
    return LS_OK;
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

/* Sequence s of the search for a line, as the model's row. */
static void fill_row(const struct translation *t, int64_t row, int64_t line, int slot, int s) {
    const struct ls_model *model = &t->generator->model;
    int64_t length;
    const int32_t *written = ls_beam_tokens(t->beams[slot], s, &length);
    for (int i = 0; i < model->input_count; i++) {
        const struct ls_feed_options *feed = &t->feeds[model->inputs[i].feed];
        int32_t *data = model->inputs[i].value->data; /* NULL: nobody reads it */
        if (!data)
            continue;
        int32_t *to = data + row * (feed->lengths ? 1 : feed->length);
        if (!strcmp(feed->column, t->source->column))
            fill(to, feed, t->lines.tokens + first_of(&t->lines, line), count_of(&t->lines, line));
        else
            fill(to, feed, written, length);
    }
}

/* The model's row for sequence s of the n-th line that goes on. */
static int64_t row_of(const struct translation *t, int n, int s) {
    return (int64_t)n * t->width + s;
}

/* The logits of the next word of a line's sequences. */
static bool step(struct translation *t, int n, int slot) {
    const struct ls_value *output = t->generator->model.output;
    const int64_t words = t->words.count, positions = t->before->length;
    for (int s = 0; s < ls_beam_alive(t->beams[slot]); s++) {
        int64_t length;
        ls_beam_tokens(t->beams[slot], s, &length);
        memcpy(t->logits + s * words,
               (const float *)output->data + (row_of(t, n, s) * positions + length) * words,
               (size_t)words * sizeof(float));
    }
    return ls_beam_step(t->beams[slot], t->logits);
}

/* Up to LINES_AT_ONCE lines, until none goes on. */
static void translate(struct translation *t, int64_t first, int count) {
    int slots[LINES_AT_ONCE], active = 0;
    for (int i = 0; i < count; i++) {
        ls_beam_begin(t->beams[i]);
        if (count_of(&t->lines, first + i)) /* an empty line stays empty */
            slots[active++] = i;
    }
    while (active) {
        for (int n = 0; n < active; n++)
            for (int s = 0; s < t->width; s++) {
                const bool alive = s < ls_beam_alive(t->beams[slots[n]]);
                fill_row(t, row_of(t, n, s), first + slots[n], slots[n], alive ? s : 0);
            }
        ls_generator_run(t->generator, 0, t->row_ids, row_of(t, active, 0), 0);
        int left = 0;
        for (int n = 0; n < active; n++)
            if (step(t, n, slots[n]))
                slots[left++] = slots[n];
        active = left;
    }
}

static void print(const struct translation *t, int count) {
    for (int i = 0; i < count; i++) {
        int64_t length;
        const int32_t *tokens = ls_beam_best(t->beams[i], &length);
        ls_vocabulary_print(stdout, &t->words, tokens, (uint64_t)length);
        printf("\n");
    }
    fflush(stdout);
}

/* What the model cannot read of a sentence is said. */
static void say_cuts(const struct translation *t) {
    const int64_t room = t->source->length - (t->source->begin > 0) - (t->source->end > 0);
    for (int64_t i = 0; i < t->lines.count; i++) {
        const int64_t tokens = count_of(&t->lines, i);
        if (tokens > room)
            ls_log(LS_LOG_WARNING,
                   "standard input:%lld: the sentence has %lld tokens, of which the model reads "
                   "the first %lld",
                   (long long)i + 1, (long long)tokens, (long long)room);
    }
}

static void translate_all(struct translation *t) {
    for (int64_t first = 0; first < t->lines.count; first += LINES_AT_ONCE) {
        const int64_t left = t->lines.count - first;
        const int count = left < LINES_AT_ONCE ? (int)left : LINES_AT_ONCE;
        translate(t, first, count);
        print(t, count);
    }
}

static void allocate(struct translation *t, int64_t rows) {
    const struct ls_beam_options options = {.beams = t->width,
                                            .tokens = t->words.count,
                                            .length_max = t->before->length,
                                            .end = LS_TOKEN_END,
                                            .first = LS_TOKENS_SPECIAL};
    for (int i = 0; i < LINES_AT_ONCE; i++)
        t->beams[i] = ls_beam_create(&options);
    t->logits = ls_calloc((size_t)t->width * (size_t)t->words.count, sizeof *t->logits);
    t->row_ids = ls_calloc((size_t)rows, sizeof *t->row_ids);
    for (int64_t i = 0; i < rows; i++)
        t->row_ids[i] = (uint64_t)i;
}

static void clear(struct translation *t) {
    for (int i = 0; i < LINES_AT_ONCE; i++)
        ls_beam_destroy(t->beams[i]);
    ls_vocabulary_clear(&t->source_words);
    ls_vocabulary_clear(&t->words);
    free(t->logits);
    free(t->row_ids);
    free(t->lines.bytes);
    free(t->lines.parts);
    free(t->lines.tokens);
    free(t->lines.ends);
}

enum ls_status ls_generate_translation(struct ls_generator *generator, const char *run,
                                       const struct ls_generate_options *wanted,
                                       struct ls_error *error) {
    struct translation t = {.generator = generator, .width = (int)wanted->beams};
    const int64_t rows = (int64_t)t.width * LINES_AT_ONCE;
    enum ls_status status = find_feeds(&t, run, error);
    if (status == LS_OK)
        status = load_words(t.source, run, &t.source_words, error);
    if (status == LS_OK)
        status = load_words(t.before, run, &t.words, error);
    if (status == LS_OK)
        status = build(&t, rows, error);
    if (status == LS_OK)
        status = read_lines(&t, error);
    if (status == LS_OK) {
        allocate(&t, rows);
        say_cuts(&t);
        translate_all(&t);
    }
    clear(&t);
    return status;
}
