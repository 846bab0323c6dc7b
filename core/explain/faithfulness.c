#include "core/explain/faithfulness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"

enum { STREAM = 0x7000e006 };
static const double noise = 0.02;

struct ranked {
    float value;
    int64_t place;
};

/* Descending; of equal ones the first place first. */
static int by_value(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

struct curves {
    const struct ls_explainer *explainer;
    const float *attributions;
    int64_t features, together, row; /* numbers of a feature; attributions of a sample */
    struct ranked *order;            /* [features] owned; of the sample at hand */
    int64_t ordered;
    bool inserts;
    float *to;
};

static void rank(struct curves *c, int64_t sample) {
    const int64_t channels = c->row / c->features;
    if (c->ordered == sample)
        return;
    for (int64_t f = 0; f < c->features; f++) {
        c->order[f] = (struct ranked){.place = f};
        for (int64_t k = 0; k < channels; k++)
            c->order[f].value += c->attributions[sample * c->row + f * channels + k];
    }
    qsort(c->order, (size_t)c->features, sizeof *c->order, by_value);
    c->ordered = sample;
}

static void make(void *context, int64_t sample, int64_t point, float *to) {
    struct curves *c = context;
    const int64_t changed = c->features * point / (LS_CURVE_POINTS - 1);
    rank(c, sample);
    for (int64_t i = 0; i < c->features; i++) {
        const bool first = i < changed;
        const int64_t at = c->order[i].place * c->together;
        if (first != c->inserts)
            memcpy(to + at, c->explainer->baseline + at, (size_t)c->together * sizeof *to);
    }
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    ((struct curves *)context)->to[sample * LS_CURVE_POINTS + point] = (float)probe->value;
}

void ls_faithfulness_curves(const struct ls_explainer *explainer, const float *attributions,
                            float *deletion, float *insertion) {
    const struct ls_shape shape = ls_shape_of_row(explainer->model->explained->shape);
    struct curves c = {.explainer = explainer,
                       .attributions = attributions,
                       .together = explainer->tokens || shape.rank == 3 ? ls_shape_last(shape) : 1,
                       .row = ls_shape_count(ls_explainer_shape(explainer))};
    c.features = ls_explainer_width(explainer) / c.together;
    c.order = ls_calloc((size_t)c.features, sizeof *c.order);
    for (int i = 0; i < 2; i++) {
        c.inserts = i == 1;
        c.to = i ? insertion : deletion;
        c.ordered = -1;
        const struct ls_sweep sweep = {.samples = explainer->rows,
                                       .points = LS_CURVE_POINTS,
                                       .make = make,
                                       .take = take,
                                       .context = &c};
        ls_explainer_sweep(explainer, &sweep);
    }
    free(c.order);
}

static void add_noise(const struct ls_explainer *explainer, int64_t sample, float *to) {
    const int64_t width = ls_explainer_width(explainer);
    const float *x = explainer->inputs + sample * width;
    const struct ls_random_key key =
        ls_random_key(explainer->seed, STREAM, 0, explainer->ids[sample]);
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < width; i++) {
        low = (double)x[i] < low ? (double)x[i] : low;
        high = (double)x[i] > high ? (double)x[i] : high;
    }
    for (int64_t i = 0; i < width; i++)
        to[i] = x[i] + (float)(noise * (high - low) * ls_random_normal(key, (uint64_t)i));
}

void ls_faithfulness_noise(const struct ls_explain_method *method,
                           const struct ls_explanation *explanation, float *sensitivities) {
    struct ls_explainer explainer = *explanation->explainer;
    struct ls_results results = {0};
    struct ls_error ignored;
    const int64_t width = ls_explainer_width(&explainer);
    const int64_t row = ls_shape_count(ls_explainer_shape(&explainer));
    float *inputs = ls_calloc((size_t)(explainer.rows * width), sizeof *inputs);
    struct ls_explanation noisy = {.options = explanation->options, .count = explanation->count};
    for (int64_t n = 0; n < explainer.rows; n++)
        add_noise(explanation->explainer, n, inputs + n * width);
    explainer.inputs = inputs;
    noisy.explainer = &explainer;
    (void)!method->describe(&explainer, explanation->options, &results, &ignored);
    for (int i = 0; i < results.count; i++)
        noisy.results[i] = ls_calloc((size_t)explainer.rows,
                                     (size_t)ls_shape_count(results.items[i].row_shape) * 8);
    method->explain(&noisy);
    for (int64_t n = 0; n < explainer.rows; n++) {
        double squares = 0, differences = 0;
        for (int64_t i = n * row; i < (n + 1) * row; i++) {
            const double a = (double)((const float *)explanation->results[0])[i];
            const double d = (double)((const float *)noisy.results[0])[i] - a;
            squares += a * a;
            differences += d * d;
        }
        sensitivities[n] = squares > 0 ? (float)(sqrt(differences) / sqrt(squares)) : 0.0f;
    }
    for (int i = 0; i < results.count; i++)
        free(noisy.results[i]);
    free(inputs);
}

/* The ranks of |values|, less their mean. */
static double *ranks_of(const float *values, int64_t count) {
    struct ranked *order = ls_calloc((size_t)count, sizeof *order);
    double *ranks = ls_calloc((size_t)count, sizeof *ranks);
    for (int64_t i = 0; i < count; i++)
        order[i] = (struct ranked){fabsf(values[i]), i};
    qsort(order, (size_t)count, sizeof *order, by_value);
    for (int64_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && order[end].value == order[first].value;)
            end++;
        for (int64_t i = first; i < end; i++)
            ranks[order[i].place] = (double)(first + end - 1) / 2 - (double)(count - 1) / 2;
    }
    free(order);
    return ranks;
}

/* Those that are not 0 in both, side by side in kept[2][count]; returns how many there are. */
static int64_t leave_out_nothing(const float *a, const float *b, int64_t count, float *kept) {
    int64_t some = 0;
    for (int64_t i = 0; i < count; i++)
        some += a[i] != 0 || b[i] != 0;
    for (int64_t i = 0, at = 0; i < count; i++)
        if (a[i] != 0 || b[i] != 0) {
            kept[at] = a[i];
            kept[some + at++] = b[i];
        }
    return some;
}

double ls_rank_correlation(const float *a, const float *b, int64_t all) {
    float *kept = ls_calloc((size_t)(2 * all) + 1, sizeof *kept);
    const int64_t count = leave_out_nothing(a, b, all, kept);
    double *x = ranks_of(kept, count), *y = ranks_of(kept + count, count), xx = 0, xy = 0, yy = 0;
    free(kept);
    for (int64_t i = 0; i < count; i++) {
        xx += x[i] * x[i];
        xy += x[i] * y[i];
        yy += y[i] * y[i];
    }
    free(x);
    free(y);
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}
