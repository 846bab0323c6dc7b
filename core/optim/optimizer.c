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
    [LS_LARS] = {LS_UPDATE_LARS, {"momentum"}},
    [LS_LAMB] = {LS_UPDATE_LAMB, {"moment1", "moment2"}},
};

struct ls_optimizer {
    struct ls_optimizer_options options;
    const struct ls_parameter_set *set; /* borrowed */
    int64_t begin, end;
    ls_update_function *update;
    int state_count;
    int position[STATES_MAX]; /* in kind.state, of each array in use */
    float *state[STATES_MAX]; /* owned; by position; NULL where not used */
    double *factors;          /* owned; per parameter of the set, of the learning rate */
    double *trusts;           /* owned; the same, of this step's measures; NULL: not measured */
    double *norms;            /* of the parameters, while these are made; behind them */
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
    optimizer->factors = ls_calloc((size_t)set->count + 1, sizeof *optimizer->factors);
    for (int i = 0; i < set->count; i++) {
        const int factor = ls_patterns_find(&options->factors, set->items[i]->name);
        optimizer->factors[i] = factor >= 0 ? options->factors.items[factor].value : 1;
    }
    if (options->name == LS_LARS || options->name == LS_LAMB)
        optimizer->trusts = ls_calloc(2 * (size_t)set->count + 1, sizeof *optimizer->trusts);
    optimizer->norms = optimizer->trusts ? optimizer->trusts + set->count : NULL;
    return optimizer;
}

void ls_optimizer_destroy(struct ls_optimizer *optimizer) {
    if (!optimizer)
        return;
    for (int i = 0; i < STATES_MAX; i++)
        ls_memory_unmap(optimizer->state[i], state_bytes(optimizer));
    free(optimizer->factors);
    free(optimizer->trusts);
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

double ls_power(double base, uint64_t exponent) {
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

/* Everything that is the same for all elements of a parameter, computed in double and rounded once.
 */
static struct ls_update_factors factors_of(const struct ls_optimizer *optimizer,
                                           const struct ls_update *update, int parameter) {
    const struct ls_optimizer_options *o = &optimizer->options;
    const double trust = optimizer->trusts ? optimizer->trusts[parameter] : 1;
    const double rate = update->learning_rate * optimizer->factors[parameter] * trust;
    const double decay = optimizer->set->items[parameter]->decay ? o->weight_decay : 0;
    struct ls_update_factors f = {
        .scale = 1.0f / (float)update->weight,
        .clip_value = o->clip_value > 0 ? (float)o->clip_value : INFINITY,
        .clip_factor = (float)update->clip_factor,
        .decay = (float)decay,
        .shrink = 1,
        .rate = (float)rate,
        .momentum = (float)(o->name == LS_RMSPROP ? o->rmsprop_momentum : o->momentum),
        .keep1 = (float)o->beta1,
        .take1 = (float)(1 - o->beta1),
        .keep2 = (float)(o->name == LS_RMSPROP ? o->decay_rate : o->beta2),
        .take2 = (float)(1 - (o->name == LS_RMSPROP ? o->decay_rate : o->beta2)),
        .epsilon = (float)o->epsilon,
    };
    if (o->name == LS_ADAM || o->name == LS_ADAMW || o->name == LS_LAMB) {
        const double seen1 = 1 - ls_power(o->beta1, update->step);
        f.root = (float)(1 / sqrt(1 - ls_power(o->beta2, update->step)));
        f.first = (float)(1 / seen1);
        if (o->name != LS_LAMB)
            f.rate = (float)(rate / seen1);
    }
    if (o->name == LS_ADAMW || o->name == LS_LAMB)
        f.decay = 0;
    if (o->name == LS_ADAMW)
        f.shrink = (float)(1 - rate * decay);
    if (o->name == LS_LAMB)
        f.pull = (float)decay;
    return f;
}

static void update_statistic(int64_t count, const struct ls_parameter *parameter, int microbatches,
                             float *running, const float *slot) {
    const int uses = parameter->uses ? parameter->uses : 1;
    const float rate = (float)parameter->momentum, divisor = (float)(microbatches * uses);
    for (int64_t i = 0; i < count; i++)
        running[i] += rate * (slot[i] / divisor);
}

/* The elements that an update says; all of the slice unless it says any. */
static struct ls_range elements_of(const struct ls_optimizer *optimizer,
                                   const struct ls_update *update) {
    const struct ls_range range = {update->end ? update->first : optimizer->begin,
                                   update->end ? update->end : optimizer->end};
    LS_ASSERT(range.first >= optimizer->begin && range.end <= optimizer->end,
              "elements %lld to %lld of %lld to %lld", (long long)range.first, (long long)range.end,
              (long long)optimizer->begin, (long long)optimizer->end);
    return range;
}

static struct ls_update_range range_of(const struct ls_optimizer *optimizer, int64_t first,
                                       int64_t count, const float *gradients) {
    struct ls_update_range range = {.count = count, .sums = gradients + (first - optimizer->begin)};
    for (int s = 0; s < STATES_MAX; s++)
        range.state[s] =
            optimizer->state[s] ? optimizer->state[s] + (first - optimizer->begin) : NULL;
    return range;
}

void ls_optimizer_step(struct ls_optimizer *optimizer, const struct ls_update *update,
                       float *parameters, const float *gradients) {
    const struct ls_range elements = elements_of(optimizer, update);
    for (int i = 0; i < optimizer->set->count; i++) {
        const struct ls_parameter *parameter = optimizer->set->items[i];
        const struct ls_range own = {parameter->offset, parameter->offset + parameter->count};
        const struct ls_range part = ls_range_common(own, elements);
        const int64_t first = part.first, count = ls_range_count(part);
        if (!count || parameter->kind == LS_PARAMETER_CONSTANT)
            continue;
        if (parameter->kind == LS_PARAMETER_STATISTIC) {
            update_statistic(count, parameter, update->microbatches, parameters + first,
                             gradients + (first - optimizer->begin));
            continue;
        }
        const struct ls_update_factors factors = factors_of(optimizer, update, i);
        struct ls_update_range range = range_of(optimizer, first, count, gradients);
        range.parameters = parameters + first;
        range.stream = update->stream;
        optimizer->update(kinds[optimizer->options.name].rule, &factors, &range);
    }
}

bool ls_optimizer_measures(const struct ls_optimizer *optimizer) {
    return optimizer->trusts != NULL;
}

/* A measure on its way through the blocks of a slice. */
struct measuring {
    struct ls_optimizer *optimizer;
    const struct ls_update *update;
    const float *parameters, *gradients;
    struct ls_measures measures;
};

static void measure_block(void *context, const struct ls_norm_block *block) {
    const struct measuring *m = context;
    struct ls_optimizer *optimizer = m->optimizer;
    const bool lamb = optimizer->options.name == LS_LAMB;
    float step[LS_NORM_BLOCK];
    struct ls_update_factors factors = factors_of(optimizer, m->update, block->parameter);
    if (!lamb)
        factors.decay = 0; /* the rule adds the norms of the two, not the two */
    struct ls_update_range range = range_of(optimizer, block->first, block->count, m->gradients);
    range.parameters = (float *)(uintptr_t)(m->parameters + block->first); /* only read */
    range.state[2] = step;
    optimizer->update(lamb ? LS_UPDATE_DIRECTION : LS_UPDATE_GRADIENT, &factors, &range);
    m->measures.steps[block->index] = ls_norm_block_sum(step, block->count);
    m->measures.parameters[block->index] =
        ls_norm_block_sum(m->parameters + block->first, block->count);
}

void ls_optimizer_measure(struct ls_optimizer *optimizer, const struct ls_update *update,
                          const float *parameters, const float *gradients,
                          struct ls_measures measures) {
    struct measuring measuring = {optimizer, update, parameters, gradients, measures};
    ls_norm_walk(optimizer->set, elements_of(optimizer, update), measure_block, &measuring);
}

/* |p| and the norm of its step: the share of the learning rate that it gets. */
static double trust_of(const struct ls_optimizer_options *options, double parameter, double step) {
    if (!(parameter > 0) || !(step > 0))
        return 1;
    return options->name == LS_LAMB
               ? parameter / step
               : options->trust * parameter / (step + options->weight_decay * parameter);
}

void ls_optimizer_trust(struct ls_optimizer *optimizer, struct ls_range group,
                        struct ls_measures all) {
    const struct ls_parameter_set *set = optimizer->set;
    ls_norm_parameters(set, group, all.parameters, optimizer->norms);
    ls_norm_parameters(set, group, all.steps, optimizer->trusts);
    for (int i = 0; i < set->count; i++)
        optimizer->trusts[i] =
            set->items[i]->decay
                ? trust_of(&optimizer->options, optimizer->norms[i], optimizer->trusts[i])
                : 1;
}
