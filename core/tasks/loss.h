/* A loss: a layer that ends in [rows, 2] (per sample the weighted loss and the weight) and knows
 * its metrics. One constant struct each, listed in list.h. A phase of training makes the weighted
 * sum of its terms small; a term is one loss on one value of the phase's graph.
 *
 * Sums come first: per microbatch a loss adds up doubles (loss, weight, hits, ...). The caller sums
 * them over microbatches along the tree and over batches in order, then ls_terms_metrics turns sums
 * into values. So metrics, like gradients, do not depend on the number of ranks. */
#ifndef LS_TASKS_LOSS_H
#define LS_TASKS_LOSS_H

#include "core/layers/layer.h"

enum {
    LS_METRICS_MAX = 512,
    LS_METRIC_NAME_MAX = 96,
    LS_CLASSES_MAX = 65536,
    LS_BASELINES_MAX = 4,
    LS_JUDGED_MAX = 32,
    LS_CONFUSION_CLASSES_MAX = 256 /* above it no confusion matrix: it grows with the square */
};

/* Of one class: how often it was the label and the answer, the answer, the label. */
struct ls_class_counts {
    double hits, predicted, labelled;
};
enum { LS_CLASS_COUNTS = 3 }; /* members */

struct ls_metric {
    char name[LS_METRIC_NAME_MAX]; /* "loss", "accuracy", "concepts.accuracy" */
    double value;
    bool higher_is_better;
    bool of_classes; /* what is known of single classes beside the accuracy */
};

/* What a term's answers are beside its labels: of classes, or of labels that a sample may have
 * several of. All is borrowed, counts and confusion from the sums. */
struct ls_judged {
    char prefix[LS_METRIC_NAME_MAX]; /* in front of the names of the term's metrics: "digit.", "" */
    const char *target;              /* the feed of the labels */
    int classes;
    const struct ls_class_counts *counts; /* [classes]; or NULL */
    const double *confusion; /* [classes][classes], row = label, column = prediction; or NULL */
};

struct ls_metrics {
    int count, judged_count;
    struct ls_metric items[LS_METRICS_MAX]; /* "loss" first */
    struct ls_judged judged[LS_JUDGED_MAX]; /* of the terms that have classes */
};

struct ls_loss;

/* One loss in one phase's graph. */
struct ls_term {
    const struct ls_loss *loss;
    const struct ls_layer_spec *spec; /* borrowed */
    struct ls_value *of;              /* what is judged; borrowed from the graph, as the next two */
    struct ls_value *target;          /* NULL if it needs none */
    struct ls_value *lengths;         /* how many positions of a sample count; NULL: all */
    struct ls_value *balanced; /* weights of classes that follow from the training data; or NULL */
    struct ls_value *value;    /* [rows, 2] */
    /* Other forecasts of the target, which an evaluation puts beside the model's. */
    const struct ls_reference *baseline_names[LS_BASELINES_MAX]; /* borrowed from the spec */
    struct ls_value *baselines[LS_BASELINES_MAX];
    int baseline_count;
    /* Where targets are shifted and scaled but errors are measured without: the constants, one for
     * each value of a sample; else NULL. Borrowed. */
    const struct ls_value *mean, *scale;
    bool apart;    /* values of a sample are targets of their own: an evaluation measures each */
    double weight; /* in the phase's loss */
    bool gaps; /* targets of -1 take no part (a feed with gaps); for losses that can leave out */
};

struct ls_terms {
    int count;
    /* The weights of samples differ in some term beside others. A training run then brings, for
     * each term, samples of the global batch / its weight there (struct ls_run.term_factors, from
     * ls_term_weigh), and the gradient is divided by that number of samples. */
    bool weighed;
    struct ls_term items[LS_TERMS_MAX];
};

/* Floats of some samples, `step` from one to the next. */
struct ls_scores {
    float *values;
    int64_t step;
};

struct ls_loss {
    struct ls_layer layer; /* name, fields, inputs; its options begin with struct ls_term_options */
    const char *watched;   /* metric of early stopping; NULL: "loss" */
    bool classifies;       /* the largest output along the last dimension is the answer */
    /* Records the loss on term->of: sets term->target and term->value; NULL after an error in the
     * graph. */
    struct ls_value *(*record)(struct ls_term *term, struct ls_builder *builder);
    /* The weight of each sample, 0 if they differ. NULL: 1. */
    double (*row_weight)(const struct ls_term *term);
    /* Where they differ: the sum of those of `rows` samples, which follows from their targets and
     * lengths alone (as term->target and term->lengths take them; NULL where the term has none). */
    double (*weigh)(const struct ls_term *term, const int32_t *targets, const int32_t *lengths,
                    int64_t rows);
    /* The rest may be NULL: a loss without metrics of its own. Its sums come after loss and weight;
     * measure finds them zeroed. Order inside the microbatch: 16 lanes, lane = row mod 16, combined
     * along the tree over 16. `detailed` (evaluation) may add more sums behind the others. */
    int (*sum_count)(const struct ls_term *term, bool detailed);
    void (*measure)(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums);
    /* loss: the term's mean, for metrics that follow from it */
    void (*metrics)(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics);
    /* Of what ranks samples, which is no sum; NULL: none. In an evaluation `score` writes
     * score_width(term) floats for each sample of a microbatch (0: none are wanted), and when all
     * samples are there, in the order of the data set, `judge` puts what it makes of them among the
     * detailed sums, where measure left 0. */
    int (*score_width)(const struct ls_term *term);
    void (*score)(const struct ls_term *term, const struct ls_run *run, int m,
                  struct ls_scores scores);
    void (*judge)(const struct ls_term *term, struct ls_scores scores, int64_t count, double *sums);
};

/* What every loss can be told. */
struct ls_term_options {
    double weight;
};

/* The row of that, first in each loss's table. */
#define LS_LOSS_WEIGHT_FIELD                                                                       \
    {                                                                                              \
        .name = "weight", .kind = LS_FIELD_REAL,                                                   \
        .offset = offsetof(struct ls_term_options, weight), .initial = "1", .min = 0, .max = 1e9,  \
        .help = "of this term in the sum that training makes small"                                \
    }

/* A row of losses element by element: member `sum` (bool). */
#define LS_LOSS_SUM_FIELD(type)                                                                    \
    {                                                                                              \
        .name = "sum", .kind = LS_FIELD_BOOL, .offset = offsetof(type, sum), .initial = "false",   \
        .help = "over a sample's numbers, instead of their mean"                                   \
    }

/* Rows that the section `loss` and the loss cross_entropy share, on members of these names. */
#define LS_LOSS_LABEL_FIELDS(type)                                                                 \
    {.name = "label_smoothing",                                                                    \
     .kind = LS_FIELD_REAL,                                                                        \
     .offset = offsetof(type, label_smoothing),                                                    \
     .initial = "0",                                                                               \
     .min = 0,                                                                                     \
     .max = 0.99,                                                                                  \
     .help = "share of the target spread evenly over all classes (Szegedy et al. 2016)"},          \
        {.name = "ignored_label",                                                                  \
         .kind = LS_FIELD_INTEGER,                                                                 \
         .offset = offsetof(type, ignored_label),                                                  \
         .initial = "-1",                                                                          \
         .min = -1,                                                                                \
         .max = LS_CLASSES_MAX - 1,                                                                \
         .help = "samples of this label take no part; -1: none"},                                  \
    {                                                                                              \
        .name = "class_weights", .kind = LS_FIELD_LIST, .offset = offsetof(type, class_weights),   \
        .initial = "[]", .min = 0, .max = 1e6, .choices = ls_class_weights_words,                  \
        .help = "weight of each class in the loss, one per class; balanced: samples / (classes x " \
                "samples of the class) of the training part; empty: all 1"                         \
    }
extern const char *const ls_class_weights_words[];
enum { LS_WEIGHTS_BALANCED = -1 }; /* the count of a list that says balanced */

/* The row that the section `task` and the loss cross_entropy share. */
#define LS_LOSS_TOP_K_FIELD(type)                                                                  \
    {                                                                                              \
        .name = "top_k", .kind = LS_FIELD_INTEGER, .offset = offsetof(type, top_k),                \
        .initial = "0", .min = 0, .max = LS_CLASSES_MAX,                                           \
        .help = "also report how often the label is among the k largest outputs; 0: do not"        \
    }

/* The loss of that name, its struct ls_layer for configs; NULL if there is none. */
const struct ls_loss *ls_loss_find(const char *name);
const struct ls_layer *ls_loss_layer_find(const char *name);
const struct ls_layer *const *ls_loss_layers(int *count);

/* Records a term for each spec, on the value named in its `from` or else on `output`. False after
 * an error in the graph; builder->failed is then the spec, if it stands in the config. */
bool ls_terms_record(struct ls_terms *terms, struct ls_builder *builder,
                     const struct ls_layer_list *losses, struct ls_value *output);
/* One more, recorded by a task's own code. */
bool ls_terms_add(struct ls_terms *terms, struct ls_builder *builder,
                  const struct ls_layer_spec *spec, struct ls_value *of);

/* The phase's loss: the one term, or the sum of several by their weights, each the mean over its
 * samples; says whether they are weighed. NULL after an error in the graph. */
struct ls_value *ls_terms_loss(struct ls_terms *terms, struct ls_graph *graph);

/* Whether term i is part of that: one of weight 0 beside others only measures. */
static inline bool ls_term_trains(const struct ls_terms *terms, int i) {
    return terms->items[i].weight > 0 || terms->count == 1;
}

/* The weight of `rows` samples in a term, whose targets and lengths these are (as loss->weigh takes
 * them). */
double ls_term_weigh(const struct ls_term *term, const void *targets, const int32_t *lengths,
                     int64_t rows);

/* Number of sums of all terms. */
int ls_terms_sum_count(const struct ls_terms *terms, bool detailed);

/* The sums of microbatch m of a run that has just gone forward (in a float graph), assigned to
 * sums[0 .. count-1]. sums[0] is the first term's weighted loss, sums[1] its weight. */
void ls_terms_measure(const struct ls_terms *terms, const struct ls_run *run, int m, bool detailed,
                      double *sums);

/* What ranks samples, of all terms side by side: floats of a sample; those of microbatch m of a run
 * that has just gone forward, to scores[rows][width]; and what they make of `count` samples, put
 * among the detailed sums over them. */
int ls_terms_score_width(const struct ls_terms *terms);
void ls_terms_score(const struct ls_terms *terms, const struct ls_run *run, int m, float *scores);
void ls_terms_judge(const struct ls_terms *terms, float *scores, int64_t count, double *sums);

/* Adds values from sums over any number of batches: the loss of the phase, then the terms' metrics,
 * those of several terms with the term's name in front; before all, `prefix` ("generator." or "").
 * A term of weight 0 trains nothing, it measures: the others are named as if it were not there, and
 * its own names are as they are where no other has them. */
void ls_terms_metrics(const struct ls_terms *terms, const char *prefix, const double *sums,
                      bool detailed, struct ls_metrics *metrics);

/* The metric that early stopping watches unless told. */
const char *ls_terms_watched(const struct ls_terms *terms);

/* What a loss of that spec is held against, an earlier value or a feed: named in `target`, or
 * "targets"; NULL if it takes none. */
const char *ls_loss_target_name(const struct ls_layer_spec *spec);
/* Whether it judges the end of the model, not a value that it names in `from`. */
bool ls_loss_judges_output(const struct ls_layer_spec *spec);
/* Whether one of the losses takes what has that name: is held against it, or counts by it. */
bool ls_losses_take(const struct ls_layer_list *losses, const char *name);

/* For the files of this folder. The sums of every term, in front of its loss's own; how many there
 * are with these. Counts or confusion may be NULL. */
enum { LS_SUM_LOSS, LS_SUM_WEIGHT, LS_SUMS_OF_ALL };
int ls_term_sum_count(const struct ls_term *term, bool detailed);
void ls_metrics_add(struct ls_metrics *metrics, const char *name, double value,
                    bool higher_is_better);
void ls_metrics_judge(struct ls_metrics *metrics, int classes, const struct ls_class_counts *counts,
                      const double *confusion);

/* The value named in `target`, or the feed "targets"; for one sample of the shape as many values as
 * `shape` has. NULL after an error in the graph. */
struct ls_value *ls_loss_target(struct ls_builder *builder, const struct ls_term *term,
                                enum ls_type type, struct ls_shape shape);

/* The value that the term must name for `key`; `what` it is, for who did not. NULL after an error
 * in the graph. */
struct ls_value *ls_loss_input(struct ls_builder *builder, const struct ls_term *term,
                               const char *key, const char *what);

/* How outputs differ from targets, element by element: the sums of mse, mae and r2 (errors.c).
 * Members of struct ls_loss. */
int ls_errors_sum_count(const struct ls_term *term, bool detailed);
void ls_errors_measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                       double *sums);
void ls_errors_metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                       struct ls_metrics *metrics);

/* a / b, or 0 where there is nothing to divide by (an empty part). */
static inline double ls_ratio(double a, double b) {
    return b > 0 ? a / b : 0.0;
}

/* How many of so many positions count in sample n: all without lengths. */
static inline int64_t ls_positions_counted(const int32_t *lengths, int64_t n, int64_t positions) {
    return lengths ? lengths[n] : positions;
}

/* How many of the `items` of row n of the run, whole positions in order, are within the lengths. */
static inline int64_t ls_term_items_counted(const struct ls_term *term, int64_t n, int64_t items,
                                            int64_t positions) {
    const int32_t *lengths = term->lengths ? term->lengths->data : NULL;
    return ls_positions_counted(lengths, n, positions) * (items / positions);
}

enum { LS_LANES_OF_ROWS = 16 };

#endif
