/* What the task has: its losses, and the phases with their optimisers. */
#include <string.h>

#include "launcher/config/reader.h"

static const struct ls_field phase_items[] = {
    {.name = "every",
     .kind = LS_FIELD_INTEGER,
     .offset = offsetof(struct ls_phase_options, every),
     .initial = "1",
     .min = 1,
     .max = 1e9,
     .unit = "steps",
     .help = "the phase runs in every so many steps; one phase of a task runs in each"},
};
const struct ls_fields ls_phase_fields = {phase_items, sizeof phase_items / sizeof *phase_items};

/* One mapping of a phase: {every: 2}, {learning_rate: 0.001}. */
static enum ls_status read_fields(const struct ls_config_reader *reader, struct ls_fields fields,
                                  const char *scope, const yaml_node_t *key_node,
                                  const yaml_node_t *value, void *target) {
    const char *key = ls_yaml_text(key_node);
    const struct ls_field *field = key ? ls_fields_find(fields, key) : NULL;
    char name[160];
    if (field) {
        snprintf(name, sizeof name, "%s.%s", scope, field->name);
        return ls_reader_set(reader, field, name, value, target);
    }
    struct ls_names names = {0};
    for (int i = 0; i < fields.count; i++)
        ls_names_add(&names, fields.items[i].name);
    if (fields.items == phase_items) {
        ls_names_add(&names, "optimizer");
        ls_names_add(&names, "schedule");
    }
    const char *nearest = key ? ls_nearest(key, names.items, names.count) : NULL;
    return ls_reader_fail(reader, ls_origin_of(key_node), "unknown key '%.60s' in %s%s%s%s",
                          key ? key : "", scope, nearest ? "; nearest is '" : "",
                          nearest ? nearest : "", nearest ? "'" : "");
}

static enum ls_status read_mapping(const struct ls_config_reader *reader, struct ls_fields fields,
                                   const char *scope, const yaml_node_t *node, void *target) {
    char found[80];
    if (node->type != YAML_MAPPING_NODE)
        return ls_reader_fail(reader, ls_origin_of(node), "%s: expected keys with values, found %s",
                              scope, ls_yaml_describe(node, found, sizeof found));
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        const char *key = ls_yaml_text(key_node);
        struct ls_phase_options *phase = target;
        char inner[160];
        snprintf(inner, sizeof inner, "%s.%.40s", scope, key ? key : "");
        enum ls_status status;
        if (fields.items == phase_items && key && !strcmp(key, "optimizer"))
            status = read_mapping(reader, ls_optimizer_fields, inner, value, &phase->optimizer);
        else if (fields.items == phase_items && key && !strcmp(key, "schedule"))
            status = read_mapping(reader, ls_schedule_fields, inner, value, &phase->schedule);
        else
            status = read_fields(reader, fields, scope, key_node, value, target);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

static struct ls_phase_options *find_phase(struct ls_config *config, const char *name) {
    for (int p = 0; p < config->phase_count; p++)
        if (!strcmp(config->phases[p].name, name))
            return &config->phases[p];
    return NULL;
}

static enum ls_status unknown_phase(const struct ls_config_reader *reader,
                                    const yaml_node_t *node) {
    const struct ls_config *config = reader->config;
    const char *task = ls_task_of(config->task.kind)->name, *found = ls_yaml_text(node);
    struct ls_names names = {0};
    for (int p = 0; p < config->phase_count; p++)
        ls_names_add(&names, config->phases[p].name);
    const char *nearest = found ? ls_nearest(found, names.items, names.count) : NULL;
    if (config->phase_count == 1)
        return ls_reader_fail(reader, ls_origin_of(node),
                              "a %s has one phase: the sections optimizer and schedule are its",
                              task);
    return ls_reader_fail(reader, ls_origin_of(node), "a %s has no phase '%.60s'; nearest is '%s'",
                          task, found ? found : "", nearest ? nearest : config->phases[0].name);
}

static enum ls_status read_phases(const struct ls_config_reader *reader) {
    const yaml_node_t *node = reader->phase_nodes;
    char found[80], scope[80];
    if (!node || ls_yaml_empty(node))
        return LS_OK;
    if (node->type != YAML_MAPPING_NODE)
        return ls_reader_fail(reader, ls_origin_of(node),
                              "phases: expected names of phases with keys, found %s",
                              ls_yaml_describe(node, found, sizeof found));
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
        const char *name = ls_yaml_text(key_node);
        struct ls_phase_options *phase = name ? find_phase(reader->config, name) : NULL;
        if (!phase)
            return unknown_phase(reader, key_node);
        snprintf(scope, sizeof scope, "phases.%s", phase->name);
        const enum ls_status status =
            read_mapping(reader, ls_phase_fields, scope,
                         yaml_document_get_node(reader->document, pair->value), phase);
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

/* The first key of the section loss that somebody gave; NULL: none. */
static const struct ls_origin *given_loss(const struct ls_config_reader *reader) {
    for (int i = 0; i < ls_loss_fields.count; i++) {
        char key[80];
        snprintf(key, sizeof key, "loss.%s", ls_loss_fields.items[i].name);
        const struct ls_origin *origin = ls_reader_origin(reader, key);
        if (origin->line || origin->assignment)
            return origin;
    }
    return NULL;
}

static enum ls_status resolve_losses(struct ls_config_reader *reader) {
    struct ls_config *config = reader->config;
    const struct ls_origin *loss = given_loss(reader),
                           *kind = ls_reader_origin(reader, "task.kind");
    const bool task_given = kind->line || kind->assignment;
    struct ls_error problem;
    if (!config->losses.count) {
        if (ls_task_losses(&config->task, &config->losses, &problem) == LS_OK)
            return LS_OK;
        const bool by_loss =
            loss && (loss->assignment || (!kind->assignment && loss->line >= kind->line));
        return ls_reader_fail(reader, by_loss ? *loss : *kind, "%s", problem.text);
    }
    if (loss)
        return ls_reader_fail(reader, *loss,
                              "loss says how the task's own loss is, but the section losses is "
                              "given: say it there");
    if (!task_given)
        config->task.kind = LS_TASK_CUSTOM;
    const struct ls_task *task = ls_task_of(config->task.kind);
    if (task->check && task->check(&config->losses, &problem) != LS_OK)
        return ls_reader_fail(reader, reader->losses, "%s", problem.text);
    return LS_OK;
}

enum ls_status ls_reader_resolve(struct ls_config_reader *reader) {
    struct ls_config *config = reader->config;
    const enum ls_status status = resolve_losses(reader);
    if (status != LS_OK)
        return status;
    const struct ls_task *task = ls_task_of(config->task.kind);
    config->phase_count = task->phase_count;
    for (int p = 0; p < task->phase_count; p++) {
        config->phases[p] = (struct ls_phase_options){
            .every = 1, .optimizer = config->optimizer, .schedule = config->schedule};
        snprintf(config->phases[p].name, sizeof config->phases[p].name, "%s", task->phases[p]);
    }
    const struct ls_origin watch = *ls_reader_origin(reader, "train.watch");
    if (watch.assignment)
        snprintf(config->watch_place, sizeof config->watch_place, "--set %.200s", watch.assignment);
    else
        snprintf(config->watch_place, sizeof config->watch_place, "%.900s:%zu:%zu", config->path,
                 watch.line ? watch.line : 1, watch.line ? watch.column : 1);
    return read_phases(reader);
}
