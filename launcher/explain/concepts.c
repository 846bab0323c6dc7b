/* The concepts of a run's model: the layer where they are, their names, what --set makes of them,
 * and their truth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/command/answers.h"
#include "launcher/command/options.h"
#include "launcher/explain/explain.h"
#include "launcher/worker/class_names.h"

enum { LIST_MAX = 320 };

/* What a layer made: of that path, or of that name in whatever list. */
static const struct ls_node *find_node(const struct ls_graph *graph, const char *name) {
    const struct ls_node *found = NULL;
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        const size_t length = strlen(node->name), end = strlen(name);
        if (length >= end && !strcmp(node->name + length - end, name) &&
            (length == end || node->name[length - end - 1] == '.'))
            found = node;
    }
    return found;
}

/* The sigmoid, or softmax, of a value; NULL: there is none. */
static const struct ls_node *find_activation(const struct ls_graph *graph,
                                             const struct ls_value *value) {
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        if ((!strcmp(node->op->name, "sigmoid") || !strcmp(node->op->name, "softmax")) &&
            node->inputs[0] == value)
            return node;
    }
    return NULL;
}

/* What a loss judges on the way to the answer: concepts, where the model goes on from them. */
struct judged {
    const struct ls_node *node;   /* NULL: nothing of that kind */
    const struct ls_node *logits; /* what the loss takes as logits; may be the same; or NULL */
    int feed;                     /* their truth, in the data's feeds */
};

static struct judged judge(const struct ls_subject *subject, const struct ls_layer_spec *loss) {
    const struct ls_model *scout = ls_subject_scout(subject);
    const char *from = ls_layer_spec_reference(loss, "from"), *target = ls_loss_target_name(loss);
    const struct ls_feed *feed = target ? ls_data_feed(&subject->trained.data, target) : NULL;
    const struct ls_node *node = from && feed ? find_node(scout->graph, from) : NULL;
    if (!node || node->output == scout->output)
        return (struct judged){.feed = -1};
    const bool logits = strstr(loss->layer->name, "cross_entropy") != NULL;
    const struct ls_node *activation = logits ? find_activation(scout->graph, node->output) : NULL;
    return (struct judged){.node = activation ? activation : node,
                           .logits = logits ? node : NULL,
                           .feed = (int)(feed - subject->trained.data.feeds)};
}

enum ls_status ls_subject_find_concepts(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_layer_list *losses = &subject->trained.run.config.losses;
    const char *wanted = subject->wanted->layer;
    struct judged found = {.feed = -1};
    for (int i = 0; i < losses->count && !found.node; i++) {
        const struct judged judged = judge(subject, &losses->items[i]);
        if (judged.node && (!wanted[0] || !strcmp(wanted, judged.node->name) ||
                            (judged.logits && !strcmp(wanted, judged.logits->name))))
            found = judged;
    }
    if (!found.node && !wanted[0])
        return ls_fail(error, LS_INVALID,
                       "%s: no loss of this run judges concepts, a layer before the answer (`from` "
                       "of a loss names it); name one with --layer",
                       subject->method->name);
    snprintf(subject->layer, sizeof subject->layer, "%.*s", LS_NAME_MAX - 1,
             wanted[0] ? wanted : found.node->name);
    subject->concept_feed = found.feed;
    subject->concept_logits = found.logits && !strcmp(subject->layer, found.logits->name);
    return LS_OK;
}

static bool is_there(const struct ls_feed *feed) {
    return feed && !feed->missing && feed->shape.rank != LS_FEED_OPEN;
}

void ls_subject_know_targets(struct ls_subject *subject) {
    const struct ls_data *data = &subject->trained.data;
    struct ls_concepts *concepts = &subject->concepts;
    concepts->answers =
        ls_answer_of(&subject->trained.run.config, ls_shape_last(subject->model.output->shape));
    const struct ls_feed *targets = ls_data_feed(data, "targets");
    concepts->judged =
        is_there(targets) &&
        (subject->method->concepts ? subject->target.classifies
                                   : targets->integer && ls_shape_count(targets->shape) == 1);
    subject->explainer.concepts = concepts;
}

/* As the data says, else their numbers. */
static void name_concepts(struct ls_subject *subject) {
    const struct ls_data *data = &subject->trained.data;
    const char *feed = subject->concept_feed >= 0 ? data->feeds[subject->concept_feed].name : NULL;
    subject->concept_names =
        ls_class_names(data, feed, (int)subject->concepts.count, &subject->concepts_named);
}

/* "thumb, index, ..." as far as there is room. */
static const char *list_names(const struct ls_subject *subject, char text[LIST_MAX]) {
    size_t used = 0;
    if (!subject->concepts_named) {
        snprintf(text, LIST_MAX, "0 to %lld", (long long)subject->concepts.count - 1);
        return text;
    }
    for (int i = 0; i < subject->concepts.count && used < LIST_MAX - 80; i++)
        used += (size_t)snprintf(text + used, LIST_MAX - used, "%s%.60s", i ? ", " : "",
                                 subject->concept_names[i]);
    if (used >= LIST_MAX - 80)
        snprintf(text + used, LIST_MAX - used, ", ...");
    return text;
}

static enum ls_status check_value(const struct ls_subject *subject, const char *word,
                                  struct ls_concept_setting setting, struct ls_error *error) {
    const bool share = subject->concept_share;
    if (setting.kind == LS_CONCEPT_TRUTH && subject->concept_logits)
        return ls_fail(error, LS_INVALID,
                       "--set %.60s: the layer '%s' has logits, and the truth has none; put a "
                       "sigmoid behind it in the model, or set numbers",
                       word, subject->layer);
    if (setting.kind == LS_CONCEPT_TRUTH && !subject->concepts.true_ones)
        return ls_fail(error, LS_INVALID,
                       "--set %.60s: the data does not hold what is true of these concepts", word);
    if (setting.kind == LS_CONCEPT_VALUE &&
        (!isfinite(setting.value) || (share && (setting.value < 0 || setting.value > 1))))
        return ls_fail(error, LS_INVALID, "--set %.60s: expected %s, or label for the truth", word,
                       share ? "a number from 0 to 1" : "a number");
    return LS_OK;
}

/* NAME=VALUE of one concept, or of `all`; the bare word truth is all=label. */
static enum ls_status set_concept(struct ls_subject *subject, struct ls_concept_setting *settings,
                                  const char *word, struct ls_error *error) {
    const char *given = strcmp(word, "truth") != 0 ? word : "all=label";
    const char *equals = strchr(given, '=');
    const int count = (int)subject->concepts.count;
    char name[LS_TEXT_MAX], hint[160], list[LIST_MAX];
    snprintf(name, sizeof name, "%.*s", (int)(equals ? equals - given : (long)strlen(given)),
             given);
    int at = -1, used = 0;
    for (int i = 0; i < count && at < 0; i++)
        at = strcmp(subject->concept_names[i], name) ? -1 : i;
    if (at < 0 && strcmp(name, "all") != 0)
        return ls_fail(error, LS_INVALID,
                       "--set %.60s: there is no concept '%.60s'%s\nthey are %s%s", word, name,
                       ls_did_you_mean(name, (const char *const *)subject->concept_names, count, "",
                                       hint, sizeof hint),
                       list_names(subject, list),
                       subject->concepts_named
                           ? ""
                           : "; names are what the attribute `columns` of their dataset says");
    struct ls_concept_setting setting = {.kind = LS_CONCEPT_VALUE};
    if (equals && (!strcmp(equals + 1, "label") || !strcmp(equals + 1, "truth")))
        setting.kind = LS_CONCEPT_TRUTH;
    else if (!equals || sscanf(equals + 1, "%f%n", &setting.value, &used) != 1 || equals[1 + used])
        setting.value = NAN;
    const enum ls_status status = check_value(subject, word, setting, error);
    for (int i = 0; i < count && status == LS_OK; i++)
        if (at < 0 || i == at)
            settings[i] = setting;
    return status;
}

static enum ls_status read_settings(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_texts *set = &subject->wanted->set;
    struct ls_concept_setting *settings =
        ls_calloc((size_t)subject->concepts.count, sizeof *settings);
    char list[LIST_MAX];
    enum ls_status status = LS_OK;
    subject->concepts.settings = subject->concept_settings = settings;
    if (!set->count && (!subject->concepts.true_ones || subject->concept_logits))
        return ls_fail(error, LS_INVALID,
                       "%s: say what concepts are set to: --set NAME=VALUE,...; they are %s",
                       subject->method->name, list_names(subject, list));
    if (!set->count)
        status = set_concept(subject, settings, "truth", error);
    for (int i = 0; i < set->count && status == LS_OK; i++) {
        char *words = ls_strdup(set->items[i]), *rest = NULL;
        for (char *word = strtok_r(words, ",", &rest); word && status == LS_OK;
             word = strtok_r(NULL, ",", &rest))
            status = set_concept(subject, settings, word, error);
        free(words);
    }
    return status;
}

enum ls_status ls_subject_open_concepts(struct ls_subject *subject, struct ls_error *error) {
    const struct ls_value *cut = subject->model.explained;
    const struct ls_data *data = &subject->trained.data;
    const int feed = subject->concept_feed;
    struct ls_concepts *concepts = &subject->concepts;
    if (!ls_explainer_goes_on(&subject->explainer))
        return ls_fail(error, LS_INVALID,
                       "%s: the model's answer does not depend on what lies behind the layer '%s'; "
                       "name another one with --layer",
                       subject->method->name, subject->layer);
    concepts->count = ls_shape_row_count(cut->shape);
    concepts->true_ones = feed >= 0 && !subject->concept_logits && is_there(&data->feeds[feed]) &&
                          ls_shape_count(data->feeds[feed].shape) == concepts->count;
    const struct ls_node *made = subject->model.replaced->producer;
    subject->concept_share =
        made && (!strcmp(made->op->name, "sigmoid") || !strcmp(made->op->name, "softmax"));
    name_concepts(subject);
    return read_settings(subject, error);
}

void ls_subject_close_concepts(struct ls_subject *subject) {
    if (subject->concept_names)
        ls_schema_free_names(subject->concept_names, (int)subject->concepts.count);
    free(subject->concept_settings);
}

enum ls_status ls_subject_read_truths(struct ls_subject *subject, const uint64_t *ids, int64_t rows,
                                      float *to, struct ls_error *error) {
    struct ls_data *data = &subject->trained.data;
    const struct ls_feed_use use = {.feed = &data->options[subject->role][subject->concept_feed],
                                    .type = LS_TYPE_REAL};
    return ls_dataset_read(data->parts[subject->role].dataset, &use, ids, rows, to, error);
}

const char *ls_concepts_print(const struct ls_subject *subject, bool settings, char *text,
                              size_t size) {
    size_t used = 0;
    bool all = settings;
    text[0] = '\0';
    for (int i = 0; i < subject->concepts.count; i++)
        all = all && subject->concept_settings[i].kind == LS_CONCEPT_TRUTH;
    if (all)
        used = (size_t)snprintf(text, size, "all=label");
    for (int i = 0; i < subject->concepts.count && !all && used + 100 < size; i++) {
        const struct ls_concept_setting *setting = &subject->concept_settings[i];
        if (settings && setting->kind == LS_CONCEPT_PREDICTED)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s%.60s", used ? ", " : "",
                                 subject->concept_names[i]);
        if (settings && setting->kind == LS_CONCEPT_TRUTH)
            used += (size_t)snprintf(text + used, size - used, "=label");
        else if (settings)
            used += (size_t)snprintf(text + used, size - used, "=%g", (double)setting->value);
    }
    return text;
}
