/* lockstep explain: what the answers of a run's model depend on, by the methods of core/explain. */
#include "launcher/explain/explain.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/command/piped.h"
#include "launcher/command/ranks.h"
#include "launcher/exit_codes.h"
#include "launcher/worker/run.h"
#include "launcher/worker/run_parts.h"

#define OPTION(member, option_name, field_kind, field_initial, field_min, field_max, field_help)   \
    {                                                                                              \
        .field = {                                                                                 \
            .name = option_name,                                                                   \
            .kind = field_kind,                                                                    \
            .offset = offsetof(struct ls_explain_options, member),                                 \
            .initial = field_initial,                                                              \
            .min = field_min,                                                                      \
            .max = field_max,                                                                      \
            .help = field_help                                                                     \
        }                                                                                          \
    }

static const char usage[] =
    "RUN METHOD [-n N] [--data SOURCE] [--samples A:B]\n"
    "                        [--target CLASS|label|predicted] [--layer NAME] [--set KEY=VALUE ...] "
    "--out FOLDER";

static const struct ls_option options[] = {
    {.letter = 'n',
     .field = {.name = "ranks",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct ls_explain_options, ranks),
               .initial = "1",
               .min = 1,
               .max = 65536,
               .help = "processes that the samples are spread over; changes no bit"}},
    OPTION(data, "data", LS_FIELD_TEXT, "", 0, 0,
           "a data source as in a config; default: the run's test data, else its others"),
    OPTION(samples, "samples", LS_FIELD_TEXT, "", 0, 0,
           "A:B: from A on, before B, counted from 0; A or B may be left out; default: all"),
    OPTION(target, "target", LS_FIELD_TEXT, "predicted", 0, 0,
           "a class (number, name or token), label, or predicted"),
    OPTION(position, "position", LS_FIELD_INTEGER, "-1", -1, 1e9,
           "of an output with positions: which is explained; -1: the last (no padding)"),
    OPTION(layer, "layer", LS_FIELD_TEXT, "", 0, 0,
           "that the method looks at, as inspect names it; default: see the methods"),
    OPTION(input, "input", LS_FIELD_TEXT, "", 0, 0,
           "the feed that is explained; default: inputs, else the model's first"),
    OPTION(faithfulness, "faithfulness", LS_FIELD_BOOL, "false", 0, 0,
           "checks beside each sample's attributions, see above"),
    OPTION(weights, "weights", LS_FIELD_TEXT, "trained", 0, 0,
           "trained, or random: what is said of a model that has learned nothing"),
    OPTION(seed, "seed", LS_FIELD_INTEGER, "1", 0, 999999999999999, "of what methods draw"),
    {.field = {.name = "set",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct ls_explain_options, set),
               .initial = "",
               .help = "KEY=VALUE, an option of the method; may be repeated"},
     .repeated = true},
    OPTION(out, "out", LS_FIELD_TEXT, NULL, 0, 0, "the folder to write METHOD.h5 and pictures to"),
    OPTION(worker, "worker", LS_FIELD_BOOL, "false", 0, 0,
           "be one rank: mpirun -n N lockstep explain RUN METHOD ... --worker"),
};

/* The methods and their options, from their table. */
static void print_methods(FILE *out) {
    int count;
    const struct ls_explain_method *const *methods = ls_explain_methods(&count);
    fprintf(out, "\nmethods, with what --set takes:\n");
    for (int i = 0; i < count; i++) {
        const struct ls_explain_method *method = methods[i];
        fprintf(out, "  %-22s  %s\n", method->name, method->help);
        for (int f = 0; f < method->fields.count; f++) {
            const struct ls_field *field = &method->fields.items[f];
            fprintf(out, "    %s=%s  %s\n", field->name, field->initial, field->help);
        }
    }
}

/* The words of this call for its ranks, with the data that was piped in as a file. */
static int launch(const struct ls_explain_options *wanted, char **arguments, char *source) {
    char numbers[3][32], *words[32 + 2 * 64];
    int count = 0;
    snprintf(numbers[0], sizeof numbers[0], "%lld", (long long)wanted->position);
    snprintf(numbers[1], sizeof numbers[1], "%lld", (long long)wanted->seed);
    words[count++] = arguments[0];
    words[count++] = arguments[1];
    const struct {
        const char *name, *value;
    } given[] = {
        {"--data", source},         {"--samples", wanted->samples}, {"--target", wanted->target},
        {"--layer", wanted->layer}, {"--input", wanted->input},     {"--weights", wanted->weights},
        {"--position", numbers[0]}, {"--seed", numbers[1]},         {"--out", wanted->out}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i].value[0]) {
            words[count++] = (char *)(uintptr_t)given[i].name;
            words[count++] = (char *)(uintptr_t)given[i].value;
        }
    for (int i = 0; i < wanted->set.count; i++) {
        words[count++] = (char *)(uintptr_t) "--set";
        words[count++] = wanted->set.items[i];
    }
    if (wanted->faithfulness)
        words[count++] = (char *)(uintptr_t) "--faithfulness";
    words[count++] = (char *)(uintptr_t) "--worker";
    words[count] = NULL;
    return ls_ranks_launch(&(struct ls_launch){
        .command = "explain", .arguments = words, .ranks = (int)wanted->ranks, .threads = 1});
}

struct call {
    const struct ls_explain_options *wanted;
    char *const *arguments;
};

/* Rank 0 opens the data first: it fills the cache. */
static enum ls_status run_rank(const void *context, struct ls_communicator *communicator,
                               struct ls_error *error) {
    const struct call *call = context;
    const bool leader = ls_communicator_rank(communicator) == 0;
    struct ls_subject subject = {0};
    enum ls_status status = LS_OK;
    for (int turn = 0; turn < 2 && status == LS_OK; turn++) {
        if (leader == (turn == 0))
            status = ls_subject_open(&subject, call->wanted, call->arguments, error);
        status = ls_communicator_agree(communicator, status, error);
    }
    if (status == LS_OK)
        status = ls_subject_explain(&subject, communicator, error);
    ls_subject_close(&subject);
    return status;
}

/* What can be known to fail fails in one process, before any rank is started. */
static enum ls_status rehearse(const struct ls_explain_options *wanted, char *const *arguments,
                               struct ls_error *error) {
    struct ls_subject subject = {0};
    const enum ls_status status = ls_subject_open(&subject, wanted, arguments, error);
    ls_subject_close(&subject);
    return status;
}

/* ^C once ends it in order, twice at once. */
static int run_alone(const struct call *call) {
    struct ls_error error;
    struct ls_communicator *alone = ls_communicator_alone();
    ls_run_catch_signals(true);
    const enum ls_status status = run_rank(call, alone, &error);
    ls_communicator_destroy(alone);
    if (status == LS_OK)
        return LS_EXIT_DONE;
    const int code = ls_command_fail(&error);
    return ls_run_stop_asked() ? LS_EXIT_STOPPED : code;
}

static int run_explain(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    struct ls_explain_options wanted = *(const struct ls_explain_options *)given;
    struct ls_error error;
    struct ls_piped piped = {0};
    const struct call call = {&wanted, arguments};
    if (!wanted.out[0]) {
        ls_fail(&error, LS_INVALID,
                "explain: --out FOLDER is missing\nusage: lockstep explain %s\nsee `lockstep help "
                "explain`",
                usage);
        return ls_command_fail(&error);
    }
    const int tasks = ls_tasks_started();
    if (!wanted.worker && tasks > 1) {
        ls_fail(&error, LS_INVALID,
                "%d copies of `lockstep explain` were started together, but one starts all ranks "
                "itself\nsay -n %d once, without a launcher, or --worker to each",
                tasks, tasks);
        return ls_command_fail(&error);
    }
    if (wanted.worker) {
        ls_run_catch_signals(false);
        return ls_ranks_run(run_rank, &call);
    }
    int code = LS_EXIT_INVALID;
    if (ls_piped_take(&piped, wanted.data, &error) != LS_OK) {
        code = ls_command_fail(&error);
    } else {
        memcpy(wanted.data, piped.source, sizeof wanted.data);
        if (wanted.ranks == 1 && piped.folder[0])
            wanted.cache = piped.folder;
        if (wanted.ranks == 1)
            code = run_alone(&call);
        else if (rehearse(&wanted, arguments, &error) == LS_OK)
            code = launch(&wanted, arguments, piped.source);
        else
            code = ls_command_fail(&error);
    }
    ls_piped_remove(&piped);
    return code;
}

const struct ls_command ls_command_explain = {
    .name = "explain",
    .usage = usage,
    .help = "what the answers of a run's model depend on",
    .details =
        "FOLDER/METHOD.h5 (replaced with its pictures, if it is there) has /attributions, as the "
        "inputs are, /outputs (the\n"
        "explained values), /samples (numbers of the rows), of classes /predicted, and /elements: "
        "which output was explained,\n"
        "as the attribute `elements` says, -1 for the mean of several. Attributes say how it was "
        "made; those of datasets,\n"
        "`columns` and `names`, what columns and classes are called. METHOD.svg shows the first "
        "samples with their row,\n"
        "label, prediction and, where that is another class, what is explained: images beside what "
        "speaks for it (red) and\n"
        "against it (blue), which METHOD.png has without words; series, with bars of that below; "
        "the tokens of a text in\n"
        "these colours; where attention looks; or training samples that are near.\n"
        "Explained is the logit of the predicted class, before softmax; of one logit for two "
        "classes, that of class 0\n"
        "is its negative; a regression: the output (of several: the mean) in the units of the "
        "targets; pixels that a loss\n"
        "takes as logits (binary_cross_entropy): the mean of these. Dropout and batch norm are as "
        "in evaluation. Texts: the\n"
        "embedding is explained, and each token has one number.\n"
        "Unless told: the baseline is zero, of tables the training mean (of input_times_gradient "
        "always zero); a patch is a\n"
        "fourteenth of an image's side;\n"
        "grad_cam looks at the last convolution, filters at the first convolution or linear "
        "layer, "
        "activations and neighbours at\n"
        "the values before the last one, maximise at the output; of filters and maximise --target "
        "takes a unit.\n"
        "--faithfulness adds /deletion and /insertion (the explained value as 0, 5, ... 100 % of "
        "the features, the\n"
        "largest attributions first, go to the baseline, or come from it: Petsiuk et al. 2018), "
        "/noise_sensitivity (how\n"
        "far attributions move with a little noise on the sample: Yeh et al. 2019) and "
        "/random_weights_correlation\n"
        "(of their sizes with those of random weights, by rank, where not both are 0: what is "
        "near 1 explains nothing:\n"
        "Adebayo et al. 2018).\n"
        "intervene: --set NAME=VALUE,... sets concepts, by the names that the attribute `columns` "
        "of "
        "their dataset gives\n"
        "(else 0, 1, ...), to numbers or to label, what is true; all=label, the default: all of "
        "them. It prints how answers\n"
        "change, and writes /concepts, /concepts_set, /outputs_before and _after (probabilities), "
        "/classes_before and\n"
        "_after, /labels, and /corrected: how often the answer is right with 0, 1, 2 ... true "
        "concepts put in.\n"
        "prototypes: /distances and /similarities of each sample; of each prototype /nearest "
        "(training rows),\n"
        "/nearest_distances, /nearest_classes, /pictures (the decoder's), and of images a picture "
        "of "
        "all that.",
    .more = print_methods,
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_explain,
    .options_size = sizeof(struct ls_explain_options),
};
