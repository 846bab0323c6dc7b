/* lockstep data: raw files into HDF5 data sets, and what a data set holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/source.h"
#include "launcher/command/data_info.h"
#include "launcher/command/options.h"
#include "launcher/exit_codes.h"

/* Takes "--out FILE" or "--out=FILE" out of the words: everything else is the import's. */
static enum ls_status take_out(int *count, char **words, char **out, struct ls_error *error) {
    int kept = 0;
    *out = NULL;
    for (int i = 0; i < *count; i++) {
        const bool separate = !strcmp(words[i], "--out"), joined = !strncmp(words[i], "--out=", 6);
        if (!separate && !joined) {
            words[kept++] = words[i];
            continue;
        }
        if (*out)
            return ls_fail(error, LS_INVALID, "data import: --out is given twice");
        if (separate && i + 1 == *count)
            return ls_fail(error, LS_INVALID, "data import: --out needs a value");
        *out = separate ? words[++i] : words[i] + 6;
    }
    *count = kept;
    if (!*out || !**out)
        return ls_fail(error, LS_INVALID,
                       "data import: --out FILE.h5 is missing\n"
                       "usage: lockstep data import [FORMAT] FILE... [OPTION...] --out FILE.h5\n"
                       "see `lockstep help data`");
    return LS_OK;
}

static int run_import(int argument_count, char **arguments) {
    struct ls_error error;
    struct ls_import import = {0};
    char *out;
    enum ls_status status = take_out(&argument_count, arguments, &out, &error);
    if (status == LS_OK) {
        status = ls_import_parse(&import, argument_count, arguments, NULL, &error);
        if (status == LS_OK)
            status = ls_import_run(&import, out, &error);
        ls_import_clear(&import);
    }
    if (status == LS_OK)
        status = ls_data_info_print(out, &error);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

static int run_data(int argument_count, char **arguments, const void *options) {
    (void)options;
    static const char *const names[] = {"import", "info"};
    const char *verb = argument_count ? arguments[0] : "";
    const bool help =
        argument_count > 1 && (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "-h"));
    if (!strcmp(verb, "import") && help) {
        ls_command_print_help(stdout, ls_command_find("data"));
        return LS_EXIT_DONE;
    }
    if (!strcmp(verb, "import"))
        return run_import(argument_count - 1, arguments + 1);
    struct ls_error error;
    char hint[160];
    if (!argument_count)
        ls_fail(&error, LS_INVALID, "data: expected import or info\nsee `lockstep help data`");
    else
        ls_fail(&error, LS_INVALID,
                "data: expected import or info, found '%.60s'%s\nsee `lockstep help data`", verb,
                ls_did_you_mean(verb, names, 2, "", hint, sizeof hint));
    return ls_command_fail(&error);
}

static void print_data_help(FILE *out) {
    fprintf(out, "\n%s", ls_import_help);
}

static const struct ls_command *const parts[] = {&ls_command_data_info, NULL};

const struct ls_command ls_command_data = {
    .name = "data",
    .parts = parts,
    .usage = "import [FORMAT] FILE... [OPTION...] --out FILE.h5 | info DATA...",
    .help = "import raw files into an HDF5 data set; say what a data set holds",
    .details = "FORMAT is idx, cifar, csv, npy, npz, text or pairs; it may be left out where file "
               "names tell.\n"
               "A config takes the same words: `train: \"csv table.csv --target price\"`.\n"
               "info takes --inputs DATASET and --targets DATASET where they are not /inputs and "
               "/targets.",
    .more = print_data_help,
    .raw = true,
    .run = run_data,
};
