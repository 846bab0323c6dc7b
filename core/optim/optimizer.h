/* Optimisers over a slice of the flat buffer, in one pass over memory per step.
 *
 * The gradient that comes in is a sum over the batch. The mean is g = sum * (1.0f / weight); then
 * clipping by value, then g *= clip_factor (clipping by the norm of what that left), then decay and
 * the update rule.
 * Statistics in the slice get their running update; constants are left alone. */
#ifndef LS_OPTIM_OPTIMIZER_H
#define LS_OPTIM_OPTIMIZER_H

#include "core/base/field.h"
#include "core/graph/parameters.h"
#include "core/tensor/isa.h"

enum ls_optimizer_kind {
    LS_SGD,      /* p -= lr g */
    LS_MOMENTUM, /* v = m v + g; p -= lr v (Sutskever et al. 2013) */
    LS_NESTEROV,
    LS_RMSPROP, /* Tieleman & Hinton 2012; centred: Graves 2013 */
    LS_ADAGRAD, /* Duchi et al. 2011 */
    LS_ADAM,    /* Kingma & Ba 2015, algorithm 1 */
    LS_ADAMW,   /* Loshchilov & Hutter 2019 */
    LS_LARS,    /* You et al. 2017, algorithm 1: v = m v + lr trust |p| / (|g| + decay |p|) (g +
                   decay p); p -= v */
    LS_LAMB     /* You et al. 2020, algorithm 2, with r Adam's step: p -= lr |p| / |r + decay p| (r
                   + decay p) */
};

/* The `optimizer` section of a config. */
struct ls_optimizer_options {
    int name; /* enum ls_optimizer_kind */
    double learning_rate;
    double momentum;         /* momentum, nesterov */
    double rmsprop_momentum; /* 0: plain */
    double decay_rate;       /* rmsprop's smoothing */
    bool centred;            /* rmsprop */
    double beta1, beta2, epsilon;
    double weight_decay; /* added to g (L2), or decoupled for adamw; not on biases and norms */
    double trust;        /* lars */
    struct ls_pattern_list factors; /* of the learning rate, by names of parameters */
    double clip_norm;               /* 0: off */
    double clip_value;              /* 0: off */
};
extern const struct ls_fields ls_optimizer_fields;

/* base^exponent by squaring, so that the bits do not depend on a libm. */
double ls_power(double base, uint64_t exponent);

struct ls_optimizer;

/* State for the elements [begin, end). set is borrowed. */
struct ls_optimizer *ls_optimizer_create(const struct ls_optimizer_options *options,
                                         const struct ls_parameter_set *set, int64_t begin,
                                         int64_t end, enum ls_variant variant);
void ls_optimizer_destroy(struct ls_optimizer *optimizer);

/* The state arrays (end - begin floats each), for checkpoints: "momentum", "moment1", "moment2",
 * ... */
int ls_optimizer_state_count(const struct ls_optimizer *optimizer);
const char *ls_optimizer_state_name(const struct ls_optimizer *optimizer, int index);
float *ls_optimizer_state(struct ls_optimizer *optimizer, int index);

/* Rules that go by the norms of whole parameters (lars, lamb): before each step every slice is
 * measured, and the sums of all slices' blocks are shown to every slice's optimiser. Biases and
 * norms, which do not decay, and parameters of norm 0 get the plain rate. */
bool ls_optimizer_measures(const struct ls_optimizer *optimizer);
struct ls_measures {
    double *parameters, *steps; /* sums of squares, in the order of ls_norm_walk */
};

struct ls_update {
    uint64_t step; /* 1 for the first update (Adam's bias correction) */
    double learning_rate;
    double weight;      /* of the global batch */
    int microbatches;   /* non-empty ones of the global batch (running statistics) */
    double clip_factor; /* 1 unless clipped by norm; see ls_clip_factor */
    int64_t first, end; /* of the slice, the elements to update; end 0: all. Several threads may
                           update ranges of their own */
    bool stream;        /* see struct ls_update_range */
};

/* Of the elements that update says; a lamb's moments become those of this step. */
void ls_optimizer_measure(struct ls_optimizer *optimizer, const struct ls_update *update,
                          const float *parameters, const float *gradients,
                          struct ls_measures measures);
/* group: the one that the slices are of. */
void ls_optimizer_trust(struct ls_optimizer *optimizer, struct ls_range group,
                        struct ls_measures all);

/* parameters: the flat buffer; gradients: the slice's sums, gradients[0] belongs to element
 * `begin`. */
void ls_optimizer_step(struct ls_optimizer *optimizer, const struct ls_update *update,
                       float *parameters, const float *gradients);

/* Squared gradient norms. A unit of a parameter (parameters.h) is summed in double in blocks of
 * 4096 elements, blocks in order; statistics and constants do not count. Slices hold whole units.
 */
struct ls_norm_block {
    int parameter;        /* index in the set */
    int64_t first, count; /* elements */
    int64_t index;        /* among the blocks */
};
typedef void ls_norm_visit(void *context, const struct ls_norm_block *block);
/* Calls visit (NULL: nobody) for each block of a slice, or of a group; returns how many there are.
 */
int64_t ls_norm_walk(const struct ls_parameter_set *set, struct ls_range range,
                     ls_norm_visit *visit, void *context);
int64_t ls_norm_blocks(const struct ls_parameter_set *set, int64_t begin, int64_t end);
double ls_norm_block_sum(const float *values, int64_t count);
void ls_norm_block_sums(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                        const float *gradients, double *sums);
/* The same where no element is larger than `limit` either way: clipped by value. */
void ls_norm_clipped_block_sums(const struct ls_parameter_set *set, int64_t begin, int64_t end,
                                const float *gradients, double limit, double *sums);
/* The norm of each weight of a group, from the sums of all its blocks, those of a parameter along
 * the tree: norms[i] is that of the set's item i, others are left alone. */
void ls_norm_parameters(const struct ls_parameter_set *set, struct ls_range group,
                        const double *sums, double *norms);
/* All blocks of the whole buffer, along the tree: the norm of the mean gradient. */
double ls_norm_finish(const double *sums, int64_t blocks, double weight);
/* min(1, clip_norm / norm); 1 if clip_norm is 0. Pascanu et al. 2013. */
double ls_clip_factor(double norm, double clip_norm);

#endif
