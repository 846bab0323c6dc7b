/* What the layer that a method looks at makes of the training samples: each rank asks for its part
 * of a round, and all get all. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "launcher/explain/explain.h"
#include "launcher/worker/progress.h"

enum { ROUND = 256 };                                      /* samples of a rank */
static const uint64_t known_bytes_max = (uint64_t)1 << 32; /* of a rank's memory */

/* Values of a sample that are kept. */
static size_t row_of(const struct ls_subject *training) {
    const struct ls_model *model = &training->model;
    return (size_t)ls_shape_row_count((model->replaced ? model->replaced : model->layer)->shape);
}

/* One rank's run of samples first .. first + rows - 1 to `values`. */
static enum ls_status ask(struct ls_subject *training, struct ls_sample_block *block,
                          uint64_t first, int64_t rows, float *values, struct ls_error *error) {
    const enum ls_status status = ls_subject_read(training, block, first, rows, error);
    if (status != LS_OK || rows == 0)
        return status;
    ls_subject_show(training, block, rows);
    ls_explainer_layer(&training->explainer, values);
    return LS_OK;
}

static enum ls_status ask_all(struct ls_subject *training, struct ls_subject *subject,
                              struct ls_communicator *communicator, struct ls_error *error) {
    const int rank = ls_communicator_rank(communicator), size = ls_communicator_size(communicator);
    const int64_t total = (int64_t)training->count;
    const size_t row = row_of(training);
    float *mine = ls_calloc(ROUND * row, sizeof *mine);
    float *all = ls_calloc((size_t)size * ROUND * row, sizeof *all);
    struct ls_sample_block block = {.rows_max = ROUND};
    enum ls_status status = LS_OK;
    double said = ls_seconds();
    for (int64_t done = 0, round; done < total && status == LS_OK; done += round) {
        round = total - done < ROUND * (int64_t)size ? total - done : ROUND * (int64_t)size;
        const int64_t first = ls_even_first(round, rank, size);
        status = ask(training, &block, (uint64_t)(done + first),
                     ls_even_first(round, rank + 1, size) - first, mine, error);
        if ((status = ls_communicator_agree(communicator, status, error)) != LS_OK)
            break;
        if (rank == 0)
            ls_explain_progress("training samples", done + round, total, &said);
        ls_communicator_all_gather(communicator, mine, (int64_t)(ROUND * row * sizeof *mine), all);
        for (int r = 0; r < size; r++) {
            const int64_t from = ls_even_first(round, r, size);
            memcpy(subject->known_values + (size_t)(done + from) * row,
                   all + (size_t)r * ROUND * row,
                   (size_t)(ls_even_first(round, r + 1, size) - from) * row * sizeof *all);
        }
    }
    ls_sample_block_clear(&block);
    free(mine);
    free(all);
    return status;
}

enum ls_status ls_subject_open_training(const struct ls_subject *subject,
                                        struct ls_subject *training, struct ls_error *error) {
    struct ls_explain_options wanted = *subject->wanted;
    char *const arguments[] = {(char *)(uintptr_t)subject->run,
                               (char *)(uintptr_t)subject->method->name};
    wanted.data[0] = wanted.samples[0] = '\0';
    strcpy(wanted.target, "predicted");
    wanted.training = true;
    const enum ls_status status = ls_subject_open(training, &wanted, arguments, error);
    training->wanted = subject->wanted; /* that of this call ends with it */
    return status == LS_OK ? LS_OK
                           : ls_fail_context(error, "the training data of the run is wanted: ");
}

/* The classes of the training samples, where they have one each. */
static enum ls_status learn_labels(struct ls_subject *training, struct ls_subject *subject,
                                   struct ls_error *error) {
    struct ls_data *data = &training->trained.data;
    const struct ls_feed *feed = ls_data_feed(data, "targets");
    if (!subject->concepts.judged)
        return LS_OK;
    const struct ls_feed_use use = {.feed = &data->options[LS_SOURCE_TRAIN][feed - data->feeds],
                                    .type = LS_TYPE_INT32};
    subject->known_labels = ls_calloc(training->count, sizeof *subject->known_labels);
    subject->explainer.known_labels = subject->known_labels;
    return ls_dataset_read(data->parts[LS_SOURCE_TRAIN].dataset, &use, subject->known_ids,
                           (int64_t)training->count, subject->known_labels, error);
}

enum ls_status ls_subject_learn(struct ls_subject *subject, struct ls_communicator *communicator,
                                struct ls_error *error) {
    struct ls_subject training = {0};
    enum ls_status status = ls_subject_open_training(subject, &training, error);
    if (status == LS_OK && training.count * row_of(&training) * sizeof(float) > known_bytes_max)
        status = ls_fail(error, LS_INVALID,
                         "%s: %llu training samples with %zu values of the layer '%s' each are "
                         "too many to keep; name a smaller layer with --layer",
                         subject->method->name, (unsigned long long)training.count,
                         row_of(&training), subject->layer);
    if ((status = ls_communicator_agree(communicator, status, error)) == LS_OK) {
        const size_t row = row_of(&training);
        subject->known_values = ls_calloc(training.count * row, sizeof(float));
        subject->known_ids = ls_calloc(training.count, sizeof *subject->known_ids);
        for (uint64_t n = 0; n < training.count; n++)
            subject->known_ids[n] =
                ls_part_sample(&training.trained.data.parts[LS_SOURCE_TRAIN], n);
        status =
            ls_communicator_agree(communicator, learn_labels(&training, subject, error), error);
        if (status == LS_OK)
            status = ask_all(&training, subject, communicator, error);
        subject->explainer.known = (int64_t)training.count;
        subject->explainer.known_values = subject->known_values;
        subject->explainer.known_ids = subject->known_ids;
    }
    ls_subject_close(&training);
    return status;
}
