/* lockstep evaluate: the metrics of a run's newest checkpoint, on its own test data or on other
 * data. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/command/piped.h"
#include "launcher/command/run_options.h"
#include "launcher/command/trained.h"
#include "launcher/worker/class_names.h"
#include "launcher/worker/metrics_json.h"
#include "launcher/worker/translations.h"
#include "launcher/exit_codes.h"

struct evaluate_options {
    char data[LS_TEXT_MAX];
    bool confusion, json;
    int64_t threads;
};

static const struct ls_option options[] = {
    {.field =
         {.name = "data",
          .kind = LS_FIELD_TEXT,
          .offset = offsetof(struct evaluate_options, data),
          .initial = "",
          .help = "a data source as in a config; default: the run's own validation and test data"}},
    {.field = {.name = "confusion",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct evaluate_options, confusion),
               .initial = "false",
               .help = "print the confusion matrix, a row for each label with its name"}},
    {.field = {.name = "json",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct evaluate_options, json),
               .initial = "false",
               .help = "print one JSON object: metrics of the test part, and of each part"}},
    LS_OPTION_THREADS(struct evaluate_options),
};

/* A line, and one more for what is known of single classes. */
static void print_metrics(const char *name, const struct ls_metrics *metrics) {
    bool classes = false;
    printf("%s", name);
    for (int i = 0; i < metrics->count; i++) {
        const struct ls_metric *metric = &metrics->items[i];
        classes = classes || metric->of_classes;
        if (!metric->of_classes)
            printf("  %s %.9g", metric->name, metric->value);
    }
    printf("\n");
    for (int i = 0; i < metrics->count; i++)
        if (metrics->items[i].of_classes)
            printf("  %s=%.9g", metrics->items[i].name, metrics->items[i].value);
    if (classes)
        printf("\n");
}

/* A row for each label, with its name in front; columns are the model's answers in the same order.
 */
static void print_matrix(const struct ls_judged *judged, char *const *names) {
    enum { NAME_MAX_WIDTH = 24 };
    const int count = judged->classes;
    int width = 0;
    for (int i = 0; i < count; i++)
        width = (int)strlen(names[i]) > width ? (int)strlen(names[i]) : width;
    width = width < NAME_MAX_WIDTH ? width : NAME_MAX_WIDTH;
    for (int i = 0; i < count; i++) {
        printf("  %-*s", width, names[i]);
        for (int j = 0; j < count; j++)
            printf(" %7.0f", judged->confusion[i * count + j]);
        printf("\n");
    }
}

/* Of each term that has one. */
static void print_confusion(const struct ls_metrics *metrics, const struct ls_data *data) {
    for (int i = 0; i < metrics->judged_count; i++) {
        const struct ls_judged *judged = &metrics->judged[i];
        if (!judged->confusion)
            continue;
        char **names = ls_class_names(data, judged->target, judged->classes, NULL);
        if (judged->prefix[0])
            printf("  %.*s:\n", (int)strlen(judged->prefix) - 1, judged->prefix);
        print_matrix(judged, names);
        ls_schema_free_names(names, judged->classes);
    }
}

/* What is printed at the end with --json. */
static void keep_json(json_t *object, const char *name, const struct ls_metrics *metrics,
                      const struct ls_data *data) {
    json_t *own = ls_metrics_json(metrics, data);
    json_object_update(object, own); /* a later part's stand at the top */
    json_object_set_new(object, name, own);
}

/* BLEU, where the run's config asks for it and the data has what it takes. */
static enum ls_status judge_translations(struct ls_trained *trained, int role, const char *run,
                                         struct ls_metrics *metrics, struct ls_error *error) {
    const struct ls_config *config = &trained->run.config;
    if (!ls_translations_wanted(config, &trained->data, role))
        return LS_OK;
    if (trained->given && ls_translations_check(config, &trained->data, error) != LS_OK) {
        ls_log(LS_LOG_WARNING, "no BLEU: %s", error->text);
        return LS_OK;
    }
    return ls_translations_judge(&trained->worker, &trained->data, role, run, metrics, error);
}

static enum ls_status evaluate_part(struct ls_trained *trained, int role, const char *run,
                                    const struct evaluate_options *given, json_t *object,
                                    struct ls_error *error) {
    struct ls_loader *loader;
    enum ls_status status = ls_trained_load(trained, role, &loader, error);
    if (status != LS_OK)
        return status;
    double *sums = ls_calloc((size_t)ls_worker_sum_count(&trained->worker, true), sizeof *sums);
    status = ls_worker_evaluate(&trained->worker, loader, sums, error);
    struct ls_metrics metrics = ls_worker_metrics(&trained->worker, sums, true);
    if (status == LS_OK)
        status = judge_translations(trained, role, run, &metrics, error);
    if (status == LS_OK) {
        const char *name = trained->given ? "data" : ls_part_name(role);
        if (given->json)
            keep_json(object, name, &metrics, &trained->data);
        else
            print_metrics(name, &metrics);
        if (!given->json && given->confusion)
            print_confusion(&metrics, &trained->data);
    }
    free(sums);
    ls_loader_destroy(loader);
    return status;
}

static int run_evaluate(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    const struct evaluate_options *evaluate = given;
    struct ls_error error;
    struct ls_trained trained;
    struct ls_piped piped;
    enum ls_status status = ls_piped_take(&piped, evaluate->data, &error);
    const struct ls_trained_options what = {.run = arguments[0],
                                            .file = piped.source,
                                            .cache = piped.folder[0] ? piped.folder : NULL,
                                            .targets = true,
                                            .threads = evaluate->threads};
    if (status == LS_OK)
        status = ls_trained_open(&trained, &what, &error);
    ls_piped_remove(&piped); /* what is open stays readable */
    if (status != LS_OK)
        return ls_command_fail(&error);
    const uint64_t step = trained.run.state.step;
    json_t *object = json_pack("{s:s s:I}", "run", arguments[0], "step", (json_int_t)step);
    if (evaluate->json && !object)
        status = ls_fail(&error, LS_INVALID, "--json: expected a run whose path is UTF-8");
    if (!evaluate->json)
        printf("%s: step %llu\n", arguments[0], (unsigned long long)step);
    int evaluated = 0;
    for (int role = LS_SOURCE_VALIDATION; role < LS_PARTS && status == LS_OK; role++)
        if (trained.data.parts[role].dataset) {
            status = evaluate_part(&trained, role, arguments[0], evaluate, object, &error);
            evaluated++;
        }
    if (status == LS_OK && !evaluated)
        status = ls_fail(&error, LS_INVALID,
                         "%s: its config has no validation or test data; give some with --data",
                         arguments[0]);
    if (status == LS_OK && evaluate->json)
        json_dumpf(object, stdout, JSON_INDENT(2));
    if (status == LS_OK && evaluate->json)
        printf("\n");
    json_decref(object);
    ls_trained_close(&trained);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_evaluate = {
    .name = "evaluate",
    .usage = "RUN [--data FILE] [--confusion] [--json] [--threads T]",
    .help = "metrics of a run's newest checkpoint",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_evaluate,
    .options_size = sizeof(struct evaluate_options),
};
