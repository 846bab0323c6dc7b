#include "launcher/worker/saved.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "io/file.h"
#include "launcher/worker/data.h"

enum ls_status ls_saved_run_read(struct ls_saved_run *saved, struct ls_error *error) {
    const struct ls_checkpoint *checkpoint = &saved->checkpoint;
    char *text = NULL;
    enum ls_status status = ls_state_parse(checkpoint->state, &saved->state, &text, error);
    if (status == LS_OK)
        status =
            ls_config_parse(&saved->config, text, strlen(text), checkpoint->path, NULL, 0, error);
    free(text);
    return status;
}

enum ls_status ls_saved_run_check(const struct ls_checkpoint *checkpoint, struct ls_error *error) {
    struct ls_state state;
    char *text = NULL;
    enum ls_status status = ls_state_parse(checkpoint->state, &state, &text, error);
    if (status == LS_OK && state.step != checkpoint->step)
        status = ls_fail(error, LS_DAMAGED, "the state is of step %" PRIu64, state.step);
    free(text);
    ls_state_clear(&state);
    return status == LS_OK ? LS_OK : ls_fail_context(error, "%s: ", checkpoint->path);
}

enum ls_status ls_saved_run_find(struct ls_saved_run *saved, const char *run, bool set_aside,
                                 bool *found, struct ls_error *error) {
    *saved = (struct ls_saved_run){0};
    const struct ls_checkpoint_search search = {
        .run = run, .set_aside = set_aside, .check = ls_saved_run_check};
    return ls_checkpoint_newest(&search, &saved->checkpoint, found, error);
}

/* With checkpoint.keep_best, the best one in place of the newest. */
static enum ls_status turn_to_best(struct ls_saved_run *saved, const char *run,
                                   struct ls_error *error) {
    const struct ls_state *state = &saved->state;
    struct ls_checkpoint best;
    if (!saved->config.checkpoint.keep_best || !state->has_best || state->best_step == state->step)
        return LS_OK;
    if (ls_checkpoint_open(run, state->best_step, &best, error) != LS_OK) {
        ls_log(LS_LOG_WARNING,
               "the best checkpoint of %s, of step %" PRIu64 ", cannot be used: %s\n"
               "its newest is used, of step %" PRIu64,
               run, state->best_step, error->text, state->step);
        return LS_OK;
    }
    ls_saved_run_close(saved);
    *saved = (struct ls_saved_run){.checkpoint = best};
    return ls_saved_run_read(saved, error);
}

enum ls_status ls_saved_run_open(struct ls_saved_run *saved, const char *run,
                                 struct ls_error *error) {
    bool found = false;
    enum ls_status status = ls_saved_run_find(saved, run, false, &found, error);
    if (status == LS_OK && !found)
        return ls_fail(error, LS_INVALID,
                       "%s: has no checkpoint; is it a run directory of lockstep?", run);
    if (status == LS_OK)
        status = ls_saved_run_read(saved, error);
    return status == LS_OK ? turn_to_best(saved, run, error) : status;
}

void ls_saved_run_split(const char *from, char run[LS_TEXT_MAX], uint64_t *step) {
    snprintf(run, LS_TEXT_MAX, "%s", from);
    size_t length = strlen(run);
    while (length > 1 && run[length - 1] == '/')
        run[--length] = '\0';
    *step = UINT64_MAX;
    char *last = strrchr(run, '/'), *end;
    static const char parent[] = "/checkpoints", prefix[] = "/step-";
    const size_t width = sizeof parent - 1;
    if (!last || strncmp(last, prefix, sizeof prefix - 1) || last - run <= (ptrdiff_t)width ||
        strncmp(last - width, parent, width))
        return;
    *step = strtoull(last + sizeof prefix - 1, &end, 10);
    last[-(ptrdiff_t)width] = '\0';
}

enum ls_status ls_saved_run_choose(struct ls_saved_run *saved, const char *from,
                                   char run[LS_TEXT_MAX], struct ls_error *error) {
    uint64_t step;
    ls_saved_run_split(from, run, &step);
    *saved = (struct ls_saved_run){0};
    if (!ls_file_exists(run))
        return ls_fail(error, LS_INVALID, "there is no run %s", run);
    if (step == UINT64_MAX)
        return ls_saved_run_open(saved, run, error);
    const enum ls_status status = ls_checkpoint_open(run, step, &saved->checkpoint, error);
    return status == LS_OK ? ls_saved_run_read(saved, error) : status;
}

int ls_saved_run_feeds(const struct ls_saved_run *saved, struct ls_feed feeds[LS_FEEDS_MAX]) {
    for (int i = 0; i < saved->state.feed_count; i++) {
        feeds[i] = saved->state.feeds[i];
        ls_data_mark_feed(&saved->config, &feeds[i]);
    }
    return saved->state.feed_count;
}

struct ls_model_options ls_saved_run_model(const struct ls_saved_run *saved,
                                           const struct ls_feed *feeds, int feed_count) {
    struct ls_model_options options = ls_config_model(&saved->config, ls_variant_best(), 1);
    options.feeds = feeds;
    options.feed_count = feed_count;
    options.inference = options.borrows_arena = true;
    return options;
}

enum ls_status ls_saved_run_lay_out(const struct ls_saved_run *saved,
                                    struct ls_parameter_set *parameters, struct ls_error *error) {
    struct ls_feed feeds[LS_FEEDS_MAX];
    struct ls_model models[LS_PHASES_MAX];
    const int feed_count = ls_saved_run_feeds(saved, feeds);
    const struct ls_model_options options = ls_saved_run_model(saved, feeds, feed_count);
    const enum ls_status status = ls_models_create(models, &options, parameters, error);
    if (status == LS_OK)
        ls_models_destroy(models, saved->config.phase_count);
    return status;
}

/* What no phase updates has no average. */
enum ls_status ls_saved_run_load(const struct ls_saved_run *saved,
                                 const struct ls_parameter_set *parameters, float *flat,
                                 struct ls_error *error) {
    const char *updated = saved->config.train.average > 0 ? LS_ARRAY_AVERAGE : LS_ARRAY_PARAMETERS;
    struct ls_checkpoint_content content = {.parameters = parameters};
    for (int g = 0; g <= LS_GROUP_FIXED; g++) {
        const struct ls_range range = parameters->groups[g];
        struct ls_checkpoint_arrays *arrays = &content.groups[content.count];
        *arrays = (struct ls_checkpoint_arrays){.group = g, .slice = range};
        ls_checkpoint_add(arrays, g < LS_GROUP_FIXED ? updated : LS_ARRAY_PARAMETERS,
                          flat + range.first);
        content.count += ls_range_count(range) > 0;
    }
    return ls_checkpoint_load(&saved->checkpoint, &content, error);
}

void ls_saved_run_close(struct ls_saved_run *saved) {
    ls_checkpoint_clear(&saved->checkpoint);
    ls_state_clear(&saved->state);
    ls_config_clear(&saved->config);
}
