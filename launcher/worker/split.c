/* Cuts data.train into its parts: by a permutation, by groups, or in the order of time. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "launcher/worker/data.h"

/* Parts one behind the other: of rows in the order of a permutation of the seed, of windows in the
 * order of time. Windows that share rows with those of the next part belong to none. */
static enum ls_status cut_parts(struct ls_data *data, const struct ls_config *config,
                                const uint64_t counts[LS_PARTS], struct ls_error *error) {
    struct ls_dataset *dataset = data->datasets[LS_SOURCE_TRAIN];
    const uint64_t samples = ls_dataset_info(dataset).samples;
    const uint64_t overlap = ls_dataset_overlap(dataset);
    const bool random = config->data.split_order == LS_SPLIT_RANDOM;
    bool windows = false;
    for (int i = 0; i < data->feed_count; i++)
        windows = windows || data->options[LS_SOURCE_TRAIN][i].window;
    uint64_t first = 0;
    for (int role = 0; role < LS_PARTS; role++) {
        const uint64_t left_out = first + counts[role] < samples ? overlap : 0;
        if (counts[role] && counts[role] <= left_out)
            return ls_fail(error, LS_INVALID,
                           "data.split: %s gets %llu windows, and the last %llu share rows with "
                           "the next part: none is left",
                           ls_part_name(role), (unsigned long long)counts[role],
                           (unsigned long long)left_out);
        if (counts[role])
            data->parts[role] = (struct ls_part){.dataset = dataset,
                                                 .first = first,
                                                 .count = counts[role] - left_out,
                                                 .permuted = !windows && random,
                                                 .seed = (uint64_t)config->seed};
        first += counts[role];
    }
    return LS_OK;
}

/* Deals whole groups, in the order of a permutation of the seed (or of the file), to one part after
 * the other: each takes groups until it has its count, so it is over by less than the last one. */
static void deal_groups(const uint64_t *groups, uint64_t samples, uint64_t group_count,
                        const struct ls_config *config, const uint64_t counts[LS_PARTS],
                        uint8_t *part_of_sample) {
    const struct ls_random_key key = ls_random_key((uint64_t)config->seed, LS_STREAM_SPLIT, 0, 0);
    uint64_t *sizes = ls_calloc(group_count, sizeof *sizes);
    uint8_t *part_of_group = ls_calloc(group_count, sizeof *part_of_group);
    for (uint64_t i = 0; i < samples; i++)
        sizes[groups[i]]++;
    int role = 0;
    uint64_t dealt = 0;
    for (uint64_t i = 0; i < group_count; i++) {
        while (role + 1 < LS_PARTS && dealt >= counts[role]) {
            role++;
            dealt = 0;
        }
        const bool random = config->data.split_order == LS_SPLIT_RANDOM;
        const uint64_t group = random ? ls_random_permute(key, i, group_count) : i;
        part_of_group[group] = (uint8_t)role;
        dealt += sizes[group];
    }
    for (uint64_t i = 0; i < samples; i++)
        part_of_sample[i] = part_of_group[groups[i]];
    free(sizes);
    free(part_of_group);
}

/* The samples of each part in their order. */
static enum ls_status list_samples(struct ls_data *data, const uint8_t *part_of_sample,
                                   const char *key, const uint64_t counts[LS_PARTS],
                                   struct ls_error *error) {
    struct ls_dataset *dataset = data->datasets[LS_SOURCE_TRAIN];
    const uint64_t samples = ls_dataset_info(dataset).samples;
    for (int role = 0; role < LS_PARTS; role++) {
        uint64_t *list = data->samples[role] = ls_calloc(samples, sizeof *list), count = 0;
        for (uint64_t i = 0; i < samples; i++)
            if (part_of_sample[i] == role)
                list[count++] = i;
        if (counts[role] && !count)
            return ls_fail(error, LS_INVALID, "%s: the groups are so %s that none is left for %s",
                           key, strcmp(key, "data.group") ? "small" : "large", ls_part_name(role));
        if (count)
            data->parts[role] =
                (struct ls_part){.dataset = dataset, .samples = list, .count = count};
    }
    return LS_OK;
}

/* Of each group the same shares: in the order of the permutation, its first samples are for
 * training, then for validation, then for test; shares are rounded for each group. */
static void deal_samples(const uint64_t *groups, uint64_t samples, uint64_t group_count,
                         const struct ls_config *config, uint8_t *part_of_sample) {
    const struct ls_random_key key = ls_random_key((uint64_t)config->seed, LS_STREAM_SPLIT, 0, 0);
    const double *shares = config->data.split.values;
    uint64_t *sizes = ls_calloc(group_count, sizeof *sizes);
    uint64_t *dealt = ls_calloc(group_count, sizeof *dealt);
    for (uint64_t i = 0; i < samples; i++)
        sizes[groups[i]]++;
    for (uint64_t i = 0; i < samples; i++) {
        const bool random = config->data.split_order == LS_SPLIT_RANDOM;
        const uint64_t sample = random ? ls_random_permute(key, i, samples) : i;
        const uint64_t group = groups[sample], place = dealt[group]++;
        double share = 0;
        int role = 0;
        for (; role + 1 < LS_PARTS; role++) {
            share += shares[role];
            if (place < (uint64_t)(share * (double)sizes[group] + 0.5))
                break;
        }
        part_of_sample[sample] = (uint8_t)role;
    }
    free(sizes);
    free(dealt);
}

static enum ls_status cut_groups(struct ls_data *data, const struct ls_config *config,
                                 const uint64_t counts[LS_PARTS], struct ls_error *error) {
    struct ls_dataset *dataset = data->datasets[LS_SOURCE_TRAIN];
    const uint64_t samples = ls_dataset_info(dataset).samples;
    uint64_t *groups = ls_calloc(samples, sizeof *groups), group_count;
    const bool grouped = config->data.group[0] != '\0';
    enum ls_status status =
        ls_dataset_groups(dataset, ls_config_split_column(config), groups, &group_count, error);
    if (status == LS_OK) {
        uint8_t *part_of_sample = ls_calloc(samples, sizeof *part_of_sample);
        if (grouped)
            deal_groups(groups, samples, group_count, config, counts, part_of_sample);
        else
            deal_samples(groups, samples, group_count, config, part_of_sample);
        status = list_samples(data, part_of_sample, grouped ? "data.group" : "data.stratify",
                              counts, error);
        free(part_of_sample);
    }
    free(groups);
    return status;
}

enum ls_status ls_data_split(struct ls_data *data, const struct ls_config *config,
                             struct ls_error *error) {
    const uint64_t rows = data->parts[LS_SOURCE_TRAIN].count;
    uint64_t counts[LS_PARTS] = {0}, held_out = 0;
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS; role++) {
        counts[role] = (uint64_t)(config->data.split.values[role] * (double)rows + 0.5);
        held_out += counts[role];
        if (config->data.split.values[role] > 0 && !counts[role])
            return ls_fail(
                error, LS_INVALID, "data.split: a share of %g of %llu rows is no row for %s",
                config->data.split.values[role], (unsigned long long)rows, ls_part_name(role));
    }
    if (held_out >= rows)
        return ls_fail(error, LS_INVALID, "data.split leaves no rows of %llu for training",
                       (unsigned long long)rows);
    counts[LS_SOURCE_TRAIN] = rows - held_out;
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS; role++)
        if (counts[role])
            memcpy(data->options[role], data->options[LS_SOURCE_TRAIN], sizeof data->options[role]);
    return (ls_config_split_column(config) ? cut_groups : cut_parts)(data, config, counts, error);
}
