/* Binary cross-entropy of logits against targets from 0 to 1, element by element: several labels of
 * a sample, concepts, pixels. Sums: elements on the right side of one half, elements. */
#include "core/tasks/list.h"

enum { HITS, COUNTED, SUMS, CONFUSION = SUMS, CLASSES = 2 };

struct options {
    struct ls_term_options common;
    bool sum;
};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_SUM_FIELD(struct options),
};

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    if (!term->target || !ls_builder_zero_to_one(builder, term->target))
        return NULL;
    const struct ls_loss_options settings = {.sum = options->sum};
    return ls_binary_cross_entropy(builder->graph, term->of, term->target, NULL, &settings);
}

static int sum_count(const struct ls_term *term, bool detailed) {
    const struct options *options = term->spec->options;
    const bool single = ls_shape_row_count(term->of->shape) == 1; /* then there is a matrix, too */
    return options->sum ? 0 : SUMS + (detailed && single ? CLASSES * CLASSES : 0);
}

static void measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums) {
    const bool confusion = sum_count(term, detailed) > SUMS;
    const int64_t row = ls_shape_row_count(term->of->shape);
    const int64_t first = ls_run_microbatch_first(run, m) * row;
    const int64_t count = ls_run_microbatch_rows(run, m) * row;
    const float *x = (const float *)term->of->data + first;
    const float *t = (const float *)term->target->data + first;
    for (int64_t i = 0; i < count; i++) {
        const int prediction = x[i] > 0, label = t[i] > 0.5f;
        sums[HITS] += prediction == label; /* whole numbers: any order gives the same sum */
        if (confusion)
            sums[CONFUSION + label * CLASSES + prediction] += 1;
    }
    sums[COUNTED] = (double)count;
}

static void metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    (void)loss;
    if (sum_count(term, detailed))
        ls_metrics_add(metrics, "accuracy", ls_ratio(sums[HITS], sums[COUNTED]), true);
    if (sum_count(term, detailed) > SUMS && !metrics->classes) {
        metrics->classes = CLASSES;
        metrics->confusion = sums + CONFUSION;
    }
}

static const char *const inputs[] = {"target", NULL};

const struct ls_loss ls_loss_binary_cross_entropy = {
    .layer = {.name = "binary_cross_entropy",
              .help = "of logits against targets from 0 to 1, each number by itself",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct options),
              .inputs = inputs},
    .watched = "accuracy",
    .record = record,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = metrics,
};
