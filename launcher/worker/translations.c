#include "launcher/worker/translations.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/base/utf8.h"
#include "core/tasks/bleu.h"
#include "launcher/worker/translator.h"

bool ls_translations_wanted(const struct ls_config *config, const struct ls_data *data, int role) {
    const bool last = role == LS_SOURCE_TEST ||
                      (role == LS_SOURCE_VALIDATION && !data->parts[LS_SOURCE_TEST].dataset);
    return config->task.kind == LS_TASK_TRANSLATION && config->task.beams && last &&
           data->parts[role].dataset;
}

static enum ls_status check_column(const struct ls_data *data, int role, const char *name,
                                   struct ls_error *error) {
    const struct ls_dataset *dataset = data->parts[role].dataset;
    const struct ls_column *column = ls_dataset_column(dataset, name);
    if (!column || !column->vocabulary || !column->ragged)
        return ls_fail(error, LS_INVALID,
                       "%s: the column '%s' has no rows of tokens with a vocabulary, which a "
                       "translation is written with (lockstep data import pairs makes them)",
                       ls_dataset_path(dataset), name);
    if (ls_dataset_has_text(dataset, name))
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: BLEU compares translations with texts as they were written, but there is "
                   "no column '%s" LS_COLUMN_TEXT
                   "'; import the texts again (lockstep data import pairs), or set task.beams: 0",
                   ls_dataset_path(dataset), name);
}

enum ls_status ls_translations_check(const struct ls_config *config, const struct ls_data *data,
                                     struct ls_error *error) {
    struct ls_translation translation;
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++) {
        if (!ls_translations_wanted(config, data, role))
            continue;
        status = ls_translation_find(&translation, config, config->path, error);
        if (status == LS_OK)
            status = check_column(data, role, translation.source->column, error);
        if (status == LS_OK)
            status = check_column(data, role, translation.before->column, error);
    }
    return status;
}

/* A pair of the part, as it was written. */
struct pair {
    char *source, *target; /* owned */
    int64_t position;
};

/* Pairs of one sentence beside each other, in the order of the data. */
static int by_sentence(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    const int order = strcmp(x->source, y->source);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

/* The pairs of a part. Sentence k is pairs firsts[k] .. firsts[k + 1] - 1. */
struct pairs {
    struct pair *items; /* [count] owned */
    int64_t *firsts;    /* [sentences + 1] owned */
    int64_t count, sentences;
};

static enum ls_status read_pairs(struct pairs *pairs, const struct ls_part *part,
                                 const struct ls_translation *translation, struct ls_error *error) {
    enum ls_status status = LS_OK;
    pairs->items = ls_calloc(part->count + 1, sizeof *pairs->items);
    pairs->firsts = ls_calloc(part->count + 1, sizeof *pairs->firsts);
    for (uint64_t i = 0; i < part->count && status == LS_OK; i++) {
        struct pair *pair = &pairs->items[pairs->count++];
        const uint64_t sample = ls_part_sample(part, i);
        pair->position = (int64_t)sample;
        status = ls_dataset_text(part->dataset, translation->source->column, sample, &pair->source,
                                 error);
        if (status == LS_OK)
            status = ls_dataset_text(part->dataset, translation->before->column, sample,
                                     &pair->target, error);
        if (status == LS_OK && translation->words.lower)
            ls_utf8_lower(pair->target, strlen(pair->target));
    }
    if (status != LS_OK)
        return status;
    qsort(pairs->items, (size_t)pairs->count, sizeof *pairs->items, by_sentence);
    for (int64_t i = 0; i < pairs->count; i++)
        if (!i || strcmp(pairs->items[i].source, pairs->items[i - 1].source) != 0)
            pairs->firsts[pairs->sentences++] = i;
    pairs->firsts[pairs->sentences] = pairs->count;
    return LS_OK;
}

static void clear_pairs(struct pairs *pairs) {
    for (int64_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].source);
        free(pairs->items[i].target);
    }
    free(pairs->items);
    free(pairs->firsts);
}

/* All sentences as tokens. */
static enum ls_status encode(const struct pairs *pairs, const struct ls_translation *translation,
                             struct ls_sentences *sentences, struct ls_error *error) {
    struct ls_text text = {.name = "the data", .part_count = (uint64_t)pairs->sentences};
    struct ls_text_part *parts = ls_calloc((size_t)pairs->sentences, sizeof *parts);
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    LS_ASSERT(out, "out of memory: %lld sentences", (long long)pairs->sentences);
    for (int64_t k = 0; k < pairs->sentences; k++) {
        const char *source = pairs->items[pairs->firsts[k]].source;
        parts[k] = (struct ls_text_part){text.count, strlen(source)};
        text.count += parts[k].count;
        fputs(source, out);
    }
    LS_ASSERT(!fclose(out), "out of memory: %lld sentences", (long long)pairs->sentences);
    text.bytes = bytes;
    text.parts = parts;
    sentences->count = pairs->sentences;
    sentences->ends = ls_calloc((size_t)pairs->sentences, sizeof *sentences->ends);
    const enum ls_status status = ls_vocabulary_encode_parts(
        &translation->source_words, &text, &sentences->tokens, sentences->ends, error);
    free(parts);
    free(bytes);
    return status;
}

/* What BLEU is worked out from, against one reference and against all. */
struct score {
    struct ls_bleu one, all;
};

static void join(struct score *score, const struct score *other) {
    ls_bleu_join(&score->one, &other->one);
    ls_bleu_join(&score->all, &other->all);
}

/* What a thread does: sentences first .. end - 1. */
struct job {
    struct ls_model model; /* owned, like the translator */
    struct ls_translator translator;
    int64_t first, end;
    struct score score;
};

struct work {
    struct ls_worker *worker;
    struct ls_translation translation; /* owned, like the rest */
    struct pairs pairs;
    struct ls_sentences sentences;
    struct job *jobs; /* [worker->threads] */
};

static void judge_sentence(const struct work *work, struct job *job, int64_t sentence,
                           const char *translation) {
    const int64_t first = work->pairs.firsts[sentence];
    const int count = (int)(work->pairs.firsts[sentence + 1] - first);
    const char **references = ls_calloc((size_t)count, sizeof *references);
    for (int i = 0; i < count; i++)
        references[i] = work->pairs.items[first + i].target;
    ls_bleu_add(&job->score.one, translation, references, 1);
    ls_bleu_add(&job->score.all, translation, references, count);
    free(references);
}

static void run_job(void *context, int thread) {
    const struct work *work = context;
    struct job *job = &work->jobs[thread];
    for (int64_t at = job->first; at < job->end; at += LS_SENTENCES_AT_ONCE) {
        const int64_t left = job->end - at;
        const int count = left < LS_SENTENCES_AT_ONCE ? (int)left : LS_SENTENCES_AT_ONCE;
        ls_translator_run(&job->translator, &work->sentences, at, count);
        for (int i = 0; i < count; i++) {
            char *text = NULL;
            size_t size = 0;
            FILE *out = open_memstream(&text, &size);
            LS_ASSERT(out, "out of memory: sentence %lld", (long long)(at + i));
            ls_translator_print(&job->translator, i, out);
            LS_ASSERT(!fclose(out), "out of memory: sentence %lld", (long long)(at + i));
            judge_sentence(work, job, at + i, text);
            free(text);
        }
    }
}

/* The worker's model once more, for translations; its parameters are the worker's. */
static enum ls_status open_job(struct work *work, struct job *job, struct ls_error *error) {
    struct ls_worker *worker = work->worker;
    const struct ls_config *config = worker->config;
    const int width = (int)config->task.beams;
    struct ls_feed feeds[LS_FEEDS_MAX];
    struct ls_model_options options =
        ls_config_model(config, worker->variant, ls_translator_rows(width));
    options.feeds = feeds;
    options.feed_count = ls_translation_feeds(&work->translation, feeds);
    options.inference = options.answers = true;
    enum ls_status status = ls_model_create(&job->model, &options, ls_worker_answering(worker),
                                            worker->parameters, error);
    if (status != LS_OK)
        return job->model.failed ? ls_config_layer_error(config, job->model.failed, error) : status;
    ls_graph_prepare(job->model.graph, worker->flat);
    return ls_translator_create(&job->translator, &work->translation, &job->model, width, error);
}

/* The jobs of this rank, among those of all ranks. */
static enum ls_status open_jobs(struct work *work, struct ls_error *error) {
    const struct ls_worker *worker = work->worker;
    struct ls_communicator *communicator = worker->communicator;
    const int ranks = communicator ? ls_communicator_size(communicator) : 1;
    const int rank = communicator ? ls_communicator_rank(communicator) : 0;
    const int64_t from = ls_even_first(work->sentences.count, rank, ranks);
    const int64_t count = ls_even_first(work->sentences.count, rank + 1, ranks) - from;
    enum ls_status status = LS_OK;
    work->jobs = ls_calloc((size_t)worker->threads, sizeof *work->jobs);
    for (int t = 0; t < worker->threads && status == LS_OK; t++) {
        struct job *job = &work->jobs[t];
        job->first = from + ls_even_first(count, t, worker->threads);
        job->end = from + ls_even_first(count, t + 1, worker->threads);
        status = open_job(work, job, error);
    }
    return status;
}

static void close_work(struct work *work) {
    for (int t = 0; work->jobs && t < work->worker->threads; t++) {
        ls_translator_clear(&work->jobs[t].translator);
        ls_model_destroy(&work->jobs[t].model);
    }
    free(work->jobs);
    clear_pairs(&work->pairs);
    ls_sentences_clear(&work->sentences);
    ls_translation_clear(&work->translation);
}

/* The counts of all threads, then of all ranks. */
static struct score join_all(const struct work *work) {
    struct ls_communicator *communicator = work->worker->communicator;
    struct score mine = {0}, sum = {0};
    for (int t = 0; t < work->worker->threads; t++)
        join(&mine, &work->jobs[t].score);
    if (!communicator)
        return mine;
    const int ranks = ls_communicator_size(communicator);
    struct score *scores = ls_calloc((size_t)ranks, sizeof *scores);
    ls_communicator_all_gather(communicator, &mine, sizeof mine, scores);
    for (int r = 0; r < ranks; r++)
        join(&sum, &scores[r]);
    free(scores);
    return sum;
}

enum ls_status ls_translations_judge(struct ls_worker *worker, const struct ls_data *data, int role,
                                     const char *run, struct ls_metrics *metrics,
                                     struct ls_error *error) {
    struct work work = {.worker = worker};
    enum ls_status status = ls_translation_find(&work.translation, worker->config, run, error);
    if (status == LS_OK)
        status = ls_translation_load(&work.translation, run, error);
    if (status == LS_OK)
        status = read_pairs(&work.pairs, &data->parts[role], &work.translation, error);
    if (status == LS_OK)
        status = encode(&work.pairs, &work.translation, &work.sentences, error);
    if (status == LS_OK)
        status = open_jobs(&work, error);
    if (status == LS_OK) {
        ls_parallel_run(worker->threads, run_job, &work);
        const struct score score = join_all(&work);
        ls_metrics_add(metrics, "bleu", ls_bleu_score(&score.one), true);
        ls_metrics_add(metrics, "bleu_all", ls_bleu_score(&score.all), true);
    }
    close_work(&work);
    return status;
}
