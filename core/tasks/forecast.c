/* Losses of forecasts that say how sure they are: a normal distribution's mean and variance, or a
 * quantile. */
#include "core/tasks/list.h"

struct gaussian_options {
    struct ls_term_options common;
    bool sum;
};

static const struct ls_field gaussian_items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_SUM_FIELD(struct gaussian_options),
};

static struct ls_value *record_gaussian(struct ls_term *term, struct ls_builder *builder) {
    const struct gaussian_options *options = term->spec->options;
    const struct ls_loss_options settings = {.sum = options->sum};
    struct ls_value *log_variance =
        ls_loss_input(builder, term, "log_variance", "the name of a value");
    if (!log_variance)
        return NULL;
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    return term->target ? ls_gaussian_nll(builder->graph, term->of, log_variance, term->target,
                                          NULL, &settings)
                        : NULL;
}

static const char *const gaussian_inputs[] = {"log_variance", "target", NULL};

const struct ls_loss ls_loss_gaussian_nll = {
    .layer = {.name = "gaussian_nll",
              .help = "-log of the density of the target under N(mean, exp(log_variance)) "
                      "(Nix & Weigend 1994); from: the mean, of which r2 and the error are",
              .fields = LS_LAYER_FIELDS(gaussian_items),
              .options_size = sizeof(struct gaussian_options),
              .inputs = gaussian_inputs},
    .record = record_gaussian,
    .sum_count = ls_errors_sum_count,
    .measure = ls_errors_measure,
    .metrics = ls_errors_metrics,
};

enum { COVERED, COUNTED, SUMS };

struct quantile_options {
    struct ls_term_options common;
    bool sum;
    double quantile;
};

static const struct ls_field quantile_items[] = {
    LS_LOSS_WEIGHT_FIELD,
    LS_LOSS_SUM_FIELD(struct quantile_options),
    {.name = "quantile",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct quantile_options, quantile),
     .initial = "0.5",
     .min = 1e-6,
     .max = 1 - 1e-6,
     .help = "share of the targets that is to lie below the output"},
};

static struct ls_value *record_quantile(struct ls_term *term, struct ls_builder *builder) {
    const struct quantile_options *options = term->spec->options;
    const struct ls_loss_options settings = {.sum = options->sum, .quantile = options->quantile};
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    return term->target ? ls_quantile(builder->graph, term->of, term->target, NULL, &settings)
                        : NULL;
}

static int sum_count(const struct ls_term *term, bool detailed) {
    (void)term;
    (void)detailed;
    return SUMS;
}

/* Counts are whole numbers: their order changes nothing. */
static void measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums) {
    (void)detailed;
    const int64_t row = ls_shape_row_count(term->of->shape);
    const int64_t first = ls_run_microbatch_first(run, m) * row;
    const int64_t count = ls_run_microbatch_rows(run, m) * row;
    const float *x = (const float *)term->of->data + first;
    const float *t = (const float *)term->target->data + first;
    for (int64_t i = 0; i < count; i++)
        sums[COVERED] += t[i] <= x[i];
    sums[COUNTED] = (double)count;
}

static void metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                    struct ls_metrics *metrics) {
    (void)term;
    (void)loss;
    (void)detailed;
    ls_metrics_add(metrics, "coverage", ls_ratio(sums[COVERED], sums[COUNTED]), false);
}

static const char *const quantile_inputs[] = {"target", NULL};

const struct ls_loss ls_loss_quantile = {
    .layer = {.name = "quantile",
              .help = "the pinball loss, least where the output is that quantile of the targets "
                      "(Koenker & Bassett 1978); coverage: the share of targets up to the output",
              .fields = LS_LAYER_FIELDS(quantile_items),
              .options_size = sizeof(struct quantile_options),
              .inputs = quantile_inputs},
    .record = record_quantile,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = metrics,
};
