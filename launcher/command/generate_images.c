/* Images: normal codes through the decoder of a VAE, or noise through the generator of a GAN. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "io/png.h"
#include "io/predictions.h"
#include "launcher/command/generate.h"
#include "launcher/worker/data.h"

enum { ROWS_MAX = 256 }; /* images that are made at once */

/* The path of the first layer of that kind; false if there is none. */
static bool find_layer(const struct ls_layer_list *list, const char *name, const char *scope,
                       char path[LS_NAME_MAX]) {
    for (int i = 0; i < list->count; i++) {
        const struct ls_layer_spec *spec = &list->items[i];
        char here[LS_NAME_MAX];
        snprintf(here, sizeof here, "%.80s%s%s", scope, scope[0] ? "." : "", spec->name);
        if (!strcmp(spec->layer->name, name)) {
            snprintf(path, LS_NAME_MAX, "%s", here);
            return true;
        }
        for (int b = 0; b < LS_BRANCHES_MAX; b++)
            if (find_layer(&spec->branches[b], name, here, path))
                return true;
    }
    return false;
}

/* A VAE is cut behind its draw, and its input has the shape of the run's data. */
static enum ls_status build_decoder(struct ls_generator *generator, int64_t rows,
                                    struct ls_shape *picture, struct ls_error *error) {
    const struct ls_network *entry = ls_networks_entry(&generator->config.model);
    char path[LS_NAME_MAX];
    struct ls_data data;
    if (!find_layer(&entry->layers, "sample_normal", entry->name, path))
        return ls_fail(error, LS_INVALID,
                       "the model has no layer sample_normal, behind which images begin");
    enum ls_status status = ls_data_open(&data, &generator->config, true, error);
    if (status != LS_OK)
        return status;
    const struct ls_generator_options options = {
        .feeds = data.feeds, .feed_count = data.feed_count, .rows = rows, .start_at = path};
    status = ls_generator_build(generator, &options, error);
    *picture = ls_data_feed(&data, "inputs")->shape;
    ls_data_close(&data);
    return status;
}

static enum ls_status build(struct ls_generator *generator, int64_t rows, struct ls_shape *picture,
                            struct ls_error *error) {
    if (generator->config.task.kind == LS_TASK_VAE)
        return build_decoder(generator, rows, picture, error);
    const struct ls_generator_options options = {.rows = rows};
    const enum ls_status status = ls_generator_build(generator, &options, error);
    if (status == LS_OK)
        *picture = ls_shape_of_row(generator->model.output->shape);
    return status;
}

/* Codes of a VAE: by seed and the image's number. */
static void draw_codes(const struct ls_value *cut, uint64_t seed, uint64_t first, int64_t rows) {
    const int64_t count = ls_shape_row_count(cut->shape);
    float *codes = cut->data;
    for (int64_t n = 0; n < rows; n++) {
        const struct ls_random_key key =
            ls_random_key(seed, LS_STREAM_GENERATE, first + (uint64_t)n, 0);
        for (int64_t i = 0; i < count; i++)
            codes[n * count + i] = (float)ls_random_normal(key, (uint64_t)i);
    }
}

/* What a network trained with logits of pixels gives becomes pixels. */
static bool gives_logits(const struct ls_config *config) {
    return config->task.kind == LS_TASK_VAE &&
           !strcmp(config->losses.items[0].layer->name, "binary_cross_entropy");
}

static float sigmoid(float x) {
    const double small = ls_random_exp(x < 0 ? (double)x : -(double)x);
    return (float)((x < 0 ? small : 1) / (1 + small));
}

static void make_images(struct ls_generator *generator, uint64_t seed, int64_t count,
                        int64_t rows_max, float *images) {
    const int64_t width = ls_shape_row_count(generator->model.output->shape);
    const bool logits = gives_logits(&generator->config);
    uint64_t row_ids[ROWS_MAX];
    for (int64_t first = 0, rows; first < count; first += rows) {
        rows = count - first < rows_max ? count - first : rows_max;
        for (int64_t n = 0; n < rows; n++)
            row_ids[n] = (uint64_t)(first + n);
        if (generator->model.cut)
            draw_codes(generator->model.cut, seed, (uint64_t)first, rows);
        ls_generator_run(generator, seed, row_ids, rows, 0);
        const float *output = generator->model.output->data;
        for (int64_t i = 0; i < rows * width; i++)
            images[first * width + i] = logits ? sigmoid(output[i]) : output[i];
    }
}

/* From black to white: 0 to 1, or -1 to 1 where there is something below 0. */
static enum ls_status write_png(const char *path, const float *images, int64_t count,
                                struct ls_shape picture, struct ls_error *error) {
    char text[LS_SHAPE_TEXT_MAX];
    const int64_t values = count * ls_shape_count(picture);
    struct ls_png_grid grid = {.count = count, .high = 1, .border = 1};
    if (picture.rank != 3 || (picture.dims[2] != 1 && picture.dims[2] != 3))
        return ls_fail(error, LS_INVALID,
                       "%s: expected images [height, width, 1 or 3 channels], found %s: write a "
                       "FILE.h5",
                       path, ls_sample_print(picture, text));
    grid.height = picture.dims[0];
    grid.width = picture.dims[1];
    grid.channels = picture.dims[2];
    for (int64_t i = 0; i < values; i++)
        if (images[i] < 0)
            grid.low = -1;
    return ls_png_write_grid(path, images, &grid, error);
}

static enum ls_status write_h5(const char *path, const float *images, int64_t count,
                               struct ls_shape picture, struct ls_error *error) {
    struct ls_predictions *samples;
    const struct ls_predictions_options options = {
        .path = path,
        .rows = (uint64_t)count,
        .count = 1,
        .sets = {{.name = "samples", .row_shape = picture}}};
    enum ls_status status = ls_predictions_create(&samples, &options, error);
    if (status != LS_OK)
        return status;
    status = ls_predictions_append(samples, (const void *[]){images}, count, error);
    struct ls_error ignored;
    const enum ls_status closed =
        ls_predictions_close(samples, status == LS_OK, status == LS_OK ? error : &ignored);
    return status == LS_OK ? closed : status;
}

static bool ends_in(const char *path, const char *ending) {
    const size_t length = strlen(path), tail = strlen(ending);
    return length > tail && !strcmp(path + length - tail, ending);
}

enum ls_status ls_generate_images(struct ls_generator *generator,
                                  const struct ls_generate_options *wanted,
                                  struct ls_error *error) {
    const char *path = wanted->out;
    if (!ends_in(path, ".png") && !ends_in(path, ".h5"))
        return ls_fail(error, LS_INVALID, "--out: expected FILE.png or FILE.h5, found '%s'", path);
    if (wanted->prompt[0])
        return ls_fail(error, LS_INVALID, "--prompt: images begin with noise; expected no text");
    const int64_t rows = wanted->count < ROWS_MAX ? wanted->count : ROWS_MAX;
    struct ls_shape picture;
    enum ls_status status = build(generator, rows, &picture, error);
    if (status != LS_OK)
        return status;
    const int64_t width = ls_shape_row_count(generator->model.output->shape);
    if (ls_shape_count(picture) != width)
        picture = ls_shape_of_row(generator->model.output->shape);
    float *images = ls_calloc((size_t)(wanted->count * width), sizeof *images);
    make_images(generator, (uint64_t)wanted->seed, wanted->count, rows, images);
    status = ends_in(path, ".png") ? write_png(path, images, wanted->count, picture, error)
                                   : write_h5(path, images, wanted->count, picture, error);
    free(images);
    if (status == LS_OK)
        printf("%s: %lld images of step %llu\n", path, (long long)wanted->count,
               (unsigned long long)generator->checkpoint.step);
    return status;
}
