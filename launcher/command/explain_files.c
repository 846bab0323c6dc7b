/* FOLDER/METHOD.h5, and FOLDER/METHOD.png where the input is an image. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/png.h"
#include "io/predictions.h"
#include "launcher/command/explain.h"

enum { PICTURES_MAX = 64, PICTURES_OF_A_ROW = 8, NOTE_MAX = 4096, NOTES = 16 };

struct ls_explain_file {
    const struct ls_subject *subject;
    char path[LS_TEXT_MAX + 64], picture[LS_TEXT_MAX + 64];
    struct ls_predictions *predictions;
    struct ls_predictions_options *options; /* owned */
    char notes[NOTES][NOTE_MAX];
    struct ls_shape picture_shape; /* of a sample's, or a unit's; rank 0: there are no pictures */
    int64_t shown;                 /* rows whose first result is kept for the picture */
    float *kept;                   /* [PICTURES_MAX][of that shape] owned */
};

static void add_set(struct ls_predictions_options *options, struct ls_prediction_set set) {
    LS_ASSERT(options->count < LS_PREDICTIONS_MAX, "%d sets", options->count);
    options->sets[options->count++] = set;
}

/* Those of the method, then what all have: in the order of ls_explain_file_append. */
static void describe_sets(const struct ls_subject *subject,
                          struct ls_predictions_options *options) {
    for (int i = 0; i < subject->results.count; i++) {
        const struct ls_result *result = &subject->results.items[i];
        add_set(options, (struct ls_prediction_set){.name = result->name,
                                                    .row_shape = result->row_shape,
                                                    .integer = result->integer,
                                                    .wide = result->wide});
    }
    if (!subject->method->units) {
        const struct ls_prediction_set common[LS_EXPLAIN_COMMON] = {
            {.name = "outputs"},
            {.name = "predicted", .integer = true},
            {.name = "elements", .integer = true},
            {.name = "samples", .integer = true, .wide = true}};
        for (int i = 0; i < LS_EXPLAIN_COMMON; i++)
            add_set(options, common[i]);
    }
    if (subject->baseline_values)
        add_set(options, (struct ls_prediction_set){
                             .name = "baseline",
                             .single = true,
                             .row_shape = ls_shape_of_row(subject->model.explained->shape)});
}

static void print_options(const struct ls_subject *subject, char text[NOTE_MAX]) {
    const struct ls_fields *fields = &subject->method->fields;
    char value[LS_FIELD_PRINT_MAX];
    text[0] = '\0';
    for (int i = 0; i < fields->count; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, NOTE_MAX - used, "%s%s=%s", i ? " " : "", fields->items[i].name,
                 ls_field_print(&fields->items[i], subject->options, value, sizeof value));
    }
}

static void note(struct ls_explain_file *file, const char *name, const char *text) {
    struct ls_predictions_options *options = file->options;
    LS_ASSERT(options->note_count < NOTES, "%d notes", options->note_count);
    char *to = file->notes[options->note_count];
    snprintf(to, NOTE_MAX, "%s", text);
    options->notes[options->note_count++] = (struct ls_prediction_note){name, to};
}

static void describe_origin(struct ls_explain_file *file) {
    const struct ls_subject *subject = file->subject;
    const struct ls_worker *worker = &subject->trained.worker;
    char text[NOTE_MAX], digest[LS_HASH_TEXT_MAX];
    note(file, "method", subject->method->name);
    print_options(subject, text);
    note(file, "options", text);
    note(file, "run", subject->run);
    snprintf(text, sizeof text, "%" PRIu64, subject->trained.run.state.step);
    note(file, "step", text);
    ls_hash_text(ls_parameters_digest(worker->parameters, worker->flat), digest);
    note(file, "digest", digest);
    note(file, "weights", subject->wanted->weights);
    note(file, "data", subject->wanted->data);
    note(file, "part", subject->trained.given ? "data" : ls_part_name(subject->role));
    note(file, "input", subject->trained.data.feeds[subject->feed].name);
    note(file, "target", subject->wanted->target);
    note(file, "layer",
         subject->embedding[0] && !subject->layer[0] ? subject->embedding : subject->layer);
    if (subject->baseline_values)
        note(file, "baseline", ls_baseline_names[subject->baseline]);
    snprintf(text, sizeof text, "%lld", (long long)subject->wanted->seed);
    note(file, "seed", text);
}

/* Of attributions of images, and of what a method says may be looked at. */
static struct ls_shape find_pictures(const struct ls_subject *subject) {
    const struct ls_result *result = &subject->results.items[0];
    struct ls_shape shape = result->row_shape;
    if (shape.rank == 2 && result->picture)
        shape = LS_SHAPE(shape.dims[0], shape.dims[1], 1);
    const bool image = shape.rank == 3 && (shape.dims[2] == 1 || shape.dims[2] == 3);
    return image && (result->picture || !strcmp(result->name, "attributions"))
               ? shape
               : (struct ls_shape){0};
}

static void free_file(struct ls_explain_file *file) {
    free(file->kept);
    free(file->options);
    free(file);
}

enum ls_status ls_explain_file_create(struct ls_explain_file **made,
                                      const struct ls_subject *subject, struct ls_error *error) {
    struct ls_explain_file *file = *made = ls_calloc(1, sizeof *file);
    const char *folder = subject->wanted->out, *name = subject->method->name;
    file->subject = subject;
    snprintf(file->path, sizeof file->path, "%s/%s.h5", folder, name);
    snprintf(file->picture, sizeof file->picture, "%s/%s.png", folder, name);
    file->options = ls_calloc(1, sizeof *file->options);
    file->options->path = file->path;
    file->options->rows = (uint64_t)subject->rows;
    describe_sets(subject, file->options);
    describe_origin(file);
    file->picture_shape = find_pictures(subject);
    if (file->picture_shape.rank)
        file->kept = ls_calloc((size_t)(PICTURES_MAX * ls_shape_count(file->picture_shape)),
                               sizeof *file->kept);
    const enum ls_status status = ls_predictions_create(&file->predictions, file->options, error);
    if (status != LS_OK) {
        free_file(file);
        *made = NULL;
    }
    return status;
}

enum ls_status ls_explain_file_append(struct ls_explain_file *file, char *const *arrays,
                                      int64_t rows, struct ls_error *error) {
    const struct ls_subject *subject = file->subject;
    const void *data[LS_PREDICTIONS_MAX];
    int count = subject->results.count + (subject->method->units ? 0 : LS_EXPLAIN_COMMON);
    for (int i = 0; i < count; i++)
        data[i] = arrays[i];
    if (subject->baseline_values)
        data[count++] = subject->baseline_values;
    if (file->picture_shape.rank) {
        const int64_t width = ls_shape_count(file->picture_shape);
        const int64_t left = PICTURES_MAX - file->shown, more = rows < left ? rows : left;
        memcpy(file->kept + file->shown * width, arrays[0],
               (size_t)(more * width) * sizeof *file->kept);
        file->shown += more;
    }
    return ls_predictions_append(file->predictions, data, rows, error);
}

/* The image in grey or colours, from its darkest to its brightest value. */
static void draw_image(const float *image, int64_t pixels, int64_t channels, float *to) {
    float low = image[0], high = image[0];
    for (int64_t i = 0; i < pixels * channels; i++) {
        low = image[i] < low ? image[i] : low;
        high = image[i] > high ? image[i] : high;
    }
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < 3; c++)
            to[3 * p + c] =
                high > low ? (image[p * channels + (channels == 3 ? c : 0)] - low) / (high - low)
                           : 0.0f;
}

/* White is 0, red speaks for the value and blue against it; the strongest is full. */
static void draw_attributions(const float *values, int64_t pixels, int64_t channels, float *to) {
    float most = 0;
    for (int64_t i = 0; i < pixels * channels; i++)
        to[i / channels * 3] = 0;
    for (int64_t i = 0; i < pixels * channels; i++)
        to[i / channels * 3] += values[i];
    for (int64_t p = 0; p < pixels; p++)
        most = fabsf(to[3 * p]) > most ? fabsf(to[3 * p]) : most;
    for (int64_t p = 0; p < pixels; p++) {
        const float share = most > 0 ? to[3 * p] / most : 0, faded = 1 - fabsf(share);
        to[3 * p] = share < 0 ? faded : 1;
        to[3 * p + 1] = faded;
        to[3 * p + 2] = share > 0 ? faded : 1;
    }
}

/* Samples stand beside what explains them; what may be looked at by itself, alone. */
static enum ls_status write_picture(struct ls_explain_file *file, struct ls_error *error) {
    struct ls_subject *subject = (struct ls_subject *)(uintptr_t)file->subject;
    const struct ls_shape shape = file->picture_shape;
    const int64_t width = ls_shape_count(shape), pixels = shape.dims[0] * shape.dims[1];
    const int64_t each = subject->results.items[0].picture ? 1 : 2;
    struct ls_sample_block block = {.rows_max = file->shown};
    enum ls_status status = LS_OK;
    if (each == 2)
        status = ls_subject_read(subject, &block, 0, file->shown, error);
    float *tiles = ls_calloc((size_t)(each * file->shown * pixels * 3), sizeof *tiles);
    for (int64_t n = 0; n < file->shown && status == LS_OK; n++) {
        float *tile = tiles + each * n * pixels * 3;
        draw_image((each == 2 ? block.inputs : file->kept) + n * width, pixels, shape.dims[2],
                   tile);
        if (each == 2)
            draw_attributions(file->kept + n * width, pixels, shape.dims[2], tile + pixels * 3);
    }
    const struct ls_png_grid grid = {.count = each * file->shown,
                                     .height = shape.dims[0],
                                     .width = shape.dims[1],
                                     .channels = 3,
                                     .high = 1,
                                     .columns = each * PICTURES_OF_A_ROW,
                                     .border = 1};
    if (status == LS_OK)
        status = ls_png_write_grid(file->picture, tiles, &grid, error);
    free(tiles);
    ls_sample_block_clear(&block);
    return status;
}

enum ls_status ls_explain_file_close(struct ls_explain_file *file, bool keep,
                                     struct ls_error *error) {
    enum ls_status status = ls_predictions_close(file->predictions, keep, error);
    const bool pictures = file->picture_shape.rank > 0;
    if (keep && status == LS_OK && pictures)
        status = write_picture(file, error);
    if (keep && status == LS_OK)
        printf("%s: %" PRId64 " %s, step %" PRIu64 "%s%s\n", file->path, file->subject->rows,
               file->subject->method->units ? "rows" : "samples",
               file->subject->trained.run.state.step, pictures ? "; " : "",
               pictures ? file->picture : "");
    free_file(file);
    return status;
}
