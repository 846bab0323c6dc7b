#include "launcher/command/data_info.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/dataset.h"
#include "io/file.h"
#include "io/source.h"
#include "launcher/config/config.h"
#include "launcher/exit_codes.h"

enum { CLASSES_SHOWN = 20, CLASSES_MAX = 1 << 20 };

struct info_options {
    char inputs[LS_TEXT_MAX], targets[LS_TEXT_MAX];
    bool links;
};

static const struct ls_option options[] = {
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
    {.field = {.name = "links",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct info_options, links),
               .initial = "false",
               .help = "follow links that stay below the file's folder (data.links: same_folder)"}},
};

/* What is made of the numbers of a column that is read as reals. */
static const char *print_scale(const struct ls_column *column, char *text, size_t size) {
    text[0] = '\0';
    if (column->divisor < 1 || column->divisor > 1)
        snprintf(text, size, ", read as inputs divided by %.0f", (double)column->divisor);
    return text;
}

/* What a window or a feed may be cut out of. */
static void print_columns(const struct ls_columns *columns) {
    for (int i = 0; i < columns->count; i++) {
        const struct ls_column *column = &columns->items[i];
        char text[LS_SHAPE_TEXT_MAX], tokens[48] = "", scale[64];
        if (column->vocabulary)
            snprintf(tokens, sizeof tokens, ", a vocabulary of %lld",
                     (long long)column->vocabulary);
        const char *rows =
            column->ragged ? "different lengths," : ls_sample_print(column->shape, text);
        printf("column   %-10s %llu rows of %s %s%s%s\n", column->name,
               (unsigned long long)column->rows, rows, column->kind, tokens,
               print_scale(column, scale, sizeof scale));
    }
    for (int i = 0; i < columns->other_count; i++)
        printf("other    %s\n", columns->others[i]);
}

static void print_column(const char *name, const struct ls_column *column) {
    char text[LS_SHAPE_TEXT_MAX], scale[64];
    printf("%-8s %-10s %s %s%s\n", name, column->name, ls_shape_print(column->shape, text),
           column->kind, strcmp(name, "inputs") ? "" : print_scale(column, scale, sizeof scale));
}

/* "labels   0 to 9: 6000 of 0, 5923 of 1, ..." */
static enum ls_status print_labels(struct ls_dataset *dataset,
                                   const struct ls_feed_options *targets, int64_t classes,
                                   struct ls_error *error) {
    printf("labels   0 to %lld", (long long)classes - 1);
    if (classes > CLASSES_MAX || classes < 1) {
        printf("\n");
        return LS_OK;
    }
    uint64_t *counts = ls_calloc((size_t)classes, sizeof *counts);
    const enum ls_status status = ls_dataset_count(dataset, targets, classes, counts, error);
    int words;
    const char *const *labels = ls_dataset_labels(dataset, &words);
    for (int64_t i = 0; i < classes && i < CLASSES_SHOWN && status == LS_OK; i++) {
        printf("%s %llu of ", i ? "," : ":", (unsigned long long)counts[i]);
        if (i < words)
            printf("'%s'", labels[i]);
        else
            printf("%lld", (long long)i);
    }
    printf("%s\n", status == LS_OK && classes > CLASSES_SHOWN ? ", ..." : "");
    free(counts);
    return status;
}

/* Targets are looked at where they are asked for or lie at /targets; *why says what keeps those
 * from being used. */
static enum ls_status open_dataset(struct ls_dataset_options *wanted, bool asked,
                                   struct ls_dataset **dataset, struct ls_error *why,
                                   struct ls_error *error) {
    ls_fail(why, LS_INVALID, "%s: there is no dataset '%s' in it", wanted->path,
            wanted->feeds[1].column);
    if (asked || ls_dataset_open(dataset, wanted, why) != LS_OK) {
        wanted->feed_count = asked ? 2 : 1;
        return ls_dataset_open(dataset, wanted, error);
    }
    return LS_OK;
}

/* Integers that could be labels; others (a regression's) are no error here. */
static enum ls_status print_values(const struct ls_dataset_options *wanted,
                                   struct ls_error *error) {
    struct ls_feed_options targets = wanted->feeds[1];
    const struct ls_dataset_options alone = {.path = wanted->path,
                                             .feeds = &targets,
                                             .feed_count = 1,
                                             .links = wanted->links,
                                             .decode = LS_DECODE_IF_IT_FITS};
    struct ls_dataset *dataset;
    enum ls_status status = ls_dataset_open(&dataset, &alone, error);
    if (status != LS_OK)
        return status;
    const struct ls_column *column = ls_dataset_column(dataset, targets.column);
    struct ls_error ignored;
    int64_t classes;
    if (column->shape.rank == 1 && column->shape.dims[0] > 1)
        status = ls_dataset_is_one_hot(dataset, &targets, &targets.one_hot, error);
    if (targets.one_hot)
        printf("one-hot  a classification takes the place of each row's 1 as its label\n");
    if (status == LS_OK && (column->type != LS_DATA_REAL || targets.one_hot) &&
        ls_dataset_limit(dataset, &targets, &classes, &ignored) == LS_OK)
        status = print_labels(dataset, &targets, classes, error);
    ls_dataset_close(dataset);
    return status;
}

static enum ls_status print_samples(const char *path, const struct info_options *wanted,
                                    struct ls_error *error) {
    struct ls_dataset *dataset;
    const bool asked = wanted->targets[0] != '\0';
    struct ls_feed_options feeds[2] = {{.name = "inputs"}, {.name = "targets", .optional = !asked}};
    struct ls_dataset_options what = {
        .path = path, .feeds = feeds, .feed_count = 2, .links = wanted->links};
    snprintf(feeds[0].column, sizeof feeds[0].column, "%s", wanted->inputs);
    snprintf(feeds[1].column, sizeof feeds[1].column, "%s", asked ? wanted->targets : "/targets");
    struct ls_error why;
    enum ls_status status = open_dataset(&what, asked, &dataset, &why, error);
    if (status != LS_OK)
        return status;
    const struct ls_dataset_info info = ls_dataset_info(dataset);
    printf("%s\n", path);
    printf("samples  %llu in %d %s\n", (unsigned long long)info.samples, info.files,
           info.files == 1 ? "file" : "files");
    print_column("inputs", ls_dataset_column(dataset, wanted->inputs));
    const struct ls_column *targets = ls_dataset_column(dataset, feeds[1].column);
    if (targets)
        print_column("targets", targets);
    else
        printf("targets  none: %s\n", why.text);
    if (targets)
        status = print_values(&what, error);
    ls_dataset_close(dataset);
    return status;
}

/* Files without /inputs are streams, or have names of their own: all that is in them. */
static enum ls_status print_info(const char *path, const struct info_options *wanted,
                                 struct ls_error *error) {
    struct ls_columns columns;
    const struct ls_dataset_options what = {.path = path, .links = wanted->links};
    enum ls_status status = ls_columns_list(&what, true, &columns, error);
    bool samples = columns.count == 0 || strcmp(wanted->inputs, "/inputs") != 0;
    for (int i = 0; i < columns.other_count; i++) /* what keeps them from being read is an error */
        samples = samples || !strncmp(columns.others[i], "/inputs:", 8);
    for (int i = 0; i < columns.count; i++)
        samples = samples || !strcmp(columns.items[i].name, wanted->inputs);
    if (status == LS_OK && samples) {
        status = print_samples(path, wanted, error);
    } else if (status == LS_OK) {
        printf("%s\n", path);
        print_columns(&columns);
        printf("(data.inputs, data.targets and data.feeds of a config name what is read)\n");
    }
    ls_columns_clear(&columns);
    return status;
}

enum ls_status ls_data_info_print(const char *path, struct ls_error *error) {
    const struct info_options plain = {.inputs = "/inputs"};
    return print_info(path, &plain, error);
}

/* A source as in a config, or a file of exactly that name. */
static enum ls_status resolve(const char *word, char path[LS_TEXT_MAX], struct ls_error *error) {
    char quoted[LS_TEXT_MAX];
    const bool blank = strpbrk(word, " \t") && !strchr(word, '"') && ls_file_exists(word);
    snprintf(quoted, sizeof quoted, blank ? "\"%s\"" : "%s", word);
    const struct ls_source source = {
        .text = quoted, .role = LS_SOURCE_TRAIN, .folder = ls_data_folder(), .import = true};
    return ls_source_resolve(&source, path, error);
}

/* Says what is wrong, and goes on; the first error decides the exit code. */
static void note_error(const struct ls_error *error, int *code) {
    const int own = ls_command_fail(error);
    *code = *code == LS_EXIT_DONE ? own : *code;
}

/* What is no set together may still be files: each is shown by itself; said: why it is none. */
static void print_each(const char *pattern, const struct info_options *given, const char *said,
                       int *code) {
    glob_t found;
    struct ls_error error;
    if (ls_file_exists(pattern) || glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc && found.gl_pathc > 1; i++)
        if (print_info(found.gl_pathv[i], given, &error) != LS_OK && strcmp(error.text, said) != 0)
            note_error(&error, code);
    globfree(&found);
}

static int run_info(int argument_count, char **arguments, const void *given) {
    struct ls_error error;
    int code = LS_EXIT_DONE;
    for (int i = 0; i < argument_count; i++) {
        char path[LS_TEXT_MAX] = "";
        enum ls_status status = resolve(arguments[i], path, &error);
        if (status == LS_OK)
            status = print_info(path, given, &error);
        if (status == LS_OK)
            continue;
        note_error(&error, &code);
        print_each(path, given, error.text, &code);
    }
    return code;
}

const struct ls_command ls_command_data_info = {
    .name = "data info",
    .usage = "DATA... [--inputs DATASET] [--targets DATASET] [--links]",
    .help = "what data sets hold",
    .details =
        "DATA is an HDF5 file, a glob in quotes (files joined to one set), or, as in a "
        "config, a raw file with its\n"
        "import options: \"csv table.csv --target price\". One that is refused is said, and the "
        "others follow.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_info,
    .options_size = sizeof(struct info_options),
};
