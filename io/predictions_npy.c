/* Predictions as NumPy's format (version 1.0): one array of floats in C order. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* The header is padded with blanks so that the values begin at a multiple of 64. */
static bool begin(void **writer, const struct ls_predictions_options *options,
                  const char *temporary) {
    enum { PREFIX = 10, ALIGNED = 64 };
    const struct ls_prediction_set *set = &options->sets[answer(options)];
    const struct ls_shape row = set->row_shape;
    char text[512];
    int length = snprintf(text, sizeof text,
                          "{'descr': '<f%d', 'fortran_order': False, 'shape': (%" PRIu64 ",",
                          set->wide ? 8 : 4, options->rows);
    for (int i = 0; i < row.rank; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%" PRId64,
                           i ? ", " : " ", row.dims[i]);
    length += snprintf(text + length, sizeof text - (size_t)length, "), }");
    while ((PREFIX + length + 1) % ALIGNED)
        text[length++] = ' ';
    text[length++] = '\n';
    const unsigned char prefix[PREFIX] = {0x93,
                                          'N',
                                          'U',
                                          'M',
                                          'P',
                                          'Y',
                                          1,
                                          0,
                                          (unsigned char)(length & 0xFF),
                                          (unsigned char)(length >> 8)};
    FILE *out = *writer = fopen(temporary, "wb");
    return out && fwrite(prefix, 1, PREFIX, out) == PREFIX &&
           fwrite(text, 1, (size_t)length, out) == (size_t)length;
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
