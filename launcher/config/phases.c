/* What the task has: its losses, and the phases with their optimisers. */
#include <string.h>

#include "io/vocabulary.h"
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

static const char *const phase_sections[] = {"optimizer", "schedule", NULL};

static enum ls_status read_phase_section(const struct ls_config_reader *reader,
                                         const struct ls_mapping *phase, const char *key,
                                         const yaml_node_t *value) {
    struct ls_phase_options *options = phase->target;
    const bool optimizer = !strcmp(key, phase_sections[0]);
    char scope[80];
    snprintf(scope, sizeof scope, "%.60s.%s", phase->scope, key);
    const struct ls_mapping mapping = {
        .scope = scope,
        .fields = optimizer ? ls_optimizer_fields : ls_schedule_fields,
        .target = optimizer ? (void *)&options->optimizer : &options->schedule,
        .help = key};
    return ls_reader_mapping(reader, &mapping, value);
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
        const struct ls_mapping mapping = {.scope = scope,
                                           .fields = ls_phase_fields,
                                           .target = phase,
                                           .help = "phases",
                                           .further = phase_sections,
                                           .read = read_phase_section};
        enum ls_status status = ls_reader_check_once(reader, "phases", node, pair);
        if (status == LS_OK)
            status = ls_reader_mapping(reader, &mapping,
                                       yaml_document_get_node(reader->document, pair->value));
        if (status != LS_OK)
            return status;
    }
    return LS_OK;
}

/* The value of a key, NULL if the mapping has none or is none. */
static const yaml_node_t *value_at(const struct ls_config_reader *reader, const yaml_node_t *node,
                                   const char *key) {
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = ls_yaml_text(yaml_document_get_node(reader->document, pair->key));
        if (name && !strcmp(name, key))
            return yaml_document_get_node(reader->document, pair->value);
    }
    return NULL;
}

struct ls_origin ls_reader_schedule_origin(const struct ls_config_reader *reader,
                                           const struct ls_phase_options *phase, const char *key) {
    const yaml_node_t *node = value_at(reader, reader->phase_nodes, phase->name);
    node = value_at(reader, value_at(reader, node, "schedule"), key);
    char name[80];
    snprintf(name, sizeof name, "schedule.%s", key);
    return node ? ls_origin_of(node) : *ls_reader_origin(reader, name);
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

/* Rows that are padded to a length have labels of 0 that mean nothing: unless told, language models
 * and translations leave them out. */
static void ignore_padding(const struct ls_config_reader *reader) {
    struct ls_config *config = reader->config;
    const struct ls_origin *given = ls_reader_origin(reader, "loss.ignored_label");
    const bool padded = config->task.kind == LS_TASK_TRANSLATION ||
                        (config->task.kind == LS_TASK_LANGUAGE_MODEL && config->data.length);
    if (padded && !(config->augment.mask > 0) && !given->line && !given->assignment)
        config->task.ignored_label = LS_TOKEN_PADDING;
}

static enum ls_status resolve_losses(struct ls_config_reader *reader) {
    struct ls_config *config = reader->config;
    const struct ls_origin *loss = given_loss(reader),
                           *kind = ls_reader_origin(reader, "task.kind");
    const bool task_given = kind->line || kind->assignment;
    struct ls_error problem;
    if (!config->losses.count) {
        ignore_padding(reader);
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
    ls_reader_note_places(reader);
    return read_phases(reader);
}
