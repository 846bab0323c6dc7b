#include "launcher/worker/saved.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

enum ls_status ls_saved_run_open(struct ls_saved_run *saved, const char *run,
                                 struct ls_error *error) {
    bool found = false;
    enum ls_status status = ls_saved_run_find(saved, run, false, &found, error);
    if (status == LS_OK && !found)
        return ls_fail(error, LS_INVALID,
                       "%s: has no checkpoint; is it a run directory of lockstep?", run);
    return status == LS_OK ? ls_saved_run_read(saved, error) : status;
}

void ls_saved_run_close(struct ls_saved_run *saved) {
    ls_checkpoint_clear(&saved->checkpoint);
    ls_state_clear(&saved->state);
    ls_config_clear(&saved->config);
}
