#include "launcher/command/run_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

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

static const char *written_config(const char *run, char path[LS_TEXT_MAX + 16]) {
    snprintf(path, LS_TEXT_MAX + 16, "%s/config.yaml", run);
    return path;
}

enum ls_status ls_run_config_write(const char *run, const struct ls_config *config,
                                   struct ls_error *error) {
    char path[LS_TEXT_MAX + 16], *text = ls_config_print(config);
    const enum ls_status status =
        ls_file_write(written_config(run, path), text, strlen(text), error);
    free(text);
    return status;
}

enum ls_status ls_run_config_check(const char *run, const struct ls_config *config,
                                   const char *path, struct ls_error *error) {
    enum { BYTES_MAX = 1 << 26 };
    char written[LS_TEXT_MAX + 16], *tried = NULL;
    uint64_t count = 0;
    enum ls_status status =
        ls_file_read(written_config(run, written), BYTES_MAX, &tried, &count, error);
    if (status != LS_OK)
        return status;
    char *text = ls_config_print(config);
    if (strcmp(text, tried) != 0)
        status = ls_fail(error, LS_INVALID,
                         "%s: it was changed after `lockstep train` had read it (%s has what it "
                         "said): start again",
                         path, written);
    free(text);
    free(tried);
    return status;
}
