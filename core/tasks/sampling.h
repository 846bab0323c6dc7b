/* The next token of a generated sequence, from the logits that a model gives for it: the likeliest,
 * or one drawn from softmax(logits / temperature), perhaps of the k likeliest alone, or of the
 * least number of likeliest ones that have probability p together (the nucleus; Holtzman et al.
 * 2020).
 *
 * A draw is a function of (seed, sequence, position) and of the logits, and owes no bit to libm. */
#ifndef LS_TASKS_SAMPLING_H
#define LS_TASKS_SAMPLING_H

#include <stdint.h>

#include "core/base/status.h"

struct ls_sampling_options {
    double temperature; /* 0: the likeliest, nothing is drawn */
    int64_t top_k;      /* 0: all */
    double top_p;       /* 0 or 1: all; the k likeliest are taken first */
    uint64_t seed;
};

struct ls_sampler;

/* For logits of `count` tokens. Refuses options out of their range. The sampler allocates here and
 * nowhere else; ls_sampler_destroy. */
LS_MUST_USE enum ls_status ls_sampler_create(struct ls_sampler **sampler,
                                             const struct ls_sampling_options *options,
                                             int64_t count, struct ls_error *error);
void ls_sampler_destroy(struct ls_sampler *sampler);

/* The token at a position of a sequence (any numbers that tell sequences and positions apart). Of
 * equal logits the lowest token comes first; what is not a number is never chosen unless nothing
 * else is there. */
int32_t ls_sampler_next(struct ls_sampler *sampler, const float *logits, uint64_t sequence,
                        uint64_t position);

#endif
