#include "launcher/worker/saved.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"

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
