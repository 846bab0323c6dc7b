/* What no single field can tell: values that must fit each other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "launcher/config/reader.h"

/* The place to blame for two values that do not fit: the one that was written last, or at all. */
static struct ls_origin blamed(struct ls_origin a, struct ls_origin b, bool *first) {
    *first = a.assignment || (!b.assignment && a.line >= b.line);
    return *first ? a : b;
}

static enum ls_status check_batch(const struct ls_config_reader *reader) {
    const int64_t batch = reader->config->train.batch, count = reader->config->train.microbatches;
    const struct ls_origin at = *ls_reader_origin(reader, "train.microbatches");
    const struct ls_origin other = *ls_reader_origin(reader, "train.batch");
    char place[240];
    bool first;
    if (!count || batch % count == 0)
        return LS_OK;
    const struct ls_origin origin = blamed(at, other, &first);
    ls_origin_print(first ? other : at, place, sizeof place);
    if (count > batch)
        return ls_reader_fail(
            reader, origin,
            "train.microbatches is %lld, but train.batch has only %lld samples (%s)",
            (long long)count, (long long)batch, place);
    int64_t below = count, above = count;
    while (batch % below)
        below--;
    while (batch % above)
        above++;
    return ls_reader_fail(
        reader, origin,
        "train.microbatches %lld does not divide train.batch %lld (%s); %lld and %lld do",
        (long long)count, (long long)batch, place, (long long)below, (long long)above);
}

static enum ls_status check_share(const struct ls_config_reader *reader, int share, const char *key,
                                  const char *path) {
    const struct ls_origin split = *ls_reader_origin(reader, "data.split");
    char place[240];
    if (!path[0] || reader->config->data.split.values[share] <= 0)
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, key),
                          "%s is given, and data.split (%s) cuts off a part for it too: choose one",
                          key, ls_origin_print(split, place, sizeof place));
}

static enum ls_status check_split(const struct ls_config_reader *reader) {
    const struct ls_data_options *data = &reader->config->data;
    const struct ls_origin origin = *ls_reader_origin(reader, "data.split");
    if (!data->split.count)
        return LS_OK;
    if (data->split.count != 3)
        return ls_reader_fail(reader, origin,
                              "data.split: expected 3 shares (train, validation, test), found %d",
                              data->split.count);
    const double sum = data->split.values[0] + data->split.values[1] + data->split.values[2];
    if (fabs(sum - 1) > 1e-6)
        return ls_reader_fail(reader, origin, "data.split: the shares add up to %.6g, expected 1",
                              sum);
    if (data->split.values[0] <= 0)
        return ls_reader_fail(reader, origin, "data.split: the first share, of training, is 0");
    const enum ls_status status = check_share(reader, 1, "data.validation", data->validation);
    return status == LS_OK ? check_share(reader, 2, "data.test", data->test) : status;
}

/* Of several phases, one has to run in each step: the ranks agree on stopping and saving in it. */
static enum ls_status check_phases(const struct ls_config_reader *reader) {
    const struct ls_config *config = reader->config;
    for (int p = 0; p < config->phase_count; p++)
        if (config->phases[p].every == 1)
            return LS_OK;
    return ls_reader_fail(reader, reader->phases,
                          "phases: one of them must run in each step (every: 1)");
}

/* The key, if any, that goes by a metric of the validation; *key: its name, for messages. */
static const struct ls_origin *key_that_watches(const struct ls_config_reader *reader,
                                                const char **key) {
    const struct ls_config *config = reader->config;
    const struct ls_phase_options *plateau = NULL;
    for (int p = 0; p < config->phase_count; p++)
        if (config->phases[p].schedule.name == LS_SCHEDULE_PLATEAU)
            plateau = &config->phases[p];
    static const char *const patience = "train.patience", *const best = "checkpoint.keep_best";
    *key = config->train.patience         ? patience
           : config->checkpoint.keep_best ? best
           : plateau                      ? "schedule.name"
                                          : NULL;
    return *key ? ls_reader_origin(reader, *key) : NULL;
}

/* It needs data to measure; and of several phases, which of their metrics is meant has to be said.
 */
static enum ls_status check_watched(const struct ls_config_reader *reader) {
    const struct ls_config *config = reader->config;
    const struct ls_data_options *data = &config->data;
    const bool validated =
        data->validation[0] || (data->split.count == 3 && data->split.values[1] > 0);
    const char *key;
    const struct ls_origin *origin = key_that_watches(reader, &key);
    if (origin && !validated)
        return ls_reader_fail(reader, *origin,
                              "%s%s needs data.validation, or a share of data.split", key,
                              !strcmp(key, "train.patience")  ? " (early stopping)"
                              : !strcmp(key, "schedule.name") ? " plateau"
                                                              : "");
    if (origin && config->phase_count > 1 && !config->train.watch[0])
        return ls_reader_fail(
            reader, *origin, "%s: a task of %d phases needs train.watch (%s.loss, for example)",
            key, config->phase_count, config->phases[config->phase_count - 1].name);
    return LS_OK;
}

static enum ls_status check_schedule_of(const struct ls_config_reader *reader,
                                        const struct ls_phase_options *phase) {
    const struct ls_schedule_options *schedule = &phase->schedule;
    if (schedule->name == LS_SCHEDULE_RESTARTS && !schedule->period_steps)
        return ls_reader_fail(reader, ls_reader_schedule_origin(reader, phase, "name"),
                              "schedule restarts needs schedule.period_steps, the length of its "
                              "first period");
    if (schedule->steps && schedule->warmup_steps > schedule->steps)
        return ls_reader_fail(reader, ls_reader_schedule_origin(reader, phase, "warmup_steps"),
                              "schedule.warmup_steps is %lld, but schedule.steps only %lld",
                              (long long)schedule->warmup_steps, (long long)schedule->steps);
    for (int i = 1; i < schedule->milestones.count; i++)
        if (schedule->milestones.values[i] <= schedule->milestones.values[i - 1])
            return ls_reader_fail(
                reader, ls_reader_schedule_origin(reader, phase, "milestones"),
                "schedule.milestones: expected ascending shares, found %g after %g",
                schedule->milestones.values[i], schedule->milestones.values[i - 1]);
    return LS_OK;
}

static enum ls_status check_schedule(const struct ls_config_reader *reader) {
    enum ls_status status = LS_OK;
    for (int p = 0; p < reader->config->phase_count && status == LS_OK; p++)
        status = check_schedule_of(reader, &reader->config->phases[p]);
    return status;
}

static enum ls_status check_start(const struct ls_config_reader *reader) {
    const struct ls_start_options *start = &reader->config->start;
    if (start->from[0] || !start->need.count)
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, "start.need"),
                          "start.need is about another run, but start.from, which names it, is not "
                          "given");
}

/* Mixed inputs with the target of one of them are right in the mean where the loss is linear in the
 * target. */
static enum ls_status check_mixup(const struct ls_config_reader *reader) {
    const int kind = reader->config->task.kind;
    const struct ls_layer_list *losses = &reader->config->losses;
    for (int i = 0; i < losses->count && reader->config->augment.mixup > 0; i++) {
        const struct ls_layer_spec *spec = &losses->items[i];
        const char *target = ls_loss_target_name(spec), *name = spec->layer->name;
        if (target && strcmp(target, "inputs") != 0 && strcmp(name, "cross_entropy") != 0 &&
            strcmp(name, "binary_cross_entropy") != 0)
            return ls_reader_fail(reader, *ls_reader_origin(reader, "augment.mixup"),
                                  "augment.mixup is for cross_entropy and binary_cross_entropy, "
                                  "whose mixed targets are right in the mean; found the loss %s",
                                  name);
    }
    if (!(reader->config->augment.mixup > 0) || kind == LS_TASK_CLASSIFICATION ||
        kind == LS_TASK_MULTI_LABEL || kind == LS_TASK_CUSTOM)
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, "augment.mixup"),
                          "augment.mixup is for classifications; found a %s",
                          ls_task_of(kind)->name);
}

static enum ls_status check_ranks(const struct ls_config_reader *reader) {
    const int64_t ranks = reader->config->launcher.ranks;
    const int64_t microbatches = ls_config_microbatches(reader->config);
    if (ranks <= microbatches)
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, "launcher.ranks"),
                          "launcher.ranks is %lld, but there are only %lld microbatches to share",
                          (long long)ranks, (long long)microbatches);
}

static enum ls_status check_beams(const struct ls_config_reader *reader) {
    const struct ls_task_options *task = &reader->config->task;
    if (!task->beams || task->kind == LS_TASK_TRANSLATION)
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, "task.beams"),
                          "task.beams is for a translation; found a %s",
                          ls_task_of(task->kind)->name);
}

static enum ls_status check_answer(const struct ls_config_reader *reader) {
    const struct ls_config *config = reader->config;
    if (!config->answer[0] || config->task.kind == LS_TASK_CUSTOM)
        return LS_OK;
    return ls_reader_fail(reader, *ls_reader_origin(reader, "answer"),
                          "answer is for `task: custom`; of a %s the last layer answers",
                          ls_task_of(config->task.kind)->name);
}

enum ls_status ls_reader_check(const struct ls_config_reader *reader) {
    static enum ls_status (*const checks[])(const struct ls_config_reader *) = {
        check_batch,   ls_reader_check_feeds, check_split, check_phases,
        check_watched, check_schedule,        check_mixup, check_start,
        check_ranks,   check_beams,           check_answer};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const enum ls_status status = checks[i](reader);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}
