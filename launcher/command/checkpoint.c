/* lockstep checkpoint: what a run has saved, whether it is intact, what is in it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/checkpoint.h"
#include "io/file.h"
#include "io/schema.h"
#include "launcher/command/command.h"
#include "launcher/command/options.h"
#include "launcher/exit_codes.h"
#include "launcher/worker/data.h"
#include "launcher/worker/saved.h"
#include "launcher/worker/restarts.h"

struct checkpoint_options {
    int64_t step;
};

static const struct ls_option options[] = {
    {.field = {.name = "step",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct checkpoint_options, step),
               .initial = "-1",
               .min = -1,
               .max = 1e12,
               .help = "show: the checkpoint of this step; -1: the newest intact one"}},
};

static uint64_t bytes_of(const struct ls_checkpoint *checkpoint) {
    uint64_t bytes = 0;
    for (int i = 0; i < checkpoint->file_count; i++)
        bytes += checkpoint->files[i].bytes;
    return bytes;
}

/* One line for each checkpoint; why: also say what is wrong with a damaged one. *newest: status of
 * the newest, which decides verify's exit code. */
static enum ls_status print_list(const char *run, bool why, enum ls_status *newest,
                                 struct ls_error *error) {
    uint64_t *steps;
    int count;
    enum ls_status status = ls_checkpoint_list(run, &steps, &count, error);
    *newest = LS_OK;
    for (int i = 0; i < count && status == LS_OK; i++) {
        struct ls_checkpoint checkpoint;
        struct ls_error problem;
        *newest = ls_checkpoint_open(run, steps[i], &checkpoint, &problem);
        if (*newest == LS_OK && (*newest = ls_saved_run_check(&checkpoint, &problem)) != LS_OK)
            ls_checkpoint_clear(&checkpoint);
        if (*newest == LS_OK) {
            printf("step %-12" PRIu64 " %4d %-6s %10.3f MB  intact\n", steps[i],
                   checkpoint.world_size, checkpoint.world_size == 1 ? "rank" : "ranks",
                   (double)bytes_of(&checkpoint) * 1e-6);
            ls_checkpoint_clear(&checkpoint);
        } else {
            printf("step %-12" PRIu64 " %s%s%s\n", steps[i],
                   *newest == LS_SYSTEM ? "unreadable" : "damaged", why ? ": " : "",
                   why ? problem.text : "");
        }
    }
    if (status == LS_OK && !count)
        status = ls_fail(error, LS_DAMAGED, "%s has no checkpoint", run);
    free(steps);
    return status;
}

static int verify(const char *run, bool why) {
    struct ls_error error;
    enum ls_status newest;
    if (print_list(run, why, &newest, &error) != LS_OK)
        return ls_command_fail(&error);
    return why ? (int)ls_exit_code(newest) : LS_EXIT_DONE;
}

/* The manifest's JSON; its digest was verified when the checkpoint was opened. */
static enum ls_status read_manifest(const struct ls_checkpoint *checkpoint, json_t **manifest,
                                    struct ls_error *error) {
    enum { MANIFEST_MAX = 256 << 20 };
    char path[LS_PATH_MAX + 16], *text;
    uint64_t size;
    json_error_t where;
    snprintf(path, sizeof path, "%s/manifest", checkpoint->path);
    const enum ls_status status = ls_file_read(path, MANIFEST_MAX, &text, &size, error);
    if (status != LS_OK)
        return status;
    *manifest = json_loadb(text, size, JSON_DISABLE_EOF_CHECK, &where);
    free(text);
    return *manifest ? LS_OK : ls_fail(error, LS_DAMAGED, "%s: %s", path, where.text);
}

static void print_parameters(const json_t *parameters) {
    size_t i;
    const json_t *parameter;
    printf("parameters\n");
    json_array_foreach(parameters, i, parameter) {
        const json_t *shape = json_object_get(parameter, "shape");
        char text[160] = "";
        for (size_t d = 0, used = 0; d < json_array_size(shape) && used < sizeof text; d++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%" JSON_INTEGER_FORMAT,
                                     d ? "x" : "", json_integer_value(json_array_get(shape, d)));
        printf("  %-40s %-20s %s\n", json_string_value(json_object_get(parameter, "name")), text,
               json_string_value(json_object_get(parameter, "kind")));
    }
}

/* Everything that is needed to go on, but the config: RUN/config.yaml has it in readable form. */
static void print_state(json_t *state) {
    const char *key;
    json_t *value;
    printf("state\n");
    json_object_foreach(state, key, value) {
        if (!strcmp(key, "config") || !strcmp(key, "schema") || !strcmp(key, "data") ||
            !strcmp(key, "centres"))
            continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
        printf("  %-20s %.100s\n", key, text ? text : "");
        free(text);
    }
}

/* Which data the run began with. */
static void print_data(const json_t *state) {
    const json_t *parts = json_object_get(state, "data");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const json_int_t rows = json_integer_value(json_object_get(part, "rows"));
        const char *digest = json_string_value(json_object_get(part, "digest"));
        if (rows)
            printf("%s  %-12s %" JSON_INTEGER_FORMAT " rows, %" JSON_INTEGER_FORMAT
                   " bytes, digest %s\n",
                   i ? "    " : "data", ls_part_name((int)i), rows,
                   json_integer_value(json_object_get(part, "bytes")), digest ? digest : "");
    }
}

/* The values of one that is short. */
static enum ls_status print_constant(const struct ls_checkpoint *checkpoint, const char *name,
                                     const json_t *dims, struct ls_error *error) {
    enum { VALUES_MAX = 256 };
    struct ls_shape shape = {.rank = (int)json_array_size(dims)}; /* it was checked */
    float values[VALUES_MAX];
    int64_t count = 1;
    for (int d = 0; d < shape.rank && count <= VALUES_MAX; d++) {
        shape.dims[d] = json_integer_value(json_array_get(dims, (size_t)d));
        count = shape.dims[d] > VALUES_MAX ? VALUES_MAX + 1 : count * shape.dims[d];
    }
    if (count < 1 || count > VALUES_MAX)
        return LS_OK;
    const enum ls_status status = ls_checkpoint_load_one(checkpoint, name, shape, values, error);
    if (status != LS_OK)
        return status;
    printf("  %-40s", name);
    for (int64_t i = 0; i < count; i++)
        printf(" %.9g", (double)values[i]);
    printf("\n");
    return LS_OK;
}

/* What was taken from the data once: what inputs and targets are standardised by, weights of
 * classes. */
static enum ls_status print_constants(const struct ls_checkpoint *checkpoint,
                                      const json_t *parameters, struct ls_error *error) {
    size_t i;
    const json_t *parameter;
    bool titled = false;
    enum ls_status status = LS_OK;
    json_array_foreach(parameters, i, parameter) {
        if (strcmp(json_string_value(json_object_get(parameter, "kind")), "constant") != 0)
            continue;
        if (!titled)
            printf("constants\n");
        titled = true;
        status = print_constant(checkpoint, json_string_value(json_object_get(parameter, "name")),
                                json_object_get(parameter, "shape"), error);
        if (status != LS_OK)
            break;
    }
    return status;
}

/* What is taken off feeds in double, before those constants. */
static void print_centres(const json_t *state) {
    const char *feed;
    json_t *centre, *pair;
    size_t i;
    json_object_foreach(json_object_get(state, "centres"), feed, centre) {
        printf("centre of %s (place: value)\n ", feed);
        json_array_foreach(json_object_get(centre, "values"), i, pair)
            printf(" %" JSON_INTEGER_FORMAT ": %.17g", json_integer_value(json_array_get(pair, 0)),
                   json_number_value(json_array_get(pair, 1)));
        printf("\n");
    }
}

/* What was learned from the columns of a table. */
static void print_schema(const json_t *state) {
    char *text = json_dumps(json_object_get(state, "schema"), 0);
    struct ls_schema schema = {0};
    struct ls_error ignored;
    if (text && ls_schema_parse(&schema, text, "", &ignored) == LS_OK)
        ls_schema_show(stdout, &schema);
    ls_schema_clear(&schema);
    free(text);
}

static enum ls_status open_chosen(const char *run, int64_t step, struct ls_checkpoint *checkpoint,
                                  struct ls_error *error) {
    bool found;
    if (step >= 0)
        return ls_checkpoint_open(run, (uint64_t)step, checkpoint, error);
    const struct ls_checkpoint_search search = {.run = run, .check = ls_saved_run_check};
    const enum ls_status status = ls_checkpoint_newest(&search, checkpoint, &found, error);
    if (status == LS_OK && !found)
        return ls_fail(error, LS_DAMAGED, "%s has no checkpoint", run);
    return status;
}

/* Each start of the run. */
static void print_starts(const char *run) {
    json_t *starts = ls_starts_read(run);
    const json_t *start;
    size_t i;
    if (json_array_size(starts))
        printf("starts\n");
    json_array_foreach(starts, i, start) {
        const char *time = json_string_value(json_object_get(start, "time"));
        const json_int_t ranks = json_integer_value(json_object_get(start, "ranks"));
        char ending[LS_ENDING_MAX];
        printf("  %-20s ", time ? time : "");
        if (ranks)
            printf("from step %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " rank%s: ",
                   json_integer_value(json_object_get(start, "from_step")), ranks,
                   ranks == 1 ? "" : "s");
        printf("%s\n", ls_starts_ending(start, i + 1 == json_array_size(starts), ending));
    }
    json_decref(starts);
}

static int show(const char *run, int64_t step) {
    struct ls_error error;
    struct ls_checkpoint checkpoint;
    if (open_chosen(run, step, &checkpoint, &error) != LS_OK)
        return ls_command_fail(&error);
    json_t *manifest;
    enum ls_status status = read_manifest(&checkpoint, &manifest, &error);
    if (status == LS_OK) {
        printf("%s\nstep %" PRIu64 ", written by %d %s\nfiles\n", checkpoint.path, checkpoint.step,
               checkpoint.world_size, checkpoint.world_size == 1 ? "rank" : "ranks");
        for (int i = 0; i < checkpoint.file_count; i++)
            printf("  %-40s %12" PRIu64 " bytes  %016" PRIx64 "\n", checkpoint.files[i].name,
                   checkpoint.files[i].bytes, checkpoint.files[i].digest);
        print_starts(run);
        print_parameters(json_object_get(manifest, "parameters"));
        print_state(json_object_get(manifest, "state"));
        print_data(json_object_get(manifest, "state"));
        print_schema(json_object_get(manifest, "state"));
        print_centres(json_object_get(manifest, "state"));
        status = print_constants(&checkpoint, json_object_get(manifest, "parameters"), &error);
        json_decref(manifest);
    }
    ls_checkpoint_clear(&checkpoint);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

static int run_checkpoint(int argument_count, char **arguments, const void *given_options) {
    (void)argument_count;
    static const char *const verbs[] = {"list", "verify", "show"};
    const struct checkpoint_options *given = given_options;
    const char *verb = arguments[0], *run = arguments[1];
    struct ls_error error;
    char hint[160];
    const bool is_show = !strcmp(verb, "show"), is_verify = !strcmp(verb, "verify");
    if (!is_show && !is_verify && strcmp(verb, "list"))
        ls_fail(&error, LS_INVALID, "checkpoint: expected list, verify or show, found '%.60s'%s",
                verb, ls_did_you_mean(verb, verbs, 3, "", hint, sizeof hint));
    else if (!is_show && given->step >= 0)
        ls_fail(&error, LS_INVALID, "checkpoint: --step goes with show, not with %s", verb);
    else if (!ls_file_exists(run))
        ls_fail(&error, LS_INVALID, "%s: there is no such run directory", run);
    else
        return is_show ? show(run, given->step) : verify(run, is_verify);
    return ls_command_fail(&error);
}

const struct ls_command ls_command_checkpoint = {
    .name = "checkpoint",
    .usage = "list|verify|show RUN [--step N]",
    .help = "list a run's checkpoints, verify them, show what is in one",
    .details =
        "list and verify read every byte and check it against the digests; verify also says "
        "what is wrong,\n"
        "and its exit code is 4 if the newest checkpoint is damaged, 3 if it cannot be read.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_checkpoint,
    .options_size = sizeof(struct checkpoint_options),
};
