/* lockstep import-weights: a run that begins with weights of another program. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/communicator.h"
#include "io/checkpoint.h"
#include "launcher/command/run_options.h"
#include "launcher/exit_codes.h"
#include "launcher/import/transfer.h"
#include "launcher/supervisor/supervisor.h"
#include "launcher/worker/restarts.h"
#include "launcher/worker/run_folder.h"

struct import_options {
    struct ls_run_options run; /* first: its rows are shared */
    char config[LS_TEXT_MAX], map[LS_TEXT_MAX];
    struct ls_pattern_list except;
    bool in_order, dry_run;
};

static const char usage[] =
    "FILE.safetensors --config CONFIG [--map MAP] [--out RUN] [--dry-run]\n"
    "                      [--in-order] [--except NAMES] [--set KEY=VALUE ...]";

static const struct ls_option options[] = {
    {.field = {.name = "config",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct import_options, config),
               .initial = "",
               .help = "the config of the run: its model takes the weights"}},
    {.field = {.name = "map",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct import_options, map),
               .initial = "",
               .help = "a file that says which names of FILE are which of the model's (below)"}},
    LS_RUN_OPTION_OUT,
    {.field = {.name = "except",
               .kind = LS_FIELD_PATTERNS,
               .offset = offsetof(struct import_options, except),
               .initial = "[]",
               .help = "parameters of the model that begin as without FILE: [head, \"*.bias\"]"}},
    {.field = {.name = "in-order",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct import_options, in_order),
               .initial = "false",
               .help = "layers that MAP leaves open are matched by their shapes; says how"}},
    {.field = {.name = "dry-run",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct import_options, dry_run),
               .initial = "false",
               .help = "prints where every tensor would go, and writes nothing"}},
    LS_RUN_OPTION_SET,
};

static enum ls_status check_options(const struct import_options *wanted, struct ls_error *error) {
    if (ls_tasks_started() != 1)
        return ls_fail(error, LS_INVALID, "import-weights: %d copies were started; it needs one",
                       ls_tasks_started());
    return wanted->config[0]
               ? LS_OK
               : ls_fail(error, LS_INVALID,
                         "import-weights: --config CONFIG is missing\nusage: lockstep "
                         "import-weights %s\nsee `lockstep help import-weights`",
                         usage);
}

/* A run that has begun keeps what it has. */
static enum ls_status check_run(const struct ls_config *config, const char *run,
                                struct ls_error *error) {
    uint64_t *steps;
    int count;
    if (config->start.from[0])
        return ls_config_fail(config, LS_PLACE_START, error,
                              "import-weights gives the run its initial values; leave this out");
    const enum ls_status status = ls_checkpoint_list(run, &steps, &count, error);
    if (status != LS_OK)
        return status;
    free(steps);
    return count ? ls_fail(error, LS_INVALID,
                           "%s has begun already: give this run another folder with --out", run)
                 : LS_OK;
}

static enum ls_status check_except(const struct ls_transfer_options *what,
                                   const struct ls_parameter_set *parameters,
                                   struct ls_error *error) {
    for (int i = 0; i < what->except->count; i++) {
        int matched = 0;
        for (int p = 0; p < parameters->count; p++)
            matched +=
                ls_pattern_matches(what->except->items[i].pattern, parameters->items[p]->name);
        if (!matched)
            return ls_fail(error, LS_INVALID,
                           "--except: the model has no parameter '%s', nor any below a layer of "
                           "that name",
                           what->except->items[i].pattern);
    }
    return LS_OK;
}

static void print_summary(const struct ls_transfer *transfer) {
    int own = 0, given = 0;
    for (int p = 0; p < transfer->parameters->count; p++) {
        given += transfer->given[p];
        own += !transfer->given[p] && transfer->parameters->items[p]->kind != LS_PARAMETER_CONSTANT;
    }
    printf("%d of %d parameters are those of %s (%d of its %d tensors left out)\n", given,
           given + own, transfer->file.path, transfer->left_out, transfer->file.count);
}

/* Data and model as the run will have them; the values for it. Nothing is written. */
static enum ls_status prepare(const struct import_options *wanted, const struct ls_config *config,
                              const char *file, struct ls_given *given, struct ls_error *error) {
    const struct ls_transfer_options what = {
        .file = file, .map = wanted->map, .except = &wanted->except, .in_order = wanted->in_order};
    const struct ls_data_request request = {0};
    struct ls_data data;
    struct ls_worker worker = {0};
    struct ls_transfer transfer = {.file = {.file = -1}};
    enum ls_status status = ls_data_open(&data, config, &request, error);
    if (status != LS_OK)
        return status;
    const struct ls_worker_options worker_options = {
        .config = config, .feeds = data.feeds, .feed_count = data.feed_count};
    status = ls_worker_create(&worker, &worker_options, error);
    if (status == LS_OK)
        status = check_except(&what, worker.parameters, error);
    if (status == LS_OK)
        status = ls_transfer_open(&transfer, &what, &data, &worker, error);
    if (status == LS_OK)
        status = ls_transfer_values(&transfer, given, error);
    if (status == LS_OK) {
        given->start = ls_transfer_print_start(&transfer);
        given->centres = transfer.centres;
        transfer.centres = NULL;
        print_summary(&transfer);
        if (wanted->dry_run)
            ls_transfer_print_pieces(&transfer);
        ls_transfer_print_notes(&transfer);
    }
    ls_transfer_close(&transfer);
    ls_worker_destroy(&worker);
    ls_data_close(&data);
    return status;
}

static enum ls_status begin(const struct ls_config *config, const char *run, const char *file,
                            const struct ls_given *given, struct ls_error *error) {
    struct ls_run_lock lock = LS_RUN_UNLOCKED;
    struct ls_communicator *communicator;
    struct ls_run_request request = {.config = config, .run = run};
    enum ls_status status = ls_communicator_create(&communicator, error);
    if (status != LS_OK)
        return status;
    status = ls_run_claim(run, &lock, error);
    if (status == LS_OK)
        status = ls_run_number(run, &request.incarnation, error);
    if (status == LS_OK)
        status = ls_run_config_write(run, config, error);
    if (status == LS_OK)
        status = ls_run_begin_with(communicator, &request, given, error);
    if (status == LS_OK)
        ls_starts_give(run, request.incarnation, "import-weights", file);
    ls_run_release(&lock);
    ls_communicator_destroy(communicator);
    return status;
}

static int run_import(int argument_count, char **arguments, const void *given_options) {
    (void)argument_count;
    const struct import_options *wanted = given_options;
    struct ls_config config;
    struct ls_error error;
    struct ls_given given = {0};
    char run[LS_TEXT_MAX];
    if (check_options(wanted, &error) != LS_OK ||
        ls_run_config(&wanted->run, wanted->config, &config, &error) != LS_OK)
        return ls_command_fail(&error);
    ls_run_directory(&wanted->run, &config, run);
    enum ls_status status = check_run(&config, run, &error);
    if (status == LS_OK)
        status = prepare(wanted, &config, arguments[0], &given, &error);
    if (status == LS_OK && !wanted->dry_run)
        status = begin(&config, run, arguments[0], &given, &error);
    if (status == LS_OK && !wanted->dry_run)
        printf("%s: begins with them; `lockstep train %s --out %s`%s trains it, `evaluate` and "
               "`predict` use it as it is\n",
               run, wanted->config, run, wanted->run.set.count ? ", with the same --set," : "");
    ls_given_clear(&given);
    ls_config_clear(&config);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_import_weights = {
    .name = "import-weights",
    .usage = usage,
    .help = "begin a run with weights of PyTorch, or of another run's export",
    .details =
        "Weights are turned as each layer needs: [out, in] of products and convolutions, the gates "
        "and two biases of\n"
        "recurrences, queries, keys and values of attention, the rows of a flattened image "
        "(channels "
        "first in PyTorch).\n"
        "Batch norms bring their running statistics. Every parameter of the model must be given, "
        "and every tensor used.\n"
        "MAP is YAML or JSON, a line for each layer or parameter whose name differs:\n"
        "  conv1: conv2d1                  # a layer, with all below it\n"
        "  \"layer1.*.conv1\": stage1.block*.conv2d1\n"
        "  lm_head:                        # left out\n"
        "  module: \"\"                      # as behind DataParallel: the names without it\n"
        "  wte.weight: [tokens.weight, head.weight]\n"
        "  \"*.c_proj\": {to: \"*.linear2\", layout: in_out}   # a matrix that lies [in, out], as "
        "GPT-2's\n"
        "  fc1: {to: linear1, flat: channels_last}         # its model flattened images as ours "
        "does\n"
        "  \"layers.*.self_attn\": {to: block*.attention1, rotary: halves}   # or pairs: it must "
        "be "
        "said\n"
        "Of several that match the last one counts; * takes as few characters as it can. What has "
        "no weights, as the\n"
        "epsilon of a norm, is the config's.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_import,
    .options_size = sizeof(struct import_options),
};
