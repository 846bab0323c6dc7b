/* Targets that are texts: each row's word becomes its number among the sorted words, those of the
 * training data. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset_internal.h"
#include "core/base/utf8.h"

enum { BLOCK = 4096, LABELS_MAX = 65536, TEXT_BYTES_MAX = 1 << 16 };

/* A block of rows of texts as HDF5 gives them: of one length each, or pointers. */
struct texts {
    hid_t type; /* in memory; owned */
    size_t bytes;
    bool pointers;
    char *rows; /* [BLOCK * bytes] owned */
};

static enum ls_status open_texts(struct texts *texts, const struct ls_array *array,
                                 struct ls_error *error) {
    const hid_t stored = H5Dget_type(array->dataset);
    *texts = (struct texts){.type = H5Tcopy(H5T_C_S1)};
    texts->pointers = H5Tis_variable_str(stored) > 0;
    texts->bytes = texts->pointers ? sizeof(char *) : H5Tget_size(stored) + 1;
    H5Tset_size(texts->type, texts->pointers ? H5T_VARIABLE : texts->bytes);
    H5Tset_cset(texts->type, H5Tget_cset(stored));
    H5Tclose(stored);
    if (texts->bytes > TEXT_BYTES_MAX)
        return ls_fail(error, LS_INVALID, "%s: %s: texts of %zu bytes are no labels", array->path,
                       array->name, texts->bytes - 1);
    texts->rows = ls_calloc(BLOCK, texts->bytes);
    return LS_OK;
}

static void close_texts(struct texts *texts) {
    H5Tclose(texts->type);
    free(texts->rows);
}

/* Without blanks behind it: labels of one length are padded. */
static const char *text_at(const struct texts *texts, uint64_t row) {
    char *at = texts->rows + row * texts->bytes;
    char *text = texts->pointers ? *(char **)(void *)at : at;
    for (size_t length = text ? strlen(text) : 0; length && text[length - 1] == ' '; length--)
        text[length - 1] = '\0';
    return text ? text : "";
}

/* What the words of the data set's files are numbered by. */
struct numbering {
    struct ls_csv_words seen;
    const char *const *known; /* NULL: `seen` grows */
    int known_count;
};

/* Characters of UTF-8 that can be shown; a run keeps labels as JSON. */
static bool good_label(const char *text) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t left = strlen(text), length = left;
    for (; left && length; left -= length, byte += length)
        length = *byte < ' ' ? 0 : ls_utf8_length(byte, left);
    return byte > (const unsigned char *)text && !left;
}

static enum ls_status number(struct numbering *numbering, struct ls_array *array, uint64_t row,
                             const char *text, struct ls_error *error) {
    if (!good_label(text))
        return ls_fail(error, LS_INVALID,
                       "%s: %s: row %llu (from 0): expected a label in UTF-8, found %s",
                       array->path, array->name, (unsigned long long)row,
                       *text ? "other bytes" : "an empty text");
    if (!numbering->known && numbering->seen.count > LABELS_MAX)
        return ls_fail(error, LS_INVALID, "%s: %s: more than %d different labels", array->path,
                       array->name, (int)LABELS_MAX);
    if (!numbering->known) {
        array->codes[row] = ls_csv_words_add(&numbering->seen, text);
        return LS_OK;
    }
    array->codes[row] = ls_csv_words_find(numbering->known, numbering->known_count, text);
    if (array->codes[row] >= 0)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "%s: %s: row %llu (from 0): the label '%.60s' is none of the %d of the training "
                   "data ('%.60s' ...)",
                   array->path, array->name, (unsigned long long)row, text, numbering->known_count,
                   numbering->known[0]);
}

static enum ls_status number_block(struct numbering *numbering, struct ls_array *array,
                                   struct texts *texts, uint64_t first, struct ls_error *error) {
    const hsize_t left = array->rows - first, count = left < BLOCK ? left : BLOCK, start = first;
    const hid_t memory = H5Screate_simple(1, &count, NULL);
    enum ls_status status = LS_OK;
    if (H5Sselect_hyperslab(array->space, H5S_SELECT_SET, &start, NULL, &count, NULL) < 0 ||
        H5Dread(array->dataset, texts->type, memory, array->space, H5P_DEFAULT, texts->rows) < 0)
        status = ls_hdf5_fail(error, LS_INVALID, "%s: cannot read rows %llu to %llu of %s",
                              array->path, (unsigned long long)first,
                              (unsigned long long)(first + count - 1), array->name);
    const bool read = status == LS_OK;
    for (uint64_t i = 0; i < count && status == LS_OK; i++)
        status = number(numbering, array, first + i, text_at(texts, i), error);
    if (read && texts->pointers)
        H5Dvlen_reclaim(texts->type, memory, H5P_DEFAULT, texts->rows);
    H5Sclose(memory);
    return status;
}

static enum ls_status number_array(struct numbering *numbering, struct ls_array *array,
                                   struct ls_error *error) {
    struct texts texts;
    enum ls_status status = open_texts(&texts, array, error);
    array->codes = ls_calloc(array->rows, sizeof *array->codes);
    for (uint64_t row = 0; row < array->rows && status == LS_OK; row += BLOCK)
        status = number_block(numbering, array, &texts, row, error);
    close_texts(&texts);
    return status;
}

/* From the order in which they were seen to the sorted one. */
static void settle(struct ls_dataset *dataset, int column, struct numbering *numbering) {
    int *places = ls_csv_words_sort(&numbering->seen);
    for (int f = 0; f < dataset->count; f++) {
        struct ls_array *array = &dataset->files[f].arrays[column];
        for (uint64_t row = 0; row < array->rows; row++)
            array->codes[row] = places[array->codes[row]];
    }
    free(places);
    dataset->labels = numbering->seen;
}

static enum ls_status number_column(struct ls_dataset *dataset, int column,
                                    const struct ls_dataset_options *options,
                                    struct ls_error *error) {
    struct numbering numbering = {.known = options->labels, .known_count = options->label_count};
    enum ls_status status = LS_OK;
    for (int f = 0; f < dataset->count && status == LS_OK; f++)
        status = number_array(&numbering, &dataset->files[f].arrays[column], error);
    for (int i = 0; i < numbering.known_count && status == LS_OK; i++)
        ls_csv_words_add(&numbering.seen, numbering.known[i]);
    if (status != LS_OK)
        ls_csv_words_clear(&numbering.seen);
    else if (!numbering.known)
        settle(dataset, column, &numbering);
    else {
        free(ls_csv_words_sort(&numbering.seen));
        dataset->labels = numbering.seen;
    }
    return status;
}

enum ls_status ls_dataset_number_labels(struct ls_dataset *dataset,
                                        const struct ls_dataset_options *options,
                                        struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int c = 0; c < dataset->info.column_count && status == LS_OK; c++) {
        bool labels = false;
        for (int i = 0; i < options->feed_count; i++)
            labels = labels || (!strcmp(options->feeds[i].name, "targets") &&
                                ls_dataset_find_column(dataset, options->feeds[i].column) == c);
        for (int f = 0; f < dataset->count && status == LS_OK; f++) {
            const struct ls_array *array = &dataset->files[f].arrays[c];
            if (array->text && !labels)
                status = ls_array_refuse(array, "text", error);
            else if (array->text != dataset->files[0].arrays[c].text)
                status = ls_fail(error, LS_INVALID, "%s: %s is text in one of %s and %s only",
                                 array->path, array->name, dataset->files[0].path, array->path);
        }
        if (status == LS_OK && dataset->files[0].arrays[c].text)
            status = number_column(dataset, c, options, error);
    }
    return status;
}

const char *const *ls_dataset_labels(const struct ls_dataset *dataset, int *count) {
    *count = dataset->labels.count;
    return (const char *const *)dataset->labels.sorted;
}
