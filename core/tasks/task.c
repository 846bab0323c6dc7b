/* The tasks: presets of losses, and how a phase is recorded. */
#include "core/tasks/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/tasks/list.h"

static void set(struct ls_layer_spec *spec, const char *name, const char *text) {
    struct ls_error error;
    const struct ls_field *field = ls_fields_find(spec->layer->fields, name);
    LS_ASSERT(field && ls_field_parse(field, text, spec->options, &error) == LS_OK, "%s: %s",
              spec->layer->name, name);
}

static void set_integer(struct ls_layer_spec *spec, const char *name, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    set(spec, name, text);
}

static void set_real(struct ls_layer_spec *spec, const char *name, double value) {
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    set(spec, name, text);
}

struct ls_layer_spec *ls_losses_append(struct ls_layer_list *losses, const char *loss,
                                       const char *name) {
    const size_t room = (size_t)losses->count + 1;
    losses->items = ls_realloc(losses->items, room, sizeof *losses->items);
    struct ls_layer_spec *spec = &losses->items[losses->count++];
    ls_layer_spec_init(spec, ls_loss_layer_find(loss), name);
    return spec;
}

static bool weighs_labels(const struct ls_task_options *options) {
    return options->label_smoothing > 0 || options->ignored_label >= 0 ||
           options->class_weights.count;
}

static enum ls_status refuse_loss(const struct ls_task_options *options, const char *names,
                                  struct ls_error *error) {
    return ls_fail(error, LS_INVALID, "loss.name: a %s takes one of auto, %s; found '%s'",
                   ls_task_of(options->kind)->name, names, ls_loss_names[options->loss]);
}

static enum ls_status preset_classification(const struct ls_task_options *options,
                                            struct ls_layer_list *losses, struct ls_error *error) {
    if (options->loss == LS_LOSS_BINARY_CROSS_ENTROPY) {
        if (weighs_labels(options) || options->top_k)
            return ls_fail(
                error, LS_INVALID,
                "loss: label_smoothing, ignored_label, class_weights and task.top_k need "
                "cross_entropy; found binary_cross_entropy");
        set(ls_losses_append(losses, "cross_entropy", "loss"), "outputs", "one");
        return LS_OK;
    }
    if (options->loss != LS_LOSS_AUTO && options->loss != LS_LOSS_CROSS_ENTROPY)
        return refuse_loss(options, "cross_entropy, binary_cross_entropy", error);
    struct ls_layer_spec *spec = ls_losses_append(losses, "cross_entropy", "loss");
    if (options->loss == LS_LOSS_CROSS_ENTROPY)
        set(spec, "outputs", "several");
    set_real(spec, "label_smoothing", options->label_smoothing);
    set_integer(spec, "ignored_label", options->ignored_label);
    set_integer(spec, "top_k", options->top_k);
    const struct ls_field *weights = ls_fields_find(spec->layer->fields, "class_weights");
    memcpy((char *)spec->options + weights->offset, &options->class_weights,
           sizeof options->class_weights);
    return LS_OK;
}

static enum ls_status preset_language_model(const struct ls_task_options *options,
                                            struct ls_layer_list *losses, struct ls_error *error) {
    if (options->loss != LS_LOSS_AUTO && options->loss != LS_LOSS_CROSS_ENTROPY)
        return refuse_loss(options, "cross_entropy", error);
    const enum ls_status status = preset_classification(options, losses, error);
    if (status == LS_OK)
        set(&losses->items[0], "perplexity", "true");
    return status;
}

static enum ls_status refuse_labels(const struct ls_task_options *options, struct ls_error *error) {
    const char *name = ls_task_of(options->kind)->name;
    if (options->top_k)
        return ls_fail(error, LS_INVALID, "task.top_k: a %s has no classes; found %lld", name,
                       (long long)options->top_k);
    if (weighs_labels(options))
        return ls_fail(
            error, LS_INVALID,
            "loss: label_smoothing, ignored_label and class_weights are for a classification; "
            "found a %s",
            name);
    return LS_OK;
}

static enum ls_status preset_regression(const struct ls_task_options *options,
                                        struct ls_layer_list *losses, struct ls_error *error) {
    static const char *const kinds[] = {[LS_LOSS_AUTO] = "squared_error",
                                        [LS_LOSS_SQUARED_ERROR] = "squared_error",
                                        [LS_LOSS_ABSOLUTE_ERROR] = "absolute_error",
                                        [LS_LOSS_HUBER] = "huber"};
    if (!kinds[options->loss])
        return refuse_loss(options, "squared_error, absolute_error, huber", error);
    const enum ls_status status = refuse_labels(options, error);
    if (status != LS_OK)
        return status;
    struct ls_layer_spec *spec = ls_losses_append(losses, kinds[options->loss], "loss");
    if (options->loss == LS_LOSS_HUBER)
        set_real(spec, "delta", options->huber_delta);
    return LS_OK;
}

/* Of tasks whose loss is the binary one. */
static enum ls_status refuse_other_losses(const struct ls_task_options *options,
                                          struct ls_error *error) {
    const enum ls_status status = refuse_labels(options, error);
    if (status != LS_OK)
        return status;
    if (options->loss != LS_LOSS_AUTO && options->loss != LS_LOSS_BINARY_CROSS_ENTROPY)
        return refuse_loss(options, "binary_cross_entropy", error);
    return LS_OK;
}

static enum ls_status preset_multi_label(const struct ls_task_options *options,
                                         struct ls_layer_list *losses, struct ls_error *error) {
    const enum ls_status status = refuse_other_losses(options, error);
    if (status != LS_OK)
        return status;
    set(ls_losses_append(losses, "binary_cross_entropy", "loss"), "labels", "true");
    return LS_OK;
}

/* Kingma & Welling 2014: the negative evidence lower bound. */
static enum ls_status preset_vae(const struct ls_task_options *options,
                                 struct ls_layer_list *losses, struct ls_error *error) {
    const enum ls_status status = refuse_other_losses(options, error);
    if (status != LS_OK)
        return status;
    struct ls_layer_spec *spec = ls_losses_append(losses, "binary_cross_entropy", "reconstruction");
    ls_layer_spec_refer(spec, "target", "inputs");
    set(spec, "sum", "true");
    spec = ls_losses_append(losses, "kl_normal", "divergence");
    ls_layer_spec_refer(spec, "from", "mean");
    ls_layer_spec_refer(spec, "log_variance", "log_variance");
    return LS_OK;
}

const struct ls_metric *ls_metrics_find(const struct ls_metrics *metrics, const char *name) {
    for (int i = 0; i < metrics->count; i++)
        if (!strcmp(metrics->items[i].name, name))
            return &metrics->items[i];
    return NULL;
}

/* The evidence lower bound in nats per sample, with weight 1 whatever the weights in training. */
static void add_elbo(struct ls_metrics *metrics) {
    double sum = 0;
    int terms = 0;
    for (int i = 0; i < metrics->count; i++) {
        const char *dot = strrchr(metrics->items[i].name, '.');
        if (dot && !strcmp(dot, ".loss")) {
            sum += metrics->items[i].value;
            terms++;
        }
    }
    if (terms == 2)
        ls_metrics_add(metrics, "elbo", -sum, true);
}

static enum ls_status preset_custom(const struct ls_task_options *options,
                                    struct ls_layer_list *losses, struct ls_error *error) {
    (void)options;
    (void)losses;
    return ls_fail(error, LS_INVALID,
                   "task custom needs a section losses: what training makes small");
}

static const char *const one_phase[] = {""};
#define ONE_PHASE .phase_count = 1, .phases = one_phase

static const struct ls_task classification = {
    .name = "classification", .preset = preset_classification, ONE_PHASE};
static const struct ls_task regression = {
    .name = "regression", .preset = preset_regression, ONE_PHASE};
static const struct ls_task language_model = {
    .name = "language_model", .preset = preset_language_model, .watched = "loss", ONE_PHASE};
static const struct ls_task translation = {
    .name = "translation", .preset = preset_language_model, .watched = "loss", ONE_PHASE};
static const struct ls_task vae = {
    .name = "vae", .preset = preset_vae, .watched = "loss", .metrics = add_elbo, ONE_PHASE};
static const struct ls_task multi_label = {
    .name = "multi_label", .preset = preset_multi_label, .watched = "loss", ONE_PHASE};
static const struct ls_task custom = {.name = "custom", .preset = preset_custom, ONE_PHASE};

const struct ls_task *ls_task_of(int kind) {
    static const struct ls_task *const tasks[] = {[LS_TASK_CLASSIFICATION] = &classification,
                                                  [LS_TASK_REGRESSION] = &regression,
                                                  [LS_TASK_LANGUAGE_MODEL] = &language_model,
                                                  [LS_TASK_VAE] = &vae,
                                                  [LS_TASK_GAN] = &ls_task_gan,
                                                  [LS_TASK_CUSTOM] = &custom,
                                                  [LS_TASK_MULTI_LABEL] = &multi_label,
                                                  [LS_TASK_TRANSLATION] = &translation};
    return tasks[kind];
}

enum ls_status ls_task_losses(const struct ls_task_options *options, struct ls_layer_list *losses,
                              struct ls_error *error) {
    *losses = (struct ls_layer_list){0};
    const enum ls_status status = ls_task_of(options->kind)->preset(options, losses, error);
    if (status != LS_OK)
        ls_layer_list_clear(losses);
    return status;
}

bool ls_task_record(const struct ls_task *task, struct ls_builder *builder, int phase,
                    const struct ls_layer_list *losses, struct ls_terms *terms,
                    struct ls_value **output) {
    if (task->record)
        return task->record(builder, phase, losses, terms, output);
    const struct ls_network *entry = ls_networks_entry(builder->networks);
    *output = ls_network_record(builder, entry->name, NULL);
    return *output && (!terms || ls_terms_record(terms, builder, losses, *output));
}

void ls_task_groups(const struct ls_task *task, const struct ls_networks *networks,
                    int groups[LS_NETWORKS_MAX]) {
    for (int i = 0; i < networks->count; i++) {
        groups[i] = 0;
        for (int p = 0; p < task->phase_count; p++)
            if (!strcmp(task->phases[p], networks->items[i].name))
                groups[i] = p;
    }
}
