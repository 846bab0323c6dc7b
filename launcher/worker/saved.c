#include "launcher/worker/saved.h"

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

enum ls_status ls_saved_run_open(struct ls_saved_run *saved, const char *run,
                                 struct ls_error *error) {
    *saved = (struct ls_saved_run){0};
    bool found = false;
    enum ls_status status = ls_checkpoint_newest(run, false, &saved->checkpoint, &found, error);
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
