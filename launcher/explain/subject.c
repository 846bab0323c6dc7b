/* What is explained: a method, a run's model made for it, and samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/command/answers.h"
#include "launcher/command/options.h"
#include "launcher/explain/names.h"

/* Rows at a time: few, so that a layer's values are still in the cache when the next one reads
 * them. What is kept, and its gradients, need more than a row's bytes. */
enum { ROWS_MAX = 16, ROW_BYTES_FACTOR = 4 };
static const int64_t memory_max = (int64_t)1 << 30;

static enum ls_status find_method(struct ls_subject *subject, const char *name,
                                  struct ls_error *error) {
    int count;
    const struct ls_explain_method *const *methods = ls_explain_methods(&count);
    if ((subject->method = ls_explain_find(name)))
        return LS_OK;
    const char *names[64];
    char hint[160], all[LS_ERROR_MAX / 2] = "";
    for (int i = 0; i < count; i++) {
        names[i] = methods[i]->name;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
    }
    return ls_fail(error, LS_INVALID, "explain: there is no method '%.60s'%s\nthere are %s", name,
                   ls_did_you_mean(name, names, count, "", hint, sizeof hint), all);
}

/* --set KEY=VALUE. */
static enum ls_status set_option(const struct ls_subject *subject, const char *text,
                                 struct ls_error *error) {
    const struct ls_explain_method *method = subject->method;
    const char *equals = strchr(text, '='), *names[64];
    char key[64], hint[160];
    snprintf(key, sizeof key, "%.*s", (int)(equals ? equals - text : (long)strlen(text)), text);
    const struct ls_field *field = ls_fields_find(method->fields, key);
    if (method->concepts)
        return LS_OK; /* their names are known with the data (concepts.c) */
    if (field && equals)
        return ls_field_parse(field, equals + 1, subject->options, error) == LS_OK
                   ? LS_OK
                   : ls_fail_context(error, "--set %.60s: ", text);
    for (int i = 0; i < method->fields.count; i++)
        names[i] = method->fields.items[i].name;
    if (field || !equals)
        return ls_fail(error, LS_INVALID, "--set %.60s: expected KEY=VALUE", text);
    return ls_fail(error, LS_INVALID,
                   "--set %.60s: %s has no option '%s'%s\n`lockstep help explain` lists them", text,
                   method->name, key,
                   ls_did_you_mean(key, names, method->fields.count, "", hint, sizeof hint));
}

static enum ls_status read_options(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_explain_method *method = subject->method;
    enum ls_status status = LS_OK;
    subject->options = ls_calloc(1, method->options_size + 1);
    ls_fields_reset(method->fields, subject->options);
    for (int i = 0; i < subject->wanted->set.count && status == LS_OK; i++)
        status = set_option(subject, subject->wanted->set.items[i], error);
    return status;
}

/* "A:B", "A:", ":B". */
static enum ls_status read_samples(struct ls_subject *subject, struct ls_error *error) {
    const uint64_t all = subject->trained.data.parts[subject->role].count;
    const char *text = subject->wanted->samples;
    unsigned long long first = 0, end = all;
    int used = 0, more = 0;
    subject->count = all;
    if (!text[0])
        return LS_OK;
    const bool begins = sscanf(text, "%llu%n", &first, &used) == 1;
    bool good = text[begins ? used : 0] == ':' && text[0] != '-' && text[0] != '+';
    const char *rest = text + (begins ? used : 0) + 1;
    if (good && *rest)
        good = sscanf(rest, "%llu%n", &end, &more) == 1 && !rest[more] && *rest != '-';
    if (!good || first >= end || end > all)
        return ls_fail(error, LS_INVALID,
                       "--samples: expected A:B with A below B, and B at most %llu, the samples "
                       "that are there; found '%.60s'",
                       (unsigned long long)all, text);
    subject->first = first;
    subject->count = end - first;
    return LS_OK;
}

/* A node that a rule found may be a part of a layer, as the products of attention are: then the
 * layer is meant. False: there is nothing around it, or a user named it. */
static bool leave_part(struct ls_subject *subject) {
    const bool follows = subject->method->layer == LS_LAYER_PROTOTYPES && subject->cut[0];
    char *dot = strrchr(follows ? subject->cut : subject->layer, '.');
    if (!dot || (subject->wanted->layer[0] && !follows))
        return false;
    *dot = '\0';
    return true;
}

/* Where a method's model begins anew: at the layer, or at what prototypes are compared with. */
static enum ls_status find_cut(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_value *layer = subject->model.layer;
    if (!subject->method->cuts || subject->cut[0])
        return LS_OK;
    if (subject->method->layer != LS_LAYER_PROTOTYPES) {
        strcpy(subject->cut, subject->layer);
        return LS_OK;
    }
    const struct ls_node *node = layer->producer;
    if (!node || strcmp(node->op->name, "prototypes") != 0 || !node->inputs[0]->producer)
        return ls_fail(error, LS_INVALID, "%s: the layer '%s' is none of prototypes%s",
                       subject->method->name, subject->layer,
                       node && !strcmp(node->op->name, "prototypes") ? " behind another layer"
                                                                     : "");
    snprintf(subject->cut, sizeof subject->cut, "%.*s", LS_NAME_MAX - 1, node->inputs[0]->name);
    return LS_OK;
}

static enum ls_status build(struct ls_subject *subject, struct ls_error *error) {
    struct ls_trained *trained = &subject->trained;
    const struct ls_config *config = &trained->run.config;
    const int64_t bytes =
        ls_graph_summarise(ls_subject_scout(subject)->graph).row_bytes * ROW_BYTES_FACTOR + 1;
    const int64_t rows = memory_max / bytes < ROWS_MAX ? memory_max / bytes : ROWS_MAX;
    struct ls_model_options model =
        ls_config_model(config, trained->worker.variant, rows > 1 ? rows : 1);
    model.feeds = trained->data.feeds;
    model.feed_count = trained->data.feed_count;
    model.answers = true;
    if (subject->method->layer == LS_LAYER_PROTOTYPES)
        model.answer = NULL; /* the end of the model draws them, where it is a decoder */
    model.openblas = false;  /* its bits depend on how many rows come together */
    model.explains = trained->data.feeds[subject->feed].name;
    model.start_at = subject->cut[0]         ? subject->cut
                     : subject->embedding[0] ? subject->embedding
                                             : NULL;
    model.both = subject->cut[0] != '\0';
    model.layer = subject->layer[0] ? subject->layer : NULL;
    enum ls_status status;
    do
        status = ls_model_create(&subject->model, &model, ls_worker_answering(&trained->worker),
                                 trained->worker.parameters, error);
    while (status != LS_OK && leave_part(subject));
    if (status != LS_OK)
        return subject->model.failed ? ls_config_layer_error(config, subject->model.failed, error)
                                     : status;
    const bool cut = subject->cut[0] != '\0';
    if ((status = find_cut(subject, error)) != LS_OK)
        return status;
    if (!cut && subject->cut[0]) { /* now that it is known */
        ls_model_destroy(&subject->model);
        return build(subject, error);
    }
    ls_graph_prepare(subject->model.graph, trained->worker.flat);
    for (int i = 0; i < subject->model.input_count; i++)
        if (subject->model.inputs[i].feed == subject->feed)
            subject->input = i;
    subject->explainer.model = &subject->model;
    subject->explainer.tokens = subject->embedding[0] != '\0';
    subject->explainer.seed = (uint64_t)subject->wanted->seed;
    if (subject->method->gradients && !subject->model.explained->gradient)
        return ls_fail(error, LS_INVALID, "%s: the model's output does not depend on the feed %s",
                       subject->method->name, model.explains);
    return LS_OK;
}

static enum ls_status change_weights(struct ls_subject *subject, struct ls_error *error) {
    const char *wanted = subject->wanted->weights;
    if (!strcmp(wanted, "trained"))
        return LS_OK;
    if (strcmp(wanted, "random") != 0)
        return ls_fail(error, LS_INVALID, "--weights: expected trained or random, found '%.60s'",
                       wanted);
    ls_weights_draw(subject, subject->trained.worker.flat);
    return LS_OK;
}

/* By its name, if the classes (or outputs) have some, or it is a token; else by its number. */
static bool read_class(const struct ls_subject *subject, const char *text, int64_t *class) {
    struct ls_names names;
    char *end;
    ls_names_load(&names, subject);
    *class = -1;
    for (int k = 0; k < names.class_count && names.classes; k++)
        if (!strcmp(names.classes[k], text))
            *class = k;
    ls_names_clear(&names);
    if (*class >= 0)
        return true;
    *class = strtoll(text, &end, 10);
    return *text && !*end && *class >= 0;
}

static enum ls_status read_target(struct ls_subject *subject, struct ls_error *error) {
    const char *text = subject->wanted->target;
    struct ls_target *target = &subject->target;
    const struct ls_shape row = ls_shape_of_row(subject->model.output->shape);
    *target = (struct ls_target){
        .classifies = ls_answer_classifies(&subject->trained.run.config, ls_shape_last(row)),
        .position = subject->wanted->position};
    const int64_t count = ls_target_count(&subject->explainer, target);
    const int64_t positions = target->classifies ? ls_shape_count(row) / ls_shape_last(row) : 1;
    if (target->position >= positions)
        return ls_fail(error, LS_INVALID, "--position: expected one from 0 to %lld, found %lld",
                       (long long)positions - 1, (long long)target->position);
    if (!strcmp(text, "predicted") || subject->method->units)
        return LS_OK;
    target->kind = !strcmp(text, "label") ? LS_TARGET_LABEL : LS_TARGET_CLASS;
    if (target->kind == LS_TARGET_LABEL)
        return target->classifies ? LS_OK
                                  : ls_fail(error, LS_INVALID,
                                            "--target label: this run's model gives numbers, not "
                                            "classes; name one from 0 to %lld",
                                            (long long)count - 1);
    if (!read_class(subject, text, &target->class) || target->class >= count)
        return ls_fail(error, LS_INVALID,
                       "--target: expected predicted, %s from 0 to %lld, or the name of one; "
                       "found '%.60s'",
                       target->classifies ? "label, a class" : "an output", (long long)count - 1,
                       text);
    return LS_OK;
}

/* Rows of a method of units: all, or the one that --target names. What it does not look at is said,
 * once: ranks leave it to who started them. */
static enum ls_status choose_units(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_explain_options *wanted = subject->wanted;
    const struct ls_explain_method *method = subject->method;
    const char *text = wanted->target;
    char *end;
    subject->rows = method->units(&subject->explainer, subject->options);
    if (wanted->samples[0] && !method->judges && !wanted->worker)
        ls_log(LS_LOG_WARNING, "%s looks at no samples: --samples changes nothing", method->name);
    if (!strcmp(text, "predicted"))
        return LS_OK;
    if (method->judges) {
        if (!wanted->worker)
            ls_log(LS_LOG_WARNING, "%s judges all answers: --target changes nothing", method->name);
        return LS_OK;
    }
    subject->unit = strtoll(text, &end, 10);
    const bool number = *text && !*end;
    if ((!number && (subject->layer[0] || !read_class(subject, text, &subject->unit))) ||
        subject->unit < 0 || subject->unit >= subject->rows)
        return ls_fail(
            error, LS_INVALID, "--target: expected a unit%s%s from 0 to %lld%s; found '%.60s'",
            subject->layer[0] ? " of " : "", subject->layer, (long long)subject->rows - 1,
            subject->layer[0] ? "" : ", or its name", text);
    subject->rows = 1;
    return LS_OK;
}

/* Answers that are numbers are explained as predict writes them. */
static enum ls_status take_units(struct ls_subject *subject, struct ls_error *error) {
    const int64_t width = ls_shape_row_count(subject->model.output->shape);
    if (subject->target.classifies)
        return LS_OK;
    const enum ls_status status =
        ls_trained_load_units(&subject->trained, width, &subject->units, error);
    subject->explainer.scales = subject->units.scales;
    subject->explainer.means = subject->units.means;
    return status;
}

/* Targets are read where there are any, of methods that can do without. */
static enum ls_status open_trained(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_explain_options *wanted = subject->wanted;
    const struct ls_explain_method *method = subject->method;
    struct ls_trained_options what = {.run = subject->run,
                                      .file = wanted->data,
                                      .cache = wanted->cache,
                                      .answers = true,
                                      .targets = method->judges || method->concepts ||
                                                 !strcmp(wanted->target, "label"),
                                      .threads = 1};
    const enum ls_status status = ls_trained_open(&subject->trained, &what, error);
    if (status != LS_INVALID || !method->concepts || !wanted->data[0] ||
        !strcmp(wanted->target, "label"))
        return status;
    what.targets = false;
    return ls_trained_open(&subject->trained, &what, error);
}

enum ls_status ls_subject_open(struct ls_subject *subject, const struct ls_explain_options *wanted,
                               char *const *arguments, struct ls_error *error) {
    *subject = (struct ls_subject){.wanted = wanted, .run = arguments[0]};
    if (find_method(subject, arguments[1], error) != LS_OK)
        return error->status;
    enum ls_status status = read_options(subject, error);
    if (status == LS_OK)
        status = open_trained(subject, error);
    if (status != LS_OK)
        return status;
    subject->role = wanted->training ? LS_SOURCE_TRAIN : LS_SOURCE_TEST;
    while (!subject->trained.data.parts[subject->role].dataset)
        subject->role--;
    status = read_samples(subject, error);
    if (status == LS_OK)
        status = change_weights(subject, error);
    if (status == LS_OK)
        status = ls_subject_find_feed(subject, error);
    if (status == LS_OK)
        status = ls_subject_find_embedding(subject, error);
    if (status == LS_OK)
        status = ls_subject_find_layer(subject, error);
    if (status == LS_OK)
        status = build(subject, error);
    if (status == LS_OK)
        status = read_target(subject, error);
    if (status == LS_OK && subject->method->cuts)
        ls_subject_know_targets(subject);
    if (status == LS_OK && subject->method->concepts)
        status = ls_subject_open_concepts(subject, error);
    if (status == LS_OK)
        status = take_units(subject, error);
    if (status == LS_OK)
        status = subject->method->describe(&subject->explainer, subject->options, &subject->results,
                                           error);
    if (status == LS_OK)
        status = ls_checks_describe(subject, error);
    if (status == LS_OK)
        status = ls_subject_make_baseline(subject, error);
    subject->rows = (int64_t)subject->count;
    return status == LS_OK && subject->method->units ? choose_units(subject, error) : status;
}

void ls_subject_close(struct ls_subject *subject) {
    free(subject->options);
    free(subject->table);
    free(subject->baseline_values);
    free(subject->deviations);
    free(subject->baselines);
    free(subject->baseline_ids);
    ls_units_clear(&subject->units);
    free(subject->known_values);
    free(subject->known_ids);
    free(subject->known_labels);
    ls_subject_close_concepts(subject);
    ls_model_destroy(&subject->model);
    ls_trained_close(&subject->trained);
    *subject = (struct ls_subject){0};
}
