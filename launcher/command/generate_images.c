/* Images: normal codes through the decoder of a VAE, or noise through the generator of a GAN. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "io/file.h"
#include "io/png.h"
#include "io/predictions.h"
#include "launcher/command/generate.h"

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

/* A VAE is cut behind its draw. What it makes has the shape of the samples that it was trained on,
 * if it has as many values. */
static enum ls_status build_decoder(struct ls_generator *generator, int64_t rows,
                                    struct ls_shape *picture, struct ls_error *error) {
    const struct ls_state *state = &generator->run.state;
    const struct ls_network *entry = ls_networks_entry(&generator->run.config.model);
    char path[LS_NAME_MAX];
    if (!find_layer(&entry->layers, "sample_normal", entry->name, path))
        return ls_fail(error, LS_INVALID,
                       "the model has no layer sample_normal, behind which images begin");
    if (!state->feed_count)
        return ls_fail(error, LS_INVALID,
                       "%s: it does not say what samples the model takes; train some steps more",
                       generator->run.checkpoint.path);
    const struct ls_generator_options options = {
        .feeds = state->feeds, .feed_count = state->feed_count, .rows = rows, .start_at = path};
    const enum ls_status status = ls_generator_build(generator, &options, error);
    if (status != LS_OK)
        return status;
    *picture = ls_shape_of_row(generator->model.output->shape);
    for (int i = 0; i < state->feed_count; i++)
        if (!strcmp(state->feeds[i].name, "inputs") &&
            ls_shape_count(state->feeds[i].shape) == ls_shape_count(*picture))
            *picture = state->feeds[i].shape;
    return LS_OK;
}

static enum ls_status build(struct ls_generator *generator, int64_t rows, struct ls_shape *picture,
                            struct ls_error *error) {
    if (generator->run.config.task.kind == LS_TASK_VAE)
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

/* The classes that a model takes beside the codes (Sohn et al. 2015); NULL if it takes none. */
static const struct ls_model_input *class_input(const struct ls_generator *generator) {
    const struct ls_model *model = &generator->model;
    for (int i = 0; i < model->input_count; i++)
        if (model->inputs[i].value->type == LS_TYPE_INT32 && model->inputs[i].value->data &&
            model->inputs[i].limit > 0)
            return &model->inputs[i];
    return NULL;
}

static enum ls_status check_class(const struct ls_generator *generator, int64_t class,
                                  struct ls_error *error) {
    const struct ls_model_input *input = class_input(generator);
    if (class >= 0 && !input)
        return ls_fail(error, LS_INVALID, "--class: this model is not told a class; leave it out");
    if (input && class >= input->limit)
        return ls_fail(error, LS_INVALID, "--class: expected a class from 0 to %lld, found %lld",
                       (long long)input->limit - 1, (long long)class);
    return LS_OK;
}

/* Image number n shows class n modulo their number, unless one is wanted. */
static void set_classes(const struct ls_model_input *input, int64_t class, int64_t first,
                        int64_t rows) {
    const int64_t each = ls_shape_row_count(input->value->shape);
    int32_t *classes = input->value->data;
    for (int64_t i = 0; i < rows * each; i++)
        classes[i] = (int32_t)(class >= 0 ? class : (first + i / each) % input->limit);
}

/* Whether the output was trained as logits of pixels, which become pixels. */
static bool gives_logits(const struct ls_config *config) {
    for (int i = 0; i < config->losses.count; i++) {
        const struct ls_layer_spec *spec = &config->losses.items[i];
        if (!strcmp(spec->layer->name, "binary_cross_entropy") && ls_loss_judges_output(spec))
            return config->task.kind == LS_TASK_VAE;
    }
    return false;
}

/* Whether the output lies between -1 and 1. */
static bool gives_tanh(const struct ls_value *value) {
    while (value->producer && value->producer->op->alias)
        value = value->producer->inputs[0];
    return value->producer && !strcmp(value->producer->op->name, "tanh");
}

static float sigmoid(float x) {
    const double small = ls_random_exp(x < 0 ? (double)x : -(double)x);
    return (float)((x < 0 ? small : 1) / (1 + small));
}

static void make_images(struct ls_generator *generator, const struct ls_generate_options *wanted,
                        int64_t rows_max, float *images) {
    const uint64_t seed = (uint64_t)wanted->seed;
    const int64_t count = wanted->count;
    const struct ls_model_input *classes = class_input(generator);
    const int64_t width = ls_shape_row_count(generator->model.output->shape);
    const bool logits = gives_logits(&generator->run.config);
    uint64_t row_ids[ROWS_MAX];
    for (int64_t first = 0, rows; first < count; first += rows) {
        rows = count - first < rows_max ? count - first : rows_max;
        for (int64_t n = 0; n < rows; n++)
            row_ids[n] = (uint64_t)(first + n);
        if (generator->model.cut)
            draw_codes(generator->model.cut, seed, (uint64_t)first, rows);
        if (classes)
            set_classes(classes, wanted->class, first, rows);
        ls_generator_run(generator, seed, row_ids, rows, 0);
        const float *output = generator->model.output->data;
        for (int64_t i = 0; i < rows * width; i++)
            images[first * width + i] = logits ? sigmoid(output[i]) : output[i];
    }
}

struct pictures {
    const float *values; /* [count][shape] */
    int64_t count;
    struct ls_shape shape;
    float low; /* black; white is 1 */
};

static enum ls_status write_png(const char *path, const struct pictures *pictures,
                                struct ls_error *error) {
    const struct ls_shape shape = pictures->shape;
    char text[LS_SHAPE_TEXT_MAX];
    if (shape.rank != 3 || (shape.dims[2] != 1 && shape.dims[2] != 3))
        return ls_fail(error, LS_INVALID,
                       "%s: expected images [height, width, 1 or 3 channels], found %s: write a "
                       "FILE.h5",
                       path, ls_sample_print(shape, text));
    const struct ls_png_grid grid = {.count = pictures->count,
                                     .height = shape.dims[0],
                                     .width = shape.dims[1],
                                     .channels = shape.dims[2],
                                     .low = pictures->low,
                                     .high = 1,
                                     .border = 1};
    return ls_png_write_grid(path, pictures->values, &grid, error);
}

static enum ls_status write_h5(const char *path, const struct pictures *pictures,
                               struct ls_error *error) {
    struct ls_predictions *samples;
    const struct ls_predictions_options options = {
        .path = path,
        .rows = (uint64_t)pictures->count,
        .count = 1,
        .sets = {{.name = "samples", .row_shape = pictures->shape}}};
    enum ls_status status = ls_predictions_create(&samples, &options, error);
    if (status != LS_OK)
        return status;
    const void *const data[] = {pictures->values};
    status = ls_predictions_append(samples, data, pictures->count, error);
    struct ls_error ignored;
    const enum ls_status closed =
        ls_predictions_close(samples, status == LS_OK, status == LS_OK ? error : &ignored);
    return status == LS_OK ? closed : status;
}

enum ls_status ls_generate_images(struct ls_generator *generator,
                                  const struct ls_generate_options *wanted,
                                  struct ls_error *error) {
    const char *path = wanted->out;
    if (!ls_path_ends(path, ".png") && !ls_path_ends(path, ".h5"))
        return ls_fail(error, LS_INVALID, "--out: expected FILE.png or FILE.h5, found '%s'", path);
    if (wanted->prompt[0])
        return ls_fail(error, LS_INVALID, "--prompt: images begin with noise; expected no text");
    const int64_t rows = wanted->count < ROWS_MAX ? wanted->count : ROWS_MAX;
    struct pictures pictures = {.count = wanted->count};
    enum ls_status status = build(generator, rows, &pictures.shape, error);
    if (status == LS_OK)
        status = check_class(generator, wanted->class, error);
    if (status != LS_OK)
        return status;
    const size_t values = (size_t)(wanted->count * ls_shape_count(pictures.shape));
    float *images = ls_calloc(values, sizeof *images);
    make_images(generator, wanted, rows, images);
    pictures.values = images;
    pictures.low = gives_tanh(generator->model.output) ? -1 : 0;
    status = ls_path_ends(path, ".png") ? write_png(path, &pictures, error)
                                        : write_h5(path, &pictures, error);
    free(images);
    return status;
}
