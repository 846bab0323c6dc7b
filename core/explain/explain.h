/* Explanations of a model: what its answers depend on. A method is a function of a model and of
 * samples; it knows no files and no ranks. Each file of this folder states a method's formula and
 * its paper at the top; list.h names them all.
 *
 * A method asks the model at points: variants of a sample's input. What it learns of a sample never
 * depends on the other samples of a call, and every sum over points has the order of the points, so
 * that bits do not depend on how samples are spread over ranks. */
#ifndef LS_EXPLAIN_EXPLAIN_H
#define LS_EXPLAIN_EXPLAIN_H

#include "core/base/field.h"
#include "core/explain/concepts.h"
#include "core/models/model.h"

/* The explained value of a sample: sign * output[element], or the mean over `count` elements from
 * that one on, each `step` further. */
struct ls_explained {
    int64_t element;
    float sign;          /* 1 or -1 */
    int64_t count, step; /* count 0: 1 */
};

/* A model, and the samples at hand, as methods see them. All is borrowed. */
struct ls_explainer {
    struct ls_model *model; /* made with options.explains, prepared */
    struct ls_value *of;    /* whose elements are explained; NULL: model->output */
    bool tokens; /* the input is what an embedding made: the last dimension belongs together */
    uint64_t seed;
    const float *baseline; /* [width] stands for "nothing there"; NULL where no method asks. Where
                            * several do, [baseline_count, width], it is their mean */
    int64_t baseline_count;
    const float *baselines;
    const float *deviations; /* [width] of the training data about the baseline, its mean; NULL
                              * where no method asks */
    /* [outputs] Of standardised targets, whose own units are explained: output / scale + mean.
     * NULL: outputs are taken as they are. */
    const float *scales;
    const double *means;
    int64_t rows;                         /* samples at hand */
    const float *inputs;                  /* [rows, width] what model->explained takes */
    const void *feeds[LS_FEEDS_MAX];      /* [rows, ...] of the model's inputs; NULL: not read */
    const uint64_t *ids;                  /* [rows] numbers of the samples in the data set */
    const struct ls_explained *explained; /* [rows] */
    /* [rows] of methods that judge: labels of a classification, else the outputs that were wanted,
     * [rows, ...], in the units of the model's. */
    const int32_t *labels;
    const float *targets;
    /* Of methods that look at the training data: its samples' values of model->layer, and their
     * numbers in the data set. */
    int64_t known;
    const float *known_values;
    const uint64_t *known_ids;
    const int32_t *known_labels;        /* NULL: not known */
    const struct ls_concepts *concepts; /* of a method that sets them; else NULL */
};

/* Numbers of one sample of the explained input. */
int64_t ls_explainer_width(const struct ls_explainer *explainer);
/* The shape of a sample's attributions: that of the input, without the width of an embedding. */
struct ls_shape ls_explainer_shape(const struct ls_explainer *explainer);

/* How many baselines there are, at least 1; the k-th. */
int64_t ls_explainer_baselines(const struct ls_explainer *explainer);
const float *ls_explainer_baseline(const struct ls_explainer *explainer, int64_t k);

/* The explained value of a sample's output; and how much of it is the mean of standardised targets,
 * the same at every point. */
double ls_explained_value(const struct ls_explainer *explainer,
                          const struct ls_explained *explained, const float *output);
double ls_explained_offset(const struct ls_explainer *explainer,
                           const struct ls_explained *explained);

/* What the model says at a point. */
struct ls_probe {
    double value;          /* the explained one */
    const float *gradient; /* [width] of it by the input; NULL unless asked for */
    int64_t row;           /* in the graph's values, for methods that look into them */
};

/* Asks at `points` points of each of some samples, sample by sample. */
struct ls_sweep {
    int64_t first, samples; /* of those at hand */
    int64_t points;
    bool gradients;
    /* Changes to[width], which holds the sample's input; NULL: the one point is the sample. */
    void (*make)(void *context, int64_t sample, int64_t point, float *to);
    void (*take)(void *context, int64_t sample, int64_t point, const struct ls_probe *probe);
    void *context;
};
void ls_explainer_sweep(const struct ls_explainer *explainer, const struct ls_sweep *sweep);

/* The values of model->layer of all samples at hand, [rows, ...]; of a model that is cut, those at
 * the cut. */
void ls_explainer_layer(const struct ls_explainer *explainer, float *to);

/* Of a model that is cut: whether its answer follows from what is at the cut, and is not that
 * itself. */
bool ls_explainer_goes_on(const struct ls_explainer *explainer);

/* How the numbers of a token become one: their sum keeps what adds up, their norm is a strength. */
enum ls_token_rule { LS_TOKEN_SUM, LS_TOKEN_NORM };
/* A sample's attributions values[width] to to[...], of the shape above. */
void ls_explainer_store(const struct ls_explainer *explainer, const double *values,
                        enum ls_token_rule rule, float *to);

/* Which value of the output is explained. */
enum ls_target_kind { LS_TARGET_PREDICTED, LS_TARGET_LABEL, LS_TARGET_CLASS };
struct ls_target {
    enum ls_target_kind kind;
    int64_t class;         /* of LS_TARGET_CLASS */
    const int32_t *labels; /* [rows] of LS_TARGET_LABEL */
    bool classifies;       /* else the output is numbers, and class counts all of a sample's */
    int64_t position;      /* of an output with positions: its classes there; -1: the last */
    const int32_t
        *lengths; /* [rows] how many positions count, of which -1 is the last; NULL: all */
};
/* Classes between which the target chooses: 2 for one logit, whose class 0 has -logit. */
int64_t ls_target_count(const struct ls_explainer *explainer, const struct ls_target *target);
/* The position of a sample at hand, of so many. */
int64_t ls_target_position(const struct ls_target *target, int64_t sample, int64_t positions);
/* Explained and predicted (a class, or the element) of each sample at hand, and its value. */
void ls_target_choose(const struct ls_explainer *explainer, const struct ls_target *target,
                      struct ls_explained *explained, int32_t *predicted, float *values);

/* Arrays that a method makes, one row for each sample or unit. */
enum { LS_RESULTS_MAX = 64, LS_RESULT_NAME_MAX = LS_NAME_MAX };
struct ls_results {
    int count;
    struct ls_result {
        char name[LS_RESULT_NAME_MAX]; /* "attributions" */
        struct ls_shape row_shape;
        bool integer; /* int32, else float */
        bool wide;    /* of 64 bits: double, int64 */
        bool picture; /* may be looked at: [height, width], or that and 1 or 3 channels */
        /* Weights, from 0 on, of positions that look (rows) for those looked at (columns):
         * [queries, keys], or of each head [heads, queries, keys]. */
        bool attention;
        bool single; /* one row for all, made where `first` of the explanation is 0 */
    } items[LS_RESULTS_MAX];
};
struct ls_result *ls_results_add(struct ls_results *results, const char *name,
                                 struct ls_shape row_shape);
/* The place of the one of that name; -1: there is none. */
int ls_results_find(const struct ls_results *results, const char *name);

struct ls_explanation {
    const struct ls_explainer *explainer;
    const void *options;           /* of the method */
    int64_t first, count;          /* units; of samples: those at hand */
    void *results[LS_RESULTS_MAX]; /* out: [count, ...] each, in the order of describe */
    int64_t missed;                /* out: samples that `missed` of the method is said of */
};

enum ls_baseline { LS_BASELINE_AUTO, LS_BASELINE_ZERO, LS_BASELINE_MEAN, LS_BASELINE_SAMPLES };
struct ls_baseline_options {
    int baseline;    /* enum ls_baseline; auto: the mean for tables, else zero */
    int64_t samples; /* of LS_BASELINE_SAMPLES */
};
extern const char *const ls_baseline_names[];
#define LS_BASELINE_FIELDS(usual, usual_help)                                                      \
    {.name = "baseline",                                                                           \
     .kind = LS_FIELD_CHOICE,                                                                      \
     .offset = offsetof(struct ls_baseline_options, baseline),                                     \
     .initial = usual,                                                                             \
     .choices = ls_baseline_names,                                                                 \
     .help = "stands for nothing: zero, or mean or samples of the training data" usual_help},      \
    {                                                                                              \
        .name = "baseline_samples", .kind = LS_FIELD_INTEGER,                                      \
        .offset = offsetof(struct ls_baseline_options, samples), .initial = "8", .min = 1,         \
        .max = 65536, .help = "how many are drawn; attributions are the mean over them"            \
    }

/* Which layer a method looks at unless told. */
enum ls_layer_rule {
    LS_LAYER_UNUSED,
    LS_LAYER_LAST_CONVOLUTION,
    LS_LAYER_LAST_HIDDEN,
    LS_LAYER_FIRST_WEIGHTS, /* the first convolution or linear layer */
    LS_LAYER_OUTPUT,        /* none: the output of the model */
    LS_LAYER_CONCEPTS,      /* what a loss judges before the output, with its sigmoid */
    LS_LAYER_PROTOTYPES     /* the layer of that kind */
};

struct ls_explain_method {
    const char *name, *help; /* one line */
    struct ls_fields fields; /* of its options; they begin with ls_baseline_options if it has one */
    size_t options_size;
    bool gradients; /* needs an input of numbers; indices become those of their embedding */
    bool baseline;
    bool spread; /* needs the deviation of inputs that are no images; their mean is the baseline */
    bool judges; /* needs what the answers should be */
    bool training; /* needs the training data's values of the layer */
    /* The model begins anew there, at the layer (that of prototypes: at what they are compared
     * with): the inputs are the values that it has made of the samples, and may be changed. */
    bool cuts;
    bool concepts; /* --set names concepts */
    enum ls_layer_rule layer;
    /* Rows of the results are so many units, columns, filters ..., of which `explain` makes
     * explanation->count from explanation->first on; where it judges, from all samples at once,
     * else from none. NULL: rows are samples. */
    int64_t (*units)(const struct ls_explainer *explainer, const void *options);
    const char *missed; /* what is said of samples that missed something; NULL: none can */
    /* What it makes; the first result of attributions has the shape of ls_explainer_shape. An error
     * says why the model does not fit. */
    enum ls_status (*describe)(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error);
    void (*explain)(struct ls_explanation *explanation);
};

/* A describe for methods that make attributions alone, of any model. */
enum ls_status ls_explain_attributions(const struct ls_explainer *explainer, const void *options,
                                       struct ls_results *results, struct ls_error *error);

/* The table of list.h; and the method of that name, or NULL. */
const struct ls_explain_method *const *ls_explain_methods(int *count);
const struct ls_explain_method *ls_explain_find(const char *name);

#endif
