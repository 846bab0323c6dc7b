/* Translation by a model that reads a sentence and what is written of its translation: beam search
 * (core/tasks/beam.h) over many sentences side by side. The whole model runs again for each token:
 * sentences are short, and so nothing has to be known of what is inside it. */
#ifndef LS_LAUNCHER_TRANSLATOR_H
#define LS_LAUNCHER_TRANSLATOR_H

#include "core/models/model.h"
#include "core/tasks/beam.h"
#include "io/vocabulary.h"
#include "launcher/config/config.h"

enum { LS_SENTENCES_AT_ONCE = 32 };

/* Sentences as tokens: sentence i is tokens ends[i - 1] .. ends[i] - 1. */
struct ls_sentences {
    int32_t *tokens; /* owned, like ends [count] */
    int64_t *ends, count;
};
int64_t ls_sentence_length(const struct ls_sentences *sentences, int64_t sentence);
void ls_sentences_clear(struct ls_sentences *sentences);

/* What a config's translations are read from and written with. */
struct ls_translation {
    struct ls_feed_options feeds[LS_FEEDS_MAX]; /* of the config */
    int feed_count;
    const struct ls_feed_options *source;     /* of feeds: the sentence */
    const struct ls_feed_options *before;     /* of feeds: its translation up to now */
    struct ls_vocabulary source_words, words; /* owned */
};

/* Finds the feeds: of those of tokens that the model itself takes, `before` has the key begin.
 * what: a run or a config, for errors. */
LS_MUST_USE enum ls_status ls_translation_find(struct ls_translation *translation,
                                               const struct ls_config *config, const char *what,
                                               struct ls_error *error);
/* The words that a run keeps for them. ls_translation_clear, also after an error. */
LS_MUST_USE enum ls_status ls_translation_load(struct ls_translation *translation, const char *run,
                                               struct ls_error *error);
void ls_translation_clear(struct ls_translation *translation);

/* Sentences that the source feed cuts off, as the model reads them: how many tokens it takes. */
int64_t ls_translation_room(const struct ls_translation *translation);

/* Fills in what a model for translations takes; returns how many feeds that are. */
int ls_translation_feeds(const struct ls_translation *translation, struct ls_feed *feeds);

struct ls_translator {
    const struct ls_translation *translation;    /* borrowed, like the model */
    struct ls_model *model;                      /* planned for ls_translator_rows */
    int width;                                   /* sequences of a search */
    struct ls_beam *beams[LS_SENTENCES_AT_ONCE]; /* owned, like the rest */
    float *logits;                               /* [width][words] */
    uint64_t *row_ids;
};

/* Rows of a model that follows `width` sequences of each sentence. */
int64_t ls_translator_rows(int width);

/* The model, of ls_translation_feeds, must answer with logits of the next word at each position.
 * ls_translator_clear, also after an error. */
LS_MUST_USE enum ls_status ls_translator_create(struct ls_translator *translator,
                                                const struct ls_translation *translation,
                                                struct ls_model *model, int width,
                                                struct ls_error *error);
void ls_translator_clear(struct ls_translator *translator);

/* Translates sentences first .. first + count - 1, at most LS_SENTENCES_AT_ONCE. A sentence without
 * tokens stays empty. The same bits whatever sentences stand beside it. */
void ls_translator_run(struct ls_translator *translator, const struct ls_sentences *sentences,
                       int64_t first, int count);
/* What sentence first + i became, as text. */
void ls_translator_print(const struct ls_translator *translator, int i, FILE *out);

#endif
