/* Losses of distances [N, 1]: what is alike is to be near (siamese networks). */
#include "core/tasks/list.h"

enum { HITS, COUNTED, SUMS };

/* What the distances are that a loss judges. */
enum { SQUARED, PLAIN };

struct options {
    struct ls_term_options common;
    double margin;
    int distances; /* of contrastive */
};

static const char *const distances_names[] = {[SQUARED] = "squared", [PLAIN] = "plain", NULL};

#define MARGIN_FIELD(text)                                                                         \
    {                                                                                              \
        .name = "margin", .kind = LS_FIELD_REAL, .offset = offsetof(struct options, margin),       \
        .initial = "1", .min = 1e-6, .max = 1e6, .help = text                                      \
    }

static const struct ls_field contrastive_items[] = {
    LS_LOSS_WEIGHT_FIELD,
    MARGIN_FIELD("how far apart those that differ are to be; further is not better"),
    {.name = "distances",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, distances),
     .initial = "squared",
     .choices = distances_names,
     .help = "what is judged; squared: as the layer distance gives them unless its kind is cosine"},
};

static const struct ls_field triplet_items[] = {
    LS_LOSS_WEIGHT_FIELD,
    MARGIN_FIELD("by how much the other distance is to be larger"),
};

static bool is_distance(struct ls_builder *builder, const struct ls_value *value) {
    char text[LS_SHAPE_TEXT_MAX];
    if (ls_shape_row_count(value->shape) == 1)
        return true;
    ls_graph_fail(builder->graph, "expected one distance for a sample, found %s",
                  ls_sample_print(ls_shape_of_row(value->shape), text));
    return false;
}

static struct ls_value *record_contrastive(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    const struct ls_loss_options settings = {.margin = options->margin,
                                             .squared = options->distances == SQUARED};
    if (!is_distance(builder, term->of))
        return NULL;
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    if (!term->target || !ls_builder_zero_to_one(builder, term->target))
        return NULL;
    return ls_contrastive(builder->graph, term->of, term->target, &settings);
}

/* The other distance is kept as the target: what the first one is compared with. */
static struct ls_value *record_triplet(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    const struct ls_loss_options settings = {.margin = options->margin};
    struct ls_value *far =
        ls_loss_input(builder, term, "far", "the distance to a sample of another kind");
    if (!far || !is_distance(builder, term->of) || !is_distance(builder, far))
        return NULL;
    term->target = far;
    return ls_triplet(builder->graph, term->of, far, &settings);
}

static int sum_count(const struct ls_term *term, bool detailed) {
    (void)term;
    (void)detailed;
    return SUMS;
}

typedef bool judge(double distance, double other, const struct options *options);

/* Alike if nearer than half the margin. */
static bool tells_pairs(double distance, double same, const struct options *options) {
    const double half = options->margin / 2;
    return (distance < (options->distances == SQUARED ? half * half : half)) == (same > 0.5);
}

static bool tells_triplets(double near, double far, const struct options *options) {
    (void)options;
    return near < far;
}

static void count(const struct ls_term *term, const struct ls_run *run, int m, judge *is_right,
                  double *sums) {
    const int64_t first = ls_run_microbatch_first(run, m), rows = ls_run_microbatch_rows(run, m);
    const float *x = (const float *)term->of->data + first;
    const float *t = (const float *)term->target->data + first;
    for (int64_t i = 0; i < rows; i++) /* whole numbers: their order changes nothing */
        sums[HITS] += is_right((double)x[i], (double)t[i], term->spec->options);
    sums[COUNTED] = (double)rows;
}

static void measure_contrastive(const struct ls_term *term, const struct ls_run *run, int m,
                                bool detailed, double *sums) {
    (void)detailed;
    count(term, run, m, tells_pairs, sums);
}

static void measure_triplet(const struct ls_term *term, const struct ls_run *run, int m,
                            bool detailed, double *sums) {
    (void)detailed;
    count(term, run, m, tells_triplets, sums);
}

static void metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    (void)term;
    (void)loss;
    (void)detailed;
    ls_metrics_add(metrics, "accuracy", ls_ratio(sums[HITS], sums[COUNTED]), true);
}

static const char *const contrastive_inputs[] = {"target", NULL};
static const char *const triplet_inputs[] = {"far", NULL};

const struct ls_loss ls_loss_contrastive = {
    .layer = {.name = "contrastive",
              .help = "of pairs: the squared distance of those that are the same (target 1), and "
                      "how much is left to the margin of those that differ (0), halved and squared "
                      "(Hadsell et al. 2006); accuracy: the same if nearer than half the margin",
              .fields = LS_LAYER_FIELDS(contrastive_items),
              .options_size = sizeof(struct options),
              .inputs = contrastive_inputs},
    .record = record_contrastive,
    .sum_count = sum_count,
    .measure = measure_contrastive,
    .metrics = metrics,
};

const struct ls_loss ls_loss_triplet = {
    .layer = {.name = "triplet",
              .help = "max(0, near - far + margin): the distance that is judged, to a sample of "
                      "the same kind, against that named in `far` (Schroff et al. 2015); accuracy: "
                      "the share with near < far",
              .fields = LS_LAYER_FIELDS(triplet_items),
              .options_size = sizeof(struct options),
              .inputs = triplet_inputs},
    .record = record_triplet,
    .sum_count = sum_count,
    .measure = measure_triplet,
    .metrics = metrics,
};
