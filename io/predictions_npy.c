/* Predictions as NumPy's format (version 1.0): one array of floats in C order. */
#include <stdio.h>

#include "io/npy.h"
#include "io/predictions_internal.h"

/* The first set of reals is the answer; classes follow from it. */
static int answer(const struct ls_predictions_options *options) {
    for (int i = 0; i < options->count; i++)
        if (!options->sets[i].integer)
            return i;
    return 0;
}

static const char *refuse(const struct ls_predictions_options *options) {
    int reals = 0;
    for (int i = 0; i < options->count; i++)
        reals += !options->sets[i].integer;
    return reals > 1 ? "it holds one array, and there is more than one to write" : NULL;
}

static bool begin(void **writer, const struct ls_predictions_options *options,
                  const char *temporary) {
    const struct ls_prediction_set *set = &options->sets[answer(options)];
    struct ls_shape shape = {.rank = 1 + set->row_shape.rank, .dims = {(int64_t)options->rows}};
    char header[LS_NPY_HEADER_MAX];
    for (int i = 0; i < set->row_shape.rank; i++)
        shape.dims[1 + i] = set->row_shape.dims[i];
    const size_t bytes = ls_npy_header(header, set->wide ? "<f8" : "<f4", shape);
    FILE *out = *writer = fopen(temporary, "wb");
    return out && fwrite(header, 1, bytes, out) == bytes;
}

static bool append(void *writer, const struct ls_predictions_options *options, uint64_t first,
                   const void *const *data, int64_t rows) {
    const int at = answer(options);
    const struct ls_prediction_set *set = &options->sets[at];
    const size_t count = (size_t)(rows * ls_shape_count(set->row_shape));
    (void)first;
    return fwrite(data[at], set->wide ? sizeof(double) : sizeof(float), count, writer) == count;
}

static bool finish(void *writer) {
    return writer && !fclose(writer);
}

const struct ls_predictions_writer ls_predictions_npy = {
    .ending = ".npy", .refuse = refuse, .begin = begin, .append = append, .finish = finish};
