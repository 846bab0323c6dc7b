/* The words behind the tokens of a run's data: kept with the run, the same in all of its parts. */
#include "io/vocabulary.h"

#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "launcher/worker/data.h"

const char *ls_vocabulary_path(const char *run, char path[LS_TEXT_MAX]) {
    snprintf(path, LS_TEXT_MAX, "%s/vocabulary.json", run);
    return path;
}

/* Whether a feed before this one reads the same column. */
static bool seen(const struct ls_feed_options *options, int feed) {
    for (int i = 0; i < feed; i++)
        if (!strcmp(options[i].column, options[feed].column))
            return true;
    return false;
}

enum ls_status ls_data_save_vocabularies(const struct ls_data *data, const char *run,
                                         struct ls_error *error) {
    const struct ls_feed_options *options = data->options[LS_SOURCE_TRAIN];
    struct ls_vocabulary items[LS_FEEDS_MAX];
    const char *names[LS_FEEDS_MAX];
    char path[LS_TEXT_MAX];
    int count = 0;
    enum ls_status status = LS_OK;
    for (int i = 0; i < data->feed_count && status == LS_OK; i++) {
        bool found = false;
        if (!data->feeds[i].limit || seen(options, i))
            continue;
        status = ls_vocabulary_load(&items[count], ls_dataset_path(data->datasets[LS_SOURCE_TRAIN]),
                                    options[i].column, &found, error);
        names[count] = options[i].column;
        count += status == LS_OK && found;
    }
    if (status == LS_OK && count)
        status = ls_vocabularies_save(ls_vocabulary_path(run, path), count, names, items, error);
    for (int i = 0; i < count; i++)
        ls_vocabulary_clear(&items[i]);
    return status;
}

/* What the tokens of feed i must mean. */
static enum ls_status load_expected(const struct ls_data *data, int feed, struct ls_meaning words,
                                    struct ls_vocabulary *expected, bool *found,
                                    struct ls_error *error) {
    char path[LS_TEXT_MAX];
    const char *column = data->options[LS_SOURCE_TRAIN][feed].column;
    *expected = (struct ls_vocabulary){0};
    *found = false;
    if (!words.run)
        return ls_vocabulary_load(expected, ls_dataset_path(data->datasets[LS_SOURCE_TRAIN]),
                                  column, found, error);
    if (!ls_file_exists(ls_vocabulary_path(words.run, path)))
        return LS_OK;
    const enum ls_status status =
        ls_vocabularies_load(expected, path, column[0] ? column : NULL, found, error);
    return status == LS_OK && !*found && words.any
               ? ls_vocabularies_load(expected, path, NULL, found, error)
               : status;
}

enum ls_status ls_data_check_vocabularies(const struct ls_data *data, int role,
                                          struct ls_meaning words, struct ls_error *error) {
    const struct ls_dataset *dataset = data->datasets[role];
    enum ls_status status = LS_OK;
    for (int i = 0; i < data->feed_count && status == LS_OK; i++) {
        if (!data->feeds[i].limit || seen(data->options[role], i))
            continue;
        struct ls_vocabulary expected;
        bool found;
        status = load_expected(data, i, words, &expected, &found, error);
        for (int f = 0; f < ls_dataset_info(dataset).files && status == LS_OK && found; f++) {
            const char *path = ls_dataset_file(dataset, f);
            struct ls_vocabulary other;
            bool has;
            status = ls_vocabulary_load(&other, path, data->options[role][i].column, &has, error);
            if (status == LS_OK && has && ls_vocabulary_compare(&expected, &other, error) != LS_OK)
                status = ls_fail_context(error, "%s: not the vocabulary of %s: ", path,
                                         words.any   ? words.run
                                         : words.run ? "the run"
                                                     : "the training data");
            ls_vocabulary_clear(&other);
        }
        ls_vocabulary_clear(&expected);
    }
    return status;
}

enum ls_status ls_data_take_vocabularies(struct ls_data *data, const char *path,
                                         struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int i = 0; i < data->feed_count && status == LS_OK; i++) {
        const char *column = data->options[LS_SOURCE_TRAIN][i].column;
        struct ls_feed *feed = &data->feeds[i];
        if (data->options[LS_SOURCE_TRAIN][i].lengths ||
            (feed->shape.rank != LS_FEED_OPEN && !feed->integer))
            continue;
        struct ls_vocabulary vocabulary;
        bool found;
        status = ls_vocabularies_load(&vocabulary, path, column[0] ? column : NULL, &found, error);
        if (status == LS_OK && found)
            feed->limit = vocabulary.count;
        ls_vocabulary_clear(&vocabulary);
    }
    return status;
}

enum ls_status ls_data_check_specials(const struct ls_data *data, struct ls_error *error) {
    const char *path = ls_dataset_path(data->datasets[LS_SOURCE_TRAIN]), *column = NULL;
    for (int i = 0; i < data->feed_count; i++)
        if (!strcmp(data->feeds[i].name, "inputs"))
            column = data->options[LS_SOURCE_TRAIN][i].column;
    if (!column)
        return ls_fail(error, LS_INVALID, "augment.mask: the data has no feed 'inputs'");
    struct ls_vocabulary vocabulary;
    bool found;
    enum ls_status status = ls_vocabulary_load(&vocabulary, path, column, &found, error);
    if (status == LS_OK && found && !vocabulary.special)
        status =
            ls_fail(error, LS_INVALID,
                    "augment.mask: %s of %s has no special tokens, so none for the mask; import "
                    "it with --special",
                    column, path);
    ls_vocabulary_clear(&vocabulary);
    return status;
}
