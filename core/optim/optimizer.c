#include "core/optim/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/tensor/kernels/update.h"

enum { STATES_MAX = 3 };

/* state: what the arrays that the rule works on are called; by position, see update.h. */
struct kind {
    enum ls_update_rule rule;
    const char *state[STATES_MAX];
};

static const struct kind kinds[] = {
    [LS_SGD] = {LS_UPDATE_SGD, {0}},
    [LS_MOMENTUM] = {LS_UPDATE_MOMENTUM, {"momentum"}},
    [LS_NESTEROV] = {LS_UPDATE_NESTEROV, {"momentum"}},
    [LS_RMSPROP] = {LS_UPDATE_RMSPROP, {"moment2", "moment1", "momentum"}},
    [LS_ADAGRAD] = {LS_UPDATE_ADAGRAD, {"sum_of_squares"}},
    [LS_ADAM] = {LS_UPDATE_ADAM, {"moment1", "moment2"}},
    [LS_ADAMW] = {LS_UPDATE_ADAM, {"moment1", "moment2"}},
};

struct ls_optimizer {
    struct ls_optimizer_options options;
    const struct ls_parameter_set *set; /* borrowed */
    int64_t begin, end;
    ls_update_function *update;
    int state_count;
    int position[STATES_MAX]; /* in kind.state, of each array in use */
    float *state[STATES_MAX]; /* owned; by position; NULL where not used */
};

static ls_update_function *update_function(enum ls_variant variant) {
    switch (variant) {
#if LS_X86
    case LS_F32_AVX2:
        return ls_update_f32_avx2;
    case LS_F32_AVX512:
        return ls_update_f32_avx512;
#endif
    default:
        return ls_update_f32_portable;
    }
}

/* RMSprop keeps the mean only if it is centred, and the momentum only if there is one. */
static bool needs_state(const struct ls_optimizer_options *options, int position) {
    if (options->name == LS_RMSPROP && position > 0)
        return position == 1 ? options->centred : options->rmsprop_momentum > 0;
    return kinds[options->name].state[position] != NULL;
}

static size_t state_bytes(const struct ls_optimizer *optimizer) {
    return (size_t)(optimizer->end - optimizer->begin) * sizeof(float);
}

struct ls_optimizer *ls_optimizer_create(const struct ls_optimizer_options *options,
                                         const struct ls_parameter_set *set, int64_t begin,
                                         int64_t end, enum ls_variant variant) {
    struct ls_optimizer *optimizer = ls_calloc(1, sizeof *optimizer);
    *optimizer = (struct ls_optimizer){.options = *options,
                                       .set = set,
                                       .begin = begin,
                                       .end = end,
                                       .update = update_function(variant)};
    for (int i = 0; i < STATES_MAX; i++)
        if (needs_state(options, i)) {
            optimizer->position[optimizer->state_count++] = i;
            optimizer->state[i] = ls_memory_map(state_bytes(optimizer));
        }
    return optimizer;
}

void ls_optimizer_destroy(struct ls_optimizer *optimizer) {
    if (!optimizer)
        return;
    for (int i = 0; i < STATES_MAX; i++)
        ls_memory_unmap(optimizer->state[i], state_bytes(optimizer));
    free(optimizer);
}

int ls_optimizer_state_count(const struct ls_optimizer *optimizer) {
    return optimizer->state_count;
}

const char *ls_optimizer_state_name(const struct ls_optimizer *optimizer, int index) {
    return kinds[optimizer->options.name].state[optimizer->position[index]];
}

float *ls_optimizer_state(struct ls_optimizer *optimizer, int index) {
    return optimizer->state[optimizer->position[index]];
}

/* By squaring, so that the bits do not depend on a libm. */
static double power(double base, uint64_t exponent) {
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

/* Everything that is the same for all elements, computed in double and rounded once. */
static struct ls_update_factors factors_of(const struct ls_optimizer_options *o,
                                           const struct ls_update *update) {
    struct ls_update_factors f = {
        .scale = 1.0f / (float)update->weight,
        .clip_value = o->clip_value > 0 ? (float)o->clip_value : INFINITY,
        .clip_factor = (float)update->clip_factor,
        .shrink = 1,
        .rate = (float)update->learning_rate,
        .momentum = (float)o->momentum,
        .epsilon = (float)o->epsilon,
    };
    if (o->name == LS_RMSPROP) {
        f.momentum = (float)o->rmsprop_momentum;
        f.keep2 = (float)o->decay_rate;
        f.take2 = (float)(1 - o->decay_rate);
    }
    if (o->name == LS_ADAM || o->name == LS_ADAMW) {
        f.keep1 = (float)o->beta1;
        f.take1 = (float)(1 - o->beta1);
        f.keep2 = (float)o->beta2;
        f.take2 = (float)(1 - o->beta2);
        f.rate = (float)(update->learning_rate / (1 - power(o->beta1, update->step)));
        f.root = (float)(1 / sqrt(1 - power(o->beta2, update->step)));
    }
    return f;
}

static void set_decay(struct ls_update_factors *factors, const struct ls_optimizer_options *options,
                      const struct ls_update *update, bool decay) {
    const double strength = decay ? options->weight_decay : 0;
    if (options->name == LS_ADAMW)
        factors->shrink = (float)(1 - update->learning_rate * strength);
    else
        factors->decay = (float)strength;
}

static void update_statistic(int64_t count, const struct ls_parameter *parameter, int microbatches,
                             float *running, const float *slot) {
    const int uses = parameter->uses ? parameter->uses : 1;
    const float rate = (float)parameter->momentum, divisor = (float)(microbatches * uses);
    for (int64_t i = 0; i < count; i++)
        running[i] += rate * (slot[i] / divisor);
}

void ls_optimizer_step(struct ls_optimizer *optimizer, const struct ls_update *update,
                       float *parameters, const float *gradients) {
    const int64_t begin = optimizer->begin;
    const int64_t from = update->end ? update->first : begin;
    const int64_t end = update->end ? update->end : optimizer->end;
    LS_ASSERT(from >= begin && end <= optimizer->end, "elements %lld to %lld of %lld to %lld",
              (long long)from, (long long)end, (long long)begin, (long long)optimizer->end);
    struct ls_update_factors factors = factors_of(&optimizer->options, update);
    for (int i = 0; i < optimizer->set->count; i++) {
        const struct ls_parameter *parameter = optimizer->set->items[i];
        const int64_t stop = parameter->offset + parameter->count;
        const int64_t first = parameter->offset > from ? parameter->offset : from;
        const int64_t count = (stop < end ? stop : end) - first;
        if (count <= 0 || parameter->kind == LS_PARAMETER_CONSTANT)
            continue;
        if (parameter->kind == LS_PARAMETER_STATISTIC) {
            update_statistic(count, parameter, update->microbatches, parameters + first,
                             gradients + (first - begin));
            continue;
        }
        struct ls_update_range range = {.count = count,
                                        .parameters = parameters + first,
                                        .sums = gradients + (first - begin),
                                        .stream = update->stream};
        for (int s = 0; s < STATES_MAX; s++)
            range.state[s] = optimizer->state[s] ? optimizer->state[s] + (first - begin) : NULL;
        set_decay(&factors, &optimizer->options, update, parameter->decay);
        optimizer->update(kinds[optimizer->options.name].rule, &factors, &range);
    }
}
