/* Text, one token after the other: the model goes step by step, and remembers what came before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/tasks/sampling.h"
#include "io/file.h"
#include "io/vocabulary.h"
#include "launcher/command/generate.h"
#include "launcher/worker/data.h"

/* What is on offer to the model. */
enum { TOKENS, TARGETS, TOKENS_LENGTH, TARGETS_LENGTH, FEEDS };

/* Texts that grow side by side. */
struct writing {
    struct ls_generator *generator;
    struct ls_sampler *sampler;
    int64_t count, length, total; /* texts; tokens so far, and at the end */
    int64_t context;              /* positions that the model can hold; 0: any number */
    int32_t *tokens;              /* [count][total] owned */
    uint64_t *row_ids;            /* [count] owned */
};

/* Recurrences hold any number of positions; what looks back at single ones holds a window. */
static bool holds_window(const struct ls_graph *graph) {
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        const bool places = node->input_count > 1 && node->inputs[1] && !node->inputs[1]->batched &&
                            node->inputs[1]->shape.rank == 2 && !strcmp(node->op->name, "add");
        if (places || !strcmp(node->op->name, "attention") || !strcmp(node->op->name, "rotary"))
            return true;
    }
    return false;
}

/* Token `at` of each text goes through the model as position `position`. */
static void read_token(struct writing *writing, int64_t at, int64_t position) {
    const struct ls_model *model = &writing->generator->model;
    for (int i = 0; i < model->input_count; i++) {
        int32_t *input = model->inputs[i].value->data; /* NULL: only losses read it */
        for (int64_t n = 0; n < writing->count && input;
             n++) /* a text is as long as it is by now */
            input[n] = model->inputs[i].feed == TOKENS ? writing->tokens[n * writing->total + at]
                                                       : (int32_t)position + 1;
    }
    ls_generator_run(writing->generator, 0, writing->row_ids, writing->count, position);
}

static void add_token(struct writing *writing) {
    const struct ls_value *output = writing->generator->model.output;
    const int64_t width = ls_shape_last(output->shape);
    for (int64_t n = 0; n < writing->count; n++)
        writing->tokens[n * writing->total + writing->length] =
            ls_sampler_next(writing->sampler, (const float *)output->data + n * width, (uint64_t)n,
                            (uint64_t)writing->length);
    writing->length++;
}

/* Beyond the window, its last half is read again as a new beginning. */
static int64_t begin_again(struct writing *writing, bool *said) {
    const int64_t kept = writing->context / 2 > 0 ? writing->context / 2 : 1;
    if (!*said)
        ls_log(
            LS_LOG_INFO,
            "the text is longer than the %lld positions that the model was trained on: from here "
            "on it sees the last %lld to %lld",
            (long long)writing->context, (long long)kept, (long long)writing->context);
    *said = true;
    for (int64_t p = 0; p < kept; p++)
        read_token(writing, writing->length - kept + p, p);
    return kept;
}

static void write_all(struct writing *writing) {
    int64_t position = 0;
    bool said = false;
    for (int64_t at = 0; at < writing->length; at++) {
        if (writing->context && position == writing->context) {
            const int64_t end = writing->length;
            writing->length = at;
            position = begin_again(writing, &said);
            writing->length = end;
        }
        read_token(writing, at, position++);
    }
    while (writing->length < writing->total) {
        add_token(writing);
        if (writing->length == writing->total)
            return;
        if (writing->context && position == writing->context)
            position = begin_again(writing, &said);
        else
            read_token(writing, writing->length - 1, position++);
    }
}

static enum ls_status load_vocabulary(const char *run, struct ls_vocabulary *vocabulary,
                                      struct ls_error *error) {
    char path[LS_TEXT_MAX];
    bool found = false;
    enum ls_status status = LS_OK;
    if (ls_file_exists(ls_vocabulary_path(run, path)))
        status = ls_vocabularies_load(vocabulary, path, NULL, &found, error);
    if (status != LS_OK || found)
        return status;
    return ls_fail(error, LS_INVALID, "%s: the run has no vocabulary to write with", run);
}

/* The prompt's tokens; without a prompt the begin token, else a line's end. `lines`: the model has
 * learned rows that begin and end, so the begin token stands before a prompt, too. */
static enum ls_status encode_prompt(const struct ls_vocabulary *vocabulary, const char *prompt,
                                    bool lines, int32_t **tokens, uint64_t *count,
                                    struct ls_error *error) {
    if (!prompt[0] && vocabulary->special) {
        *tokens = ls_calloc(1, sizeof **tokens);
        (*tokens)[0] = LS_TOKEN_BEGIN;
        *count = 1;
        return LS_OK;
    }
    const struct ls_text text = {.name = "--prompt",
                                 .bytes = prompt[0] ? prompt : "\n",
                                 .count = prompt[0] ? strlen(prompt) : 1};
    const enum ls_status status = ls_vocabulary_encode(vocabulary, &text, tokens, count, error);
    if (status == LS_OK && !*count)
        return ls_fail(error, LS_INVALID, "--prompt: expected at least one word, found none");
    if (status == LS_OK && lines) {
        *tokens = ls_realloc(*tokens, *count + 1, sizeof **tokens);
        memmove(*tokens + 1, *tokens, *count * sizeof **tokens);
        (*tokens)[0] = LS_TOKEN_BEGIN;
        ++*count;
    }
    return status;
}

static enum ls_status build(struct writing *writing, const struct ls_vocabulary *vocabulary,
                            const struct ls_generate_options *wanted, struct ls_error *error) {
    const struct ls_config *config = &writing->generator->run.config;
    const struct ls_data_options *data = &config->data;
    const struct ls_feed feeds[FEEDS] = {
        [TOKENS] = {"inputs", LS_SHAPE(1), .integer = true, .limit = vocabulary->count},
        [TARGETS] = {"targets", LS_SHAPE(1), .integer = true, .limit = vocabulary->count},
        [TOKENS_LENGTH] = {"inputs_length", .integer = true},
        [TARGETS_LENGTH] = {"targets_length", .integer = true}};
    const int64_t window = data->length ? data->length : ls_data_window(data);
    const struct ls_generator_options options = {.feeds = feeds,
                                                 .feed_count = data->length ? FEEDS : TOKENS_LENGTH,
                                                 .rows = writing->count,
                                                 .step_positions = window > 0 ? window : 1};
    enum ls_status status = ls_generator_build(writing->generator, &options, error);
    if (status != LS_OK)
        return status;
    if (holds_window(writing->generator->model.graph))
        writing->context = options.step_positions;
    const struct ls_sampling_options sampling = {.temperature = wanted->temperature,
                                                 .top_k = wanted->top_k,
                                                 .top_p = wanted->top_p,
                                                 .seed = (uint64_t)wanted->seed};
    return ls_sampler_create(&writing->sampler, &sampling,
                             ls_shape_last(writing->generator->model.output->shape), error);
}

/* A text of a model that has learned rows ends with its first end token. */
static int64_t length_of(const struct writing *writing, const int32_t *tokens, bool lines) {
    int64_t length = 0;
    while (length < writing->total && !(lines && tokens[length] == LS_TOKEN_END))
        length++;
    return length;
}

static void print_all(FILE *to, const struct writing *writing,
                      const struct ls_vocabulary *vocabulary, bool lines) {
    for (int64_t n = 0; n < writing->count; n++) {
        if (n)
            fputs("----\n", to);
        const int32_t *tokens = writing->tokens + n * writing->total;
        ls_vocabulary_print(to, vocabulary, tokens, (uint64_t)length_of(writing, tokens, lines));
        fputc('\n', to);
    }
}

enum ls_status ls_generate_text(struct ls_generator *generator, const char *run,
                                const struct ls_generate_options *wanted, struct ls_error *error) {
    struct ls_vocabulary vocabulary = {0};
    struct writing writing = {.generator = generator, .count = wanted->count};
    int32_t *prompt = NULL;
    uint64_t length = 0;
    const bool lines = generator->run.config.data.length > 0;
    if (wanted->out[0])
        return ls_fail(error, LS_INVALID,
                       "--out: a language model writes to standard output; expected no file");
    enum ls_status status = load_vocabulary(run, &vocabulary, error);
    if (status == LS_OK)
        status = encode_prompt(&vocabulary, wanted->prompt, lines, &prompt, &length, error);
    if (status == LS_OK)
        status = build(&writing, &vocabulary, wanted, error);
    if (status == LS_OK) {
        writing.length = (int64_t)length;
        writing.total = writing.length + wanted->tokens;
        writing.tokens = ls_calloc((size_t)(writing.count * writing.total), sizeof(int32_t));
        writing.row_ids = ls_calloc((size_t)writing.count, sizeof(uint64_t));
        for (int64_t n = 0; n < writing.count; n++) {
            memcpy(writing.tokens + n * writing.total, prompt, length * sizeof *prompt);
            writing.row_ids[n] = (uint64_t)n;
        }
        write_all(&writing);
        print_all(wanted->to ? wanted->to : stdout, &writing, &vocabulary, lines);
    }
    ls_sampler_destroy(writing.sampler);
    ls_vocabulary_clear(&vocabulary);
    free(writing.tokens);
    free(writing.row_ids);
    free(prompt);
    return status;
}
