/* lockstep data: raw files into HDF5 data sets, and what a data set holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset.h"
#include "io/source.h"
#include "launcher/command/command.h"
#include "launcher/command/options.h"
#include "launcher/exit_codes.h"

struct info_options {
    char inputs[LS_TEXT_MAX], targets[LS_TEXT_MAX];
};

static const struct ls_option info_options[] = {
    {.field = {.name = "inputs",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct info_options, inputs),
               .initial = "/inputs",
               .help = "dataset of the inputs"}},
    {.field = {.name = "targets",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct info_options, targets),
               .initial = "",
               .help = "dataset of the targets; without it /targets, if the file has that"}},
};

/* What a window or a feed may be cut out of. */
static void print_columns(const struct ls_column *columns, int count) {
    for (int i = 0; i < count; i++) {
        char text[LS_SHAPE_TEXT_MAX], tokens[48] = "";
        if (columns[i].vocabulary)
            snprintf(tokens, sizeof tokens, ", a vocabulary of %lld",
                     (long long)columns[i].vocabulary);
        const char *rows =
            columns[i].ragged ? "different lengths," : ls_sample_print(columns[i].shape, text);
        printf("column   %-10s %llu rows of %s %s%s\n", columns[i].name,
               (unsigned long long)columns[i].rows, rows, ls_data_type_name(columns[i].type),
               tokens);
    }
}

static void print_column(const char *name, const struct ls_column *column) {
    char text[LS_SHAPE_TEXT_MAX];
    printf("%-8s %-10s %s %s\n", name, column->name, ls_shape_print(column->shape, text),
           ls_data_type_name(column->type));
}

/* Targets are looked at where they are asked for or lie at /targets; *why says what keeps those
 * from being used. */
static enum ls_status open_dataset(const char *path, struct ls_feed_options feeds[2], bool asked,
                                   struct ls_dataset **dataset, struct ls_error *why,
                                   struct ls_error *error) {
    struct ls_dataset_options options = {.path = path, .feeds = feeds, .feed_count = 2};
    ls_fail(why, LS_INVALID, "%s: there is no dataset '%s' in it", path, feeds[1].column);
    if (asked || ls_dataset_open(dataset, &options, why) != LS_OK) {
        options.feed_count = asked ? 2 : 1;
        return ls_dataset_open(dataset, &options, error);
    }
    return LS_OK;
}

static enum ls_status print_samples(const char *path, const char *inputs, const char *targets,
                                    struct ls_error *error) {
    struct ls_dataset *dataset;
    const bool asked = targets[0] != '\0';
    struct ls_feed_options feeds[2] = {{.name = "inputs"}, {.name = "targets", .optional = !asked}};
    snprintf(feeds[0].column, sizeof feeds[0].column, "%s", inputs);
    snprintf(feeds[1].column, sizeof feeds[1].column, "%s", asked ? targets : "/targets");
    struct ls_error why;
    const enum ls_status status = open_dataset(path, feeds, asked, &dataset, &why, error);
    if (status != LS_OK)
        return status;
    const struct ls_dataset_info info = ls_dataset_info(dataset);
    printf("%s\n", path);
    printf("samples  %llu in %d %s\n", (unsigned long long)info.samples, info.files,
           info.files == 1 ? "file" : "files");
    const struct ls_column *labels = ls_dataset_column(dataset, feeds[1].column);
    print_column("inputs", ls_dataset_column(dataset, inputs));
    if (labels)
        print_column("targets", labels);
    else
        printf("targets  none: %s\n", why.text);
    /* Integers that could be labels; others (a regression's) are no error here. */
    int64_t classes;
    struct ls_error ignored;
    if (labels && labels->type != LS_DATA_REAL &&
        ls_dataset_limit(dataset, &feeds[1], &classes, &ignored) == LS_OK)
        printf("labels   0 to %lld\n", (long long)classes - 1);
    ls_dataset_close(dataset);
    return LS_OK;
}

/* Files without /inputs are streams, or have names of their own: all that is in them. */
static enum ls_status print_info(const char *path, const char *inputs, const char *targets,
                                 struct ls_error *error) {
    struct ls_column *columns;
    int count;
    enum ls_status status = ls_columns_list(path, &columns, &count, error);
    bool samples = count == 0 || strcmp(inputs, "/inputs") != 0;
    for (int i = 0; i < count; i++)
        samples = samples || !strcmp(columns[i].name, inputs);
    if (status == LS_OK && samples) {
        status = print_samples(path, inputs, targets, error);
    } else if (status == LS_OK) {
        printf("%s\n", path);
        print_columns(columns, count);
    }
    ls_columns_free(columns, count);
    return status;
}

static int run_info(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct info_options *options = given;
    struct ls_error error;
    if (print_info(arguments[0], options->inputs, options->targets, &error) != LS_OK)
        return ls_command_fail(&error);
    return LS_EXIT_DONE;
}

static const struct ls_command info_command = {
    .name = "data info",
    .usage = "FILE [--inputs DATASET] [--targets DATASET]",
    .help = "what an HDF5 data set (a file, or a glob in quotes) holds",
    .options = info_options,
    .option_count = (int)(sizeof info_options / sizeof *info_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_info,
    .options_size = sizeof(struct info_options),
};

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
        status = print_info(out, "/inputs", "", &error);
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

static const struct ls_command *const parts[] = {&info_command, NULL};

const struct ls_command ls_command_data = {
    .name = "data",
    .parts = parts,
    .usage = "import [FORMAT] FILE... [OPTION...] --out FILE.h5 | info FILE",
    .help = "import raw files into an HDF5 data set; say what a data set holds",
    .details =
        "FORMAT is idx, cifar, csv, npy, text or pairs; it may be left out where file names tell.\n"
        "A config takes the same words: `train: \"csv table.csv --target price\"`.\n"
        "info takes --inputs DATASET and --targets DATASET where they are not /inputs and "
        "/targets.",
    .more = print_data_help,
    .raw = true,
    .run = run_data,
};
