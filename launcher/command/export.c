/* lockstep export: a run's model as a file for other programs. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "launcher/command/options.h"
#include "launcher/exit_codes.h"
#include "launcher/export/export.h"

static const struct ls_export_format formats[] = {
    {"safetensors", "the parameters, for Python's safetensors and what reads that",
     ls_export_safetensors},
    {"npz", "the parameters, for numpy.load", ls_export_npz},
    {"h5", "the parameters as datasets of HDF5", ls_export_hdf5},
    {"onnx", "the model that answers, for ONNX Runtime and what else runs ONNX (17)",
     ls_export_onnx},
};
enum { FORMATS = sizeof formats / sizeof *formats };

struct export_options {
    char format[LS_TEXT_MAX], out[LS_TEXT_MAX];
};

static const char usage[] = "RUN --format FORMAT --out FILE";

static const struct ls_option options[] = {
    {.field = {.name = "format",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct export_options, format),
               .initial = "",
               .help = "one of those below"}},
    {.field = {.name = "out",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct export_options, out),
               .initial = "",
               .help = "the file to write"}},
};

static enum ls_status find_format(const char *name, const struct ls_export_format **found,
                                  struct ls_error *error) {
    const char *names[FORMATS];
    char hint[160], all[256] = "";
    for (int i = 0; i < FORMATS; i++) {
        const size_t used = strlen(all);
        names[i] = formats[i].name;
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
        if (!strcmp(name, names[i])) {
            *found = &formats[i];
            return LS_OK;
        }
    }
    return ls_fail(error, LS_INVALID, "export: --format: expected one of %s, found '%.60s'%s", all,
                   name, ls_did_you_mean(name, names, FORMATS, "", hint, sizeof hint));
}

static enum ls_status check_options(const struct export_options *wanted,
                                    const struct ls_export_format **format,
                                    struct ls_error *error) {
    if (wanted->format[0] && wanted->out[0])
        return find_format(wanted->format, format, error);
    return ls_fail(error, LS_INVALID,
                   "export: %s is missing\nusage: lockstep export %s\nsee `lockstep help export`",
                   wanted->format[0] ? "--out FILE" : "--format FORMAT", usage);
}

static int run_export(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct export_options *wanted = given;
    const struct ls_export_format *format = NULL;
    struct ls_error error;
    if (check_options(wanted, &format, &error) != LS_OK)
        return ls_command_fail(&error);
    struct ls_exported exported;
    enum ls_status status = ls_exported_open(&exported, arguments[0], &error);
    if (status == LS_OK)
        status = format->write(&exported, wanted->out, &error);
    if (status == LS_OK)
        printf("%s: %s, %d parameters of step %" PRIu64 " of %s\n", wanted->out, format->name,
               exported.parameters->count, exported.saved.state.step, exported.run);
    ls_exported_close(&exported);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

static void print_formats(FILE *out) {
    fprintf(out, "\nformats:\n");
    for (int i = 0; i < FORMATS; i++)
        fprintf(out, "  %-12s %s\n", formats[i].name, formats[i].help);
}

const struct ls_command ls_command_export = {
    .name = "export",
    .usage = usage,
    .help = "a run's model as a file for other programs",
    .details =
        "RUN is a run, whose newest or best checkpoint is taken as `evaluate` takes it, or a\n"
        "checkpoint in it (RUN/checkpoints/step-0000001200). Its data need not be there. Names "
        "and\n"
        "shapes are those of the config, as `inspect` and `checkpoint show` have them.",
    .more = print_formats,
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_export,
    .options_size = sizeof(struct export_options),
};
