#include "core/tasks/beam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"

struct continuation {
    double score; /* sum of the logarithms */
    int sequence;
    int32_t token;
};

struct ls_beam {
    struct ls_beam_options options;
    int alive;
    int64_t length;                     /* of the sequences that go on */
    int32_t *tokens, *next;             /* [beams][length_max] owned, as are all that follow */
    double *scores;                     /* [beams] sums of the logarithms */
    double *ends;                       /* [beams] the same if the sequence ended now */
    int ended;                          /* sequences whose end was among the likeliest */
    struct continuation *continuations; /* [beams] the likeliest, best first */
    int32_t *best;                      /* [length_max] */
    int64_t best_length;                /* without the end; -1: none has ended */
    double best_score;                  /* a mean */
};

struct ls_beam *ls_beam_create(const struct ls_beam_options *options) {
    LS_ASSERT(options->beams > 0 && options->tokens > 0 && options->length_max > 0,
              "%d beams of %lld tokens, at most %lld long", options->beams,
              (long long)options->tokens, (long long)options->length_max);
    struct ls_beam *beam = ls_calloc(1, sizeof *beam);
    const size_t beams = (size_t)options->beams, length = (size_t)options->length_max;
    beam->options = *options;
    beam->tokens = ls_calloc(beams * length, sizeof *beam->tokens);
    beam->next = ls_calloc(beams * length, sizeof *beam->next);
    beam->scores = ls_calloc(beams, sizeof *beam->scores);
    beam->ends = ls_calloc(beams, sizeof *beam->ends);
    beam->continuations = ls_calloc(beams, sizeof *beam->continuations);
    beam->best = ls_calloc(length, sizeof *beam->best);
    ls_beam_begin(beam);
    return beam;
}

void ls_beam_destroy(struct ls_beam *beam) {
    if (!beam)
        return;
    free(beam->tokens);
    free(beam->next);
    free(beam->scores);
    free(beam->ends);
    free(beam->continuations);
    free(beam->best);
    free(beam);
}

void ls_beam_begin(struct ls_beam *beam) {
    beam->alive = 1;
    beam->length = 0;
    beam->ended = 0;
    beam->scores[0] = 0;
    beam->best_length = -1;
    beam->best_score = -INFINITY;
}

/* log of the sum of exp(logit): what makes probabilities of logits. */
static double log_sum(const float *logits, int64_t count) {
    double largest = -INFINITY, sum = 0;
    for (int64_t t = 0; t < count; t++)
        if ((double)logits[t] > largest)
            largest = (double)logits[t];
    for (int64_t t = 0; t < count; t++)
        if (!isnan(logits[t]))
            sum += ls_random_exp((double)logits[t] - largest);
    return largest + ls_random_log(sum);
}

/* Puts a continuation in its place among the likeliest, if it is one of them. */
static int insert(struct continuation *sorted, int count, int room, struct continuation found) {
    if (count == room && !(found.score > sorted[count - 1].score))
        return count;
    int at = count < room ? count++ : count - 1;
    for (; at > 0 && found.score > sorted[at - 1].score; at--)
        sorted[at] = sorted[at - 1];
    sorted[at] = found;
    return count;
}

static void remember(struct ls_beam *beam, int sequence, double score) {
    if (!(score > beam->best_score))
        return;
    beam->best_score = score;
    beam->best_length = beam->length;
    memcpy(beam->best, beam->tokens + sequence * beam->options.length_max,
           (size_t)beam->length * sizeof *beam->best);
}

/* All continuations of a sequence; its end, too. Returns how many are among the likeliest now. */
static int go_on(struct ls_beam *beam, int sequence, const float *logits, int count) {
    const struct ls_beam_options *options = &beam->options;
    const double base = beam->scores[sequence] - log_sum(logits, options->tokens);
    for (int64_t t = options->first; t < options->tokens; t++)
        if (t != options->end && !isnan(logits[t]))
            count = insert(beam->continuations, count, options->beams,
                           (struct continuation){base + (double)logits[t], sequence, (int32_t)t});
    beam->ends[sequence] = base + (double)logits[options->end];
    remember(beam, sequence, beam->ends[sequence] / (double)(beam->length + 1));
    return count;
}

/* Ends that would be among so many likeliest continuations. */
static int count_ends(const struct ls_beam *beam, int count) {
    const double least =
        count < beam->options.beams ? -HUGE_VAL : beam->continuations[count - 1].score;
    int ends = 0;
    for (int s = 0; s < beam->alive; s++)
        ends += beam->ends[s] > least; /* none that is not a number */
    return ends;
}

bool ls_beam_step(struct ls_beam *beam, const float *logits) {
    const struct ls_beam_options *options = &beam->options;
    int count = 0;
    for (int s = 0; s < beam->alive; s++)
        count = go_on(beam, s, logits + s * options->tokens, count);
    beam->ended += count_ends(beam, count);
    if (beam->length + 1 == options->length_max) { /* no room for a token and an end */
        beam->alive = 0;
        return false;
    }
    for (int s = 0; s < count; s++) {
        const struct continuation *c = &beam->continuations[s];
        int32_t *tokens = beam->next + s * options->length_max;
        memcpy(tokens, beam->tokens + c->sequence * options->length_max,
               (size_t)beam->length * sizeof *tokens);
        tokens[beam->length] = c->token;
        beam->scores[s] = c->score;
    }
    int32_t *before = beam->tokens;
    beam->tokens = beam->next;
    beam->next = before;
    beam->length++;
    beam->alive = count;
    /* What goes on only loses; at its greatest length its mean is this. */
    return count && beam->ended < options->beams &&
           beam->scores[0] / (double)options->length_max > beam->best_score;
}

int ls_beam_alive(const struct ls_beam *beam) {
    return beam->alive;
}

const int32_t *ls_beam_tokens(const struct ls_beam *beam, int sequence, int64_t *length) {
    *length = beam->length;
    return beam->tokens + sequence * beam->options.length_max;
}

const int32_t *ls_beam_best(const struct ls_beam *beam, int64_t *length) {
    if (beam->best_length < 0)
        return ls_beam_tokens(beam, 0, length);
    *length = beam->best_length;
    return beam->best;
}
