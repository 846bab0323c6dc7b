/* FOLDER/METHOD.svg of the first rows, a sheet with what they are, and FOLDER/METHOD.png, where
 * pictures can do without words. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/explain/sheet.h"

const char ls_silent_words[] = "no part speaks for it";

struct ls_explain_pictures {
    const struct ls_picture *kind;
    int64_t rows_max;
    size_t bytes[LS_RESULTS_MAX + LS_EXPLAIN_COMMON]; /* of a row */
    struct ls_shown shown;
};

/* The first kind that fits. */
static const struct ls_picture *const kinds[] = {&ls_picture_maps, &ls_picture_nearest,
                                                 &ls_picture_images, &ls_picture_series,
                                                 &ls_picture_texts};

enum { FEW_CHANNELS = 16 };

/* Rows of two dimensions are steps with channels where they are windows of a stream, or have few
 * channels; else they may be grey images. */
enum ls_input_kind ls_input_kind_of(const struct ls_subject *subject) {
    const struct ls_data *data = &subject->trained.data;
    const struct ls_shape shape = data->feeds[subject->feed].shape;
    for (int i = 0; i < subject->model.input_count; i++)
        if (subject->model.inputs[i].feed == subject->feed &&
            subject->model.inputs[i].value->type != LS_TYPE_REAL)
            return shape.rank == 1 ? LS_INPUT_TEXT : LS_INPUT_OTHER;
    if (shape.rank == 2 &&
        (data->options[subject->role][subject->feed].window || shape.dims[1] <= FEW_CHANNELS))
        return LS_INPUT_SERIES;
    return ls_image_shape(shape).rank ? LS_INPUT_IMAGE : LS_INPUT_OTHER;
}

struct ls_shape ls_image_shape(struct ls_shape row) {
    if (row.rank == 2)
        row = LS_SHAPE(row.dims[0], row.dims[1], 1);
    return row.rank == 3 && (row.dims[2] == 1 || row.dims[2] == 3) ? row : (struct ls_shape){0};
}

/* Arrays that are kept: those of the method, then what samples have besides. */
static int arrays_of(const struct ls_subject *subject) {
    return subject->results.count + (subject->method->units ? 0 : LS_EXPLAIN_COMMON);
}

struct ls_explain_pictures *ls_explain_pictures_create(struct ls_subject *subject,
                                                       const struct ls_names *names) {
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        int64_t rows = kinds[k]->fits(subject);
        if (rows < 1)
            continue;
        struct ls_explain_pictures *pictures = ls_calloc(1, sizeof *pictures);
        rows = rows < subject->rows ? rows : subject->rows;
        pictures->kind = kinds[k];
        pictures->rows_max = rows;
        pictures->shown = (struct ls_shown){.subject = subject, .names = names};
        for (int i = 0; i < arrays_of(subject); i++) {
            const struct ls_result *result =
                i < subject->results.count ? &subject->results.items[i] : NULL;
            pictures->bytes[i] = ls_explain_row_bytes(subject, i);
            pictures->shown.arrays[i] =
                ls_calloc(result && result->single ? 1 : (size_t)rows, pictures->bytes[i]);
        }
        return pictures;
    }
    return NULL;
}

void ls_explain_pictures_destroy(struct ls_explain_pictures *pictures) {
    if (!pictures)
        return;
    for (int i = 0; i < LS_RESULTS_MAX + LS_EXPLAIN_COMMON; i++)
        free(pictures->shown.arrays[i]);
    ls_sample_block_clear(&pictures->shown.block);
    free(pictures);
}

void ls_explain_pictures_keep(struct ls_explain_pictures *pictures, char *const *arrays,
                              int64_t rows) {
    const struct ls_subject *subject = pictures->shown.subject;
    const int64_t shown = pictures->shown.count, left = pictures->rows_max - shown;
    const int64_t more = rows < left ? rows : left;
    for (int i = 0; i < arrays_of(subject); i++) {
        const bool single = i < subject->results.count && subject->results.items[i].single;
        if (!single || !shown)
            memcpy(pictures->shown.arrays[i] + (single ? 0 : (size_t)shown * pictures->bytes[i]),
                   arrays[i], (single ? 1 : (size_t)more) * pictures->bytes[i]);
    }
    pictures->shown.count += more;
}

bool ls_shown_silent(const struct ls_shown *shown, int64_t n) {
    return ls_explain_silent(shown->subject, shown->arrays, n);
}

enum ls_status ls_explain_pictures_write(struct ls_explain_pictures *pictures,
                                         struct ls_error *error) {
    struct ls_shown *shown = &pictures->shown;
    struct ls_subject *subject = shown->subject;
    struct ls_sheet sheet = {0};
    enum ls_status status = LS_OK;
    char path[LS_TEXT_MAX + 64];
    shown->block.rows_max = shown->count;
    if (!subject->method->units) {
        status = ls_subject_read(subject, &shown->block, 0, shown->count, error);
        if (status == LS_OK)
            ls_subject_read_labels(subject, &shown->block, shown->count);
    }
    sheet.shown = shown;
    if (status == LS_OK)
        status = pictures->kind->draw(&sheet, error);
    if (status == LS_OK)
        status = ls_sheet_write(&sheet, ls_explain_path(subject, "svg", path), error);
    ls_sheet_clear(&sheet);
    return status;
}
