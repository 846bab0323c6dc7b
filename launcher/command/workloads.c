#include "launcher/command/workloads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"
#include "ls_workloads_generated.h"

enum { WORDS_MAX = 6 };

const struct ls_workload *ls_workloads(int *count) {
    *count = (int)(sizeof workloads / sizeof *workloads);
    return workloads;
}

const struct ls_workload *ls_workload_find(const char *name) {
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}

static bool parse_shape(const char *text, struct ls_shape *shape) {
    *shape = (struct ls_shape){0};
    for (char *end = NULL; shape->rank < LS_RANK_MAX - 1; text = end + 1) {
        shape->dims[shape->rank++] = strtoll(text, &end, 10);
        if (end == text || shape->dims[shape->rank - 1] < 1)
            return false;
        if (*end != 'x')
            return *end == '\0';
    }
    return false;
}

static void add_feed(struct ls_synthetic *synthetic, const char *name, struct ls_shape shape,
                     int64_t limit) {
    struct ls_feed *feed = &synthetic->feeds[synthetic->feed_count++];
    *feed = (struct ls_feed){.shape = shape, .integer = limit > 0, .limit = limit};
    snprintf(feed->name, sizeof feed->name, "%s", name);
}

static bool parse_words(struct ls_synthetic *synthetic, char *words[WORDS_MAX], int count) {
    static const char *const kinds[] = {"normal", "tanh", "bits", "tokens"};
    int kind = 0;
    while (kind < 4 && (count < 3 || strcmp(words[1], kinds[kind]) != 0))
        kind++;
    *synthetic = (struct ls_synthetic){.kind = kind};
    const int64_t last = count > 4 ? strtoll(words[4], NULL, 10) : 0;
    struct ls_shape shape;
    if (kind == LS_SYNTHETIC_TOKENS) {
        const int64_t vocabulary = strtoll(words[2], NULL, 10);
        if (count != 5 || strcmp(words[3], "window") || last < 1 || vocabulary < 1)
            return false;
        add_feed(synthetic, "inputs", LS_SHAPE(last), vocabulary);
        add_feed(synthetic, "targets", LS_SHAPE(last), vocabulary);
        return true;
    }
    if (kind == 4 || !parse_shape(words[2], &shape))
        return false;
    add_feed(synthetic, "inputs", shape, 0);
    if (count == 5 && !strcmp(words[3], "classes") && last > 1)
        add_feed(synthetic, "targets", (struct ls_shape){0}, last);
    return count == 3 || synthetic->feed_count == 2;
}

enum ls_status ls_synthetic_parse(const char *source, struct ls_synthetic *synthetic,
                                  struct ls_error *error) {
    char text[LS_TEXT_MAX], *words[WORDS_MAX], *rest = text;
    int count = 0;
    snprintf(text, sizeof text, "%s", source);
    for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " ", &rest));)
        words[count++] = word;
    if (count && !strcmp(words[0], "synthetic") && parse_words(synthetic, words, count))
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "data.train: expected 'synthetic normal SHAPE [classes K]', 'synthetic tanh "
                   "SHAPE', 'synthetic bits SHAPE' or 'synthetic tokens V window T', found '%s'",
                   source);
}

static float draw_real(int kind, struct ls_random_key key, uint64_t counter) {
    if (kind == LS_SYNTHETIC_BITS)
        return ls_random_uniform(key, counter) < 0.2 ? 1.0f : 0.0f;
    const double normal = ls_random_normal(key, counter);
    return (float)(kind == LS_SYNTHETIC_TANH ? tanh(normal) : normal);
}

void ls_synthetic_draw(const struct ls_synthetic *synthetic, uint64_t row, void *const to[2]) {
    const struct ls_random_key key = ls_random_key(1, LS_STREAM_SYNTHETIC, 0, row);
    uint64_t counter = 0;
    for (int f = 0; f < synthetic->feed_count; f++) {
        const struct ls_feed *feed = &synthetic->feeds[f];
        for (int64_t i = 0; i < ls_shape_count(feed->shape); i++, counter++)
            if (feed->integer)
                ((int32_t *)to[f])[i] =
                    (int32_t)ls_random_below(key, counter, (uint32_t)feed->limit);
            else
                ((float *)to[f])[i] = draw_real(synthetic->kind, key, counter);
    }
}
