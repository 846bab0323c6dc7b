/* Parameters: names and plain shapes on one side, ranges of one flat buffer on the other.
 *
 * The set describes; it owns no weights. Offsets and counts are in elements (float, or double in a
 * reference graph). Every parameter starts at a multiple of 16 elements (64 bytes of float). The
 * order in the buffer is the order in which backward finishes the gradients, set by ls_graph_plan.
 */
#ifndef LS_GRAPH_PARAMETERS_H
#define LS_GRAPH_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/base/random.h"
#include "core/tensor/layout.h"
#include "core/tensor/shape.h"

enum { LS_NAME_MAX = 160 };

/* Groups: what one phase of training updates is one group, and lies in one range of the buffer.
 * The last group is what no phase updates: constants, frozen parameters. */
enum { LS_GROUP_NONE = -1, LS_GROUPS_MAX = 4, LS_GROUP_FIXED = LS_GROUPS_MAX };

enum ls_parameter_kind {
    LS_PARAMETER_WEIGHT, /* trained by the optimiser */
    /* A running statistic. Its slot in the gradient buffer takes, summed over microbatches,
     * (the microbatch's statistic - running value); the update is
     * running += momentum * slot / (non-empty microbatches of the global batch * uses). */
    LS_PARAMETER_STATISTIC,
    LS_PARAMETER_CONSTANT /* set once from data (standardisation); never updated */
};

enum ls_initialiser_kind {
    LS_INIT_ZEROS,
    LS_INIT_CONSTANT,
    LS_INIT_UNIFORM,        /* in [-scale, scale] */
    LS_INIT_NORMAL,         /* mean 0, standard deviation scale */
    LS_INIT_GLOROT_UNIFORM, /* Glorot & Bengio 2010 */
    LS_INIT_GLOROT_NORMAL,
    LS_INIT_HE_UNIFORM, /* He et al. 2015 */
    LS_INIT_HE_NORMAL,
    LS_INIT_LECUN_UNIFORM, /* LeCun et al. 1998 */
    LS_INIT_LECUN_NORMAL,
    LS_INIT_ORTHOGONAL, /* Saxe et al. 2014; Householder in double */
    LS_INIT_VALUES,     /* given, in plain row-major order (class weights) */
    LS_INIT_STRETCH,    /* a number in elements [first, end), zeros beside (forget gates) */
    LS_INIT_SINUSOIDAL  /* [positions, channels]: Vaswani et al. 2017 (tensor/positions.h) */
};

struct ls_initialiser {
    enum ls_initialiser_kind kind;
    double scale; /* constant, stretch: the value; uniform, normal: see above; orthogonal: gain. 0
                     means 1 except for these two */
    double fan_in, fan_out; /* inputs and outputs of a unit; 0: as the shape says (initialise.c) */
    const double *values;   /* LS_INIT_VALUES: borrowed until ls_parameters_initialise has run */
    int64_t first, end;     /* LS_INIT_STRETCH */
};

struct ls_parameter {
    char name[LS_NAME_MAX];
    struct ls_shape shape; /* plain: linear [in, out], convolution [kh, kw, in/groups, out],
                              transposed convolution [kh, kw, out/groups, in] */
    enum ls_layout layout;
    enum ls_parameter_kind kind;
    bool decay;      /* weight decay applies (not to biases and norms) */
    double momentum; /* of a statistic */
    int uses;        /* of a statistic: nodes that it learns from; 0 (not planned) means 1 */
    struct ls_initialiser init;
    int group; /* below LS_GROUPS_MAX, or LS_GROUP_FIXED (constants always are) */

    int64_t offset; /* in the flat buffer; -1 before planning */
    int64_t count;  /* stored elements, padding included; a multiple of 16 */
    int64_t unit;   /* a slice may be cut at offset + i * unit; a multiple of 16 */
    int order;      /* position by name, bytewise: the digest's order */
};

/* Elements [first, end) of the flat buffer. */
struct ls_range {
    int64_t first, end;
};

static inline int64_t ls_range_count(struct ls_range range) {
    return range.end - range.first;
}

/* What two ranges have in common; of no elements if that is nothing. */
static inline struct ls_range ls_range_common(struct ls_range a, struct ls_range b) {
    const struct ls_range c = {a.first > b.first ? a.first : b.first,
                               a.end < b.end ? a.end : b.end};
    return c.first < c.end ? c : (struct ls_range){a.first, a.first};
}

/* In layout order once planned. Owned by whoever created it. */
struct ls_parameter_set {
    struct ls_parameter **items;
    int count, capacity;
    int64_t total;                             /* of the flat buffer; a multiple of 16 */
    struct ls_range groups[LS_GROUPS_MAX + 1]; /* one after the other; empty where there is none */
    bool planned;
};

struct ls_parameter_set *ls_parameters_create(void);
void ls_parameters_destroy(struct ls_parameter_set *set);

const struct ls_parameter *ls_parameters_find(const struct ls_parameter_set *set, const char *name);

/* Adds one, or returns the one of that name if shape, layout and kind agree (an evaluation graph
 * shares the training graph's set); otherwise LS_INVALID. */
LS_MUST_USE enum ls_status ls_parameters_add(struct ls_parameter_set *set,
                                             const struct ls_parameter *description,
                                             struct ls_parameter **added, struct ls_error *error);

/* Gives out offsets group after group, in the present order of items. Called by ls_graph_plan. */
void ls_parameters_layout(struct ls_parameter_set *set);

/* Trained numbers; padding, statistics and what is frozen are not counted. */
int64_t ls_parameters_trained(const struct ls_parameter_set *set);

/* Elements of a parameter's plain form (no padding). */
int64_t ls_parameter_plain_count(const struct ls_parameter *parameter);

/* Initial values into the flat buffer (all of it, padding included). */
void ls_parameters_initialise(const struct ls_parameter_set *set, uint64_t seed, float *flat);

/* Plain row-major <-> storage, one whole parameter; stored points at its offset. */
void ls_parameter_store(const struct ls_parameter *parameter, const float *plain, float *stored);
void ls_parameter_fetch(const struct ls_parameter *parameter, const float *stored, float *plain);
/* The same for the double reference. */
void ls_parameter_store_f64(const struct ls_parameter *parameter, const double *plain,
                            double *stored);
void ls_parameter_fetch_f64(const struct ls_parameter *parameter, const double *stored,
                            double *plain);

/* The digest of a run's parameters: XXH64 over (name, NUL, plain little-endian float32) of every
 * parameter and statistic, names in byte order. */
uint64_t ls_parameters_digest(const struct ls_parameter_set *set, const float *flat);

/* Slices: what part `part` of `parts` owns of a group's range (LS_GROUP_FIXED is a group, too), cut
 * at units only and as even as those allow. One begins where the one before it ends. */
struct ls_range ls_parameters_slice(const struct ls_parameter_set *set, int group, int part,
                                    int parts);

/* A block: the part of one parameter that lies in a slice: of its plain form: `count`
 * rows of `axis` from `first` on (axis 0 for plain storage, the last axis for panels). */
struct ls_parameter_block {
    const struct ls_parameter *parameter;
    int axis;
    int64_t first, count;
    struct ls_shape shape; /* of the block: the plain shape with dims[axis] = count */
    int64_t offset;        /* in the flat buffer */
    int64_t stored;        /* elements there */
};

/* The blocks of a slice, in order, and how many. Owned by the caller: free. */
struct ls_parameter_block *ls_parameters_blocks(const struct ls_parameter_set *set,
                                                struct ls_range slice, int *count);

/* Block in plain row-major order <-> storage; stored points at the block's offset. */
void ls_parameter_block_store(const struct ls_parameter_block *block, const float *plain,
                              float *stored);
void ls_parameter_block_fetch(const struct ls_parameter_block *block, const float *stored,
                              float *plain);

#endif
