/* The formats that hold parameters alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "io/weights.h"
#include "launcher/command/version.h"
#include "launcher/export/export.h"

static enum ls_status save(const struct ls_exported *exported, const char *path,
                           enum ls_status (*write)(const struct ls_weights *, const char *,
                                                   struct ls_error *),
                           struct ls_error *error) {
    char step[24], numerics[16], digest[LS_HASH_TEXT_MAX];
    const struct ls_state *state = &exported->saved.state;
    char *config = ls_config_print(&exported->saved.config);
    snprintf(step, sizeof step, "%" PRIu64, state->step);
    snprintf(numerics, sizeof numerics, "%d", state->numerics);
    ls_hash_text(ls_parameters_digest(exported->parameters, exported->flat), digest);
    const struct ls_weights_note notes[] = {
        {"lockstep", ls_version()},
        {"run", exported->run},
        {"step", step},
        {"numerics_version", numerics},
        {"digest", digest},
        {"layout", "linear [in, out]; convolution [height, width, in / groups, out], transposed "
                   "[height, width, out / groups, in]; images [height, width, channels]"},
        /* what is taken off feeds in double, before the means that stand among the parameters */
        {"centres", state->centres ? state->centres : "{}"},
        {"config", config},
    };
    const struct ls_weights weights = {.parameters = exported->parameters,
                                       .flat = exported->flat,
                                       .notes = notes,
                                       .note_count = sizeof notes / sizeof *notes};
    const enum ls_status status = write(&weights, path, error);
    free(config);
    return status;
}

enum ls_status ls_export_safetensors(const struct ls_exported *exported, const char *path,
                                     struct ls_error *error) {
    return save(exported, path, ls_weights_save_safetensors, error);
}

enum ls_status ls_export_npz(const struct ls_exported *exported, const char *path,
                             struct ls_error *error) {
    return save(exported, path, ls_weights_save_npz, error);
}

enum ls_status ls_export_hdf5(const struct ls_exported *exported, const char *path,
                              struct ls_error *error) {
    return save(exported, path, ls_weights_save_hdf5, error);
}
