#include "launcher/command/run_options.h"

#include <stdio.h>

enum ls_status ls_run_config(const struct ls_run_options *options, const char *path,
                             struct ls_config *config, struct ls_error *error) {
    const enum ls_status status =
        ls_config_read(config, path, options->set.items, options->set.count, error);
    if (status == LS_OK && options->threads)
        config->compute.threads = options->threads;
    return status;
}

void ls_run_directory(const struct ls_run_options *options, const struct ls_config *config,
                      char run[LS_TEXT_MAX]) {
    if (options->out[0])
        snprintf(run, LS_TEXT_MAX, "%s", options->out);
    else
        snprintf(run, LS_TEXT_MAX, "runs/%.*s", LS_TEXT_MAX - 8, config->name);
}
