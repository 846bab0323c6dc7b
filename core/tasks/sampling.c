#include "core/tasks/sampling.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"

struct candidate {
    float logit;
    int32_t token;
    double share; /* of probability, not yet divided by their sum */
};

struct ls_sampler {
    struct ls_sampling_options options;
    int64_t count;
    struct candidate *candidates; /* owned; room for count */
};

enum ls_status ls_sampler_create(struct ls_sampler **sampler,
                                 const struct ls_sampling_options *options, int64_t count,
                                 struct ls_error *error) {
    *sampler = NULL;
    if (!(options->temperature >= 0 && options->temperature <= 1e6))
        return ls_fail(error, LS_INVALID, "temperature: expected a number from 0 to 1e6, found %g",
                       options->temperature);
    if (options->top_k < 0)
        return ls_fail(error, LS_INVALID,
                       "top_k: expected a number of tokens, or 0 for all, found %lld",
                       (long long)options->top_k);
    if (!(options->top_p >= 0 && options->top_p <= 1))
        return ls_fail(error, LS_INVALID, "top_p: expected a probability from 0 to 1, found %g",
                       options->top_p);
    if (count < 1 || count > INT32_MAX)
        return ls_fail(error, LS_INVALID, "sampling: expected from 1 to %d tokens, found %lld",
                       INT32_MAX, (long long)count);
    struct ls_sampler *made = ls_calloc(1, sizeof *made);
    made->options = *options;
    made->count = count;
    made->candidates = ls_calloc((size_t)count, sizeof *made->candidates);
    *sampler = made;
    return LS_OK;
}

void ls_sampler_destroy(struct ls_sampler *sampler) {
    if (!sampler)
        return;
    free(sampler->candidates);
    free(sampler);
}

/* The first of the largest; NaN is below everything. */
static int32_t likeliest(const float *logits, int64_t count) {
    int32_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (logits[i] > logits[best] || (isnan(logits[best]) && !isnan(logits[i])))
            best = (int32_t)i;
    return best;
}

static int likeliest_first(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->logit < y->logit || x->logit > y->logit)
        return x->logit > y->logit ? -1 : 1;
    return x->token < y->token ? -1 : 1;
}

/* All tokens with their shares of the likeliest one's, whose logit is `largest`. */
static void gather(struct ls_sampler *sampler, const float *logits, float largest) {
    for (int64_t i = 0; i < sampler->count; i++) {
        const float logit = isnan(logits[i]) ? -INFINITY : logits[i];
        const double below = ((double)logit - (double)largest) / sampler->options.temperature;
        sampler->candidates[i] = (struct candidate){logit, (int32_t)i, ls_random_exp(below)};
    }
}

/* Sorts, and returns how many of the likeliest are left after top_k and top_p. */
static int64_t cut(struct ls_sampler *sampler) {
    const struct ls_sampling_options *options = &sampler->options;
    const bool some = options->top_k > 0 && options->top_k < sampler->count;
    int64_t left = some ? options->top_k : sampler->count;
    if (!some && (options->top_p <= 0 || options->top_p >= 1))
        return left;
    qsort(sampler->candidates, (size_t)sampler->count, sizeof *sampler->candidates,
          likeliest_first);
    if (options->top_p <= 0 || options->top_p >= 1)
        return left;
    double total = 0, sum = 0;
    for (int64_t i = 0; i < left; i++)
        total += sampler->candidates[i].share;
    for (int64_t i = 0; i < left; i++) {
        sum += sampler->candidates[i].share;
        if (sum >= options->top_p * total)
            return i + 1;
    }
    return left;
}

int32_t ls_sampler_next(struct ls_sampler *sampler, const float *logits, uint64_t sequence,
                        uint64_t position) {
    const struct ls_random_key key =
        ls_random_key(sampler->options.seed, LS_STREAM_GENERATE, sequence, position);
    const int32_t first = likeliest(logits, sampler->count);
    if (sampler->options.temperature <= 0 || !isfinite(logits[first]))
        return first;
    gather(sampler, logits, logits[first]);
    const int64_t left = cut(sampler);
    double total = 0, sum = 0;
    for (int64_t i = 0; i < left; i++)
        total += sampler->candidates[i].share;
    const double wanted = ls_random_uniform(key, 0) * total;
    for (int64_t i = 0; i < left; i++) {
        sum += sampler->candidates[i].share;
        if (wanted < sum)
            return sampler->candidates[i].token;
    }
    return first; /* a draw within rounding of 1 */
}
