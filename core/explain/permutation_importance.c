/* Permutation importance (Breiman 2001, "Random forests"; Fisher et al. 2019): how much worse the
 * model is when a column's values are dealt out anew among the samples,
 *
 *   a[c] = score - mean over repeats of the score with column c permuted
 *
 * The score, which is told, too, is the accuracy of a classification, R^2 of numbers (over all
 * outputs together). Rows are columns, not samples. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"

enum { STREAM = 0x7000e003 };
enum { ATTRIBUTIONS, DEVIATIONS, SCORE };

struct options {
    int64_t repeats;
};

static const struct ls_field items[] = {
    {.name = "repeats",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct options, repeats),
     .initial = "5",
     .min = 1,
     .max = 65536,
     .help = "permutations of each column"},
};

static int64_t count_columns(const struct ls_explainer *explainer, const void *options) {
    (void)options;
    return ls_explainer_width(explainer);
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    (void)options;
    const struct ls_shape row = ls_shape_of_row(explainer->model->explained->shape);
    char text[LS_SHAPE_TEXT_MAX];
    if (row.rank != 1 || explainer->model->explained->type != LS_TYPE_REAL)
        return ls_fail(error, LS_INVALID,
                       "permutation_importance: expected a table, whose samples are rows of "
                       "numbers; those of this run are %s",
                       explainer->model->explained->type != LS_TYPE_REAL || explainer->tokens
                           ? "tokens"
                           : ls_sample_print(row, text));
    ls_results_add(results, "attributions", (struct ls_shape){0})->wide = true;
    ls_results_add(results, "deviations", (struct ls_shape){0})->wide = true;
    struct ls_result *score = ls_results_add(results, "score", (struct ls_shape){0});
    score->wide = score->single = true;
    return LS_OK;
}

struct judge {
    const struct ls_explainer *explainer;
    int64_t column; /* that is permuted; -1: none */
    struct ls_random_key key;
    int64_t hits;
    double errors; /* sum of squares */
};

static void make(void *context, int64_t sample, int64_t point, float *to) {
    (void)point;
    const struct judge *judge = context;
    const struct ls_explainer *explainer = judge->explainer;
    if (judge->column < 0)
        return;
    const uint64_t other =
        ls_random_permute(judge->key, (uint64_t)sample, (uint64_t)explainer->rows);
    to[judge->column] =
        explainer->inputs[(int64_t)other * ls_explainer_width(explainer) + judge->column];
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)point;
    struct judge *judge = context;
    const struct ls_explainer *explainer = judge->explainer;
    const int64_t width = ls_shape_row_count(explainer->model->output->shape);
    const float *output = (const float *)explainer->model->output->data + probe->row * width;
    if (explainer->targets) {
        for (int64_t i = 0; i < width; i++) {
            const double d = (double)output[i] - (double)explainer->targets[sample * width + i];
            judge->errors += d * d;
        }
        return;
    }
    int64_t best = width == 1 ? output[0] > 0 : 0;
    for (int64_t i = 1; i < width; i++)
        best = output[i] > output[best] ? i : best;
    judge->hits += best == explainer->labels[sample];
}

/* Of the targets about their mean; each output has its own. */
static double spread_of(const struct ls_explainer *explainer) {
    const int64_t width = ls_shape_row_count(explainer->model->output->shape);
    double all = 0;
    for (int64_t i = 0; i < width; i++) {
        double sum = 0;
        for (int64_t n = 0; n < explainer->rows; n++)
            sum += (double)explainer->targets[n * width + i];
        const double mean = sum / (double)explainer->rows;
        for (int64_t n = 0; n < explainer->rows; n++) {
            const double d = (double)explainer->targets[n * width + i] - mean;
            all += d * d;
        }
    }
    return all;
}

static double score(const struct ls_explainer *explainer, struct judge *judge) {
    const struct ls_sweep sweep = {
        .samples = explainer->rows, .points = 1, .make = make, .take = take, .context = judge};
    judge->hits = 0;
    judge->errors = 0;
    ls_explainer_sweep(explainer, &sweep);
    if (!explainer->targets)
        return (double)judge->hits / (double)explainer->rows;
    const double spread = spread_of(explainer);
    return spread > 0 ? 1 - judge->errors / spread : 0;
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    const struct options *options = explanation->options;
    const double n = (double)options->repeats;
    struct judge judge = {.explainer = explainer, .column = -1};
    const double whole = score(explainer, &judge);
    if (explanation->first == 0)
        *(double *)explanation->results[SCORE] = whole;
    for (int64_t c = 0; c < explanation->count; c++) {
        double sum = 0, squares = 0;
        judge.column = explanation->first + c;
        for (int64_t k = 0; k < options->repeats; k++) {
            judge.key = ls_random_key(explainer->seed, STREAM, (uint64_t)k, (uint64_t)judge.column);
            const double loss = whole - score(explainer, &judge);
            sum += loss;
            squares += loss * loss;
        }
        const double variance = (squares - sum * sum / n) / (n > 1 ? n - 1 : 1);
        ((double *)explanation->results[ATTRIBUTIONS])[c] = sum / n;
        ((double *)explanation->results[DEVIATIONS])[c] = variance > 0 ? sqrt(variance) : 0;
    }
}

const struct ls_explain_method ls_explain_permutation_importance = {
    .name = "permutation_importance",
    .help = "what accuracy, or R^2, loses when a column of a table is dealt out anew",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .gradients = true,
    .judges = true,
    .units = count_columns,
    .describe = describe,
    .explain = explain,
};
