/* Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks"): of the
 * channels A_k of a layer,
 *
 *   map = max(0, sum over k of alpha_k A_k),  alpha_k = mean over positions of df/dA_k
 *
 * enlarged to the input by linear interpolation between the middles of positions; every channel of
 * the input has the same numbers. */
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/explain/list.h"

enum { ATTRIBUTIONS, MAPS };

/* [height, width, channels]; a sequence has width 1. */
struct area {
    int64_t height, width, channels;
};

static struct area area_of(struct ls_shape row) {
    return (struct area){.height = row.dims[0],
                         .width = row.rank == 3 ? row.dims[1] : 1,
                         .channels = ls_shape_last(row)};
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    (void)options;
    const struct ls_model *model = explainer->model;
    const struct ls_shape row = ls_shape_of_row(model->layer->shape);
    const struct ls_shape input = ls_shape_of_row(model->explained->shape);
    char text[LS_SHAPE_TEXT_MAX], other[LS_SHAPE_TEXT_MAX];
    if ((row.rank != 2 && row.rank != 3) || row.rank != input.rank)
        return ls_fail(error, LS_INVALID,
                       "grad_cam: expected a layer of channels over the positions of the input, "
                       "which is %s; this one is %s",
                       ls_sample_print(input, other), ls_sample_print(row, text));
    if (!model->layer->gradient)
        return ls_fail(error, LS_INVALID, "grad_cam: the output does not depend on this layer");
    ls_results_add(results, "attributions", ls_explainer_shape(explainer));
    const struct area a = area_of(row);
    ls_results_add(results, "maps",
                   row.rank == 3 ? LS_SHAPE(a.height, a.width) : LS_SHAPE(a.height));
    return LS_OK;
}

struct cam {
    const struct ls_explainer *explainer;
    struct area layer, input;
    double *alpha, *values; /* [channels], [width of the input] owned */
    float *to, *maps;
    int64_t to_step;
};

/* The two positions between which a place lies when `from` positions become `to`, and how far it is
 * from the first. */
static double between(int64_t place, int64_t from, int64_t to, int64_t ends[2]) {
    double at = ((double)place + 0.5) * (double)from / (double)to - 0.5;
    at = at < 0 ? 0 : at;
    ends[0] = (int64_t)at < from ? (int64_t)at : from - 1;
    ends[1] = ends[0] + 1 < from ? ends[0] + 1 : ends[0];
    return at - (double)ends[0];
}

static void enlarge(const struct cam *cam, const float *map) {
    const struct area from = cam->layer, to = cam->input;
    for (int64_t y = 0; y < to.height; y++)
        for (int64_t x = 0; x < to.width; x++) {
            int64_t v[2], h[2];
            const double down = between(y, from.height, to.height, v);
            const double across = between(x, from.width, to.width, h);
            double line[2];
            for (int i = 0; i < 2; i++)
                line[i] = (1 - across) * (double)map[v[i] * from.width + h[0]] +
                          across * (double)map[v[i] * from.width + h[1]];
            const double value = (1 - down) * line[0] + down * line[1];
            for (int64_t c = 0; c < to.channels; c++)
                cam->values[(y * to.width + x) * to.channels + c] =
                    cam->explainer->tokens && c > 0 ? 0 : value;
        }
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)point;
    struct cam *cam = context;
    const struct ls_value *layer = cam->explainer->model->layer;
    const int64_t channels = cam->layer.channels, positions = cam->layer.height * cam->layer.width;
    const float *a = (const float *)layer->data + probe->row * positions * channels;
    const float *slopes = (const float *)layer->gradient + probe->row * positions * channels;
    float *map = cam->maps + sample * positions;
    for (int64_t k = 0; k < channels; k++) {
        double sum = 0;
        for (int64_t p = 0; p < positions; p++)
            sum += (double)slopes[p * channels + k];
        cam->alpha[k] = sum / (double)positions;
    }
    for (int64_t p = 0; p < positions; p++) {
        double sum = 0;
        for (int64_t k = 0; k < channels; k++)
            sum += cam->alpha[k] * (double)a[p * channels + k];
        map[p] = sum > 0 ? (float)sum : 0.0f;
    }
    enlarge(cam, map);
    ls_explainer_store(cam->explainer, cam->values, LS_TOKEN_SUM, cam->to + sample * cam->to_step);
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    struct cam cam = {.explainer = explainer,
                      .layer = area_of(ls_shape_of_row(explainer->model->layer->shape)),
                      .input = area_of(ls_shape_of_row(explainer->model->explained->shape)),
                      .to = explanation->results[ATTRIBUTIONS],
                      .maps = explanation->results[MAPS],
                      .to_step = ls_shape_count(ls_explainer_shape(explainer))};
    cam.alpha = ls_calloc((size_t)cam.layer.channels, sizeof *cam.alpha);
    cam.values = ls_calloc((size_t)ls_explainer_width(explainer), sizeof *cam.values);
    const struct ls_sweep sweep = {
        .samples = explainer->rows, .points = 1, .gradients = true, .take = take, .context = &cam};
    ls_explainer_sweep(explainer, &sweep);
    free(cam.alpha);
    free(cam.values);
}

const struct ls_explain_method ls_explain_grad_cam = {
    .name = "grad_cam",
    .help = "where the channels of a convolution that speak for the explained value are active",
    .gradients = true,
    .layer = LS_LAYER_LAST_CONVOLUTION,
    .describe = describe,
    .explain = explain,
};
