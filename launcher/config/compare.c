/* Whether a run may go on under a config: what differs must be free to change. */
#include <stdlib.h>
#include <string.h>

#include "launcher/config/reader.h"

enum { SHOWN_MAX = 4, SHOWN_BYTES = 120 };

struct differences {
    FILE *out; /* one line for each of the first four */
    int count;
};

static void add(struct differences *differences, const char *name, const char *before,
                const char *now) {
    if (differences->count++ < SHOWN_MAX)
        fprintf(differences->out, "\n  %s was %.*s, is %.*s", name, SHOWN_BYTES,
                before[0] ? before : "empty", SHOWN_BYTES, now[0] ? now : "empty");
}

/* The text without the folders of the files that it names. */
static void cut_folders(const char *text, char *cut) {
    char *word = cut;
    for (; *text; text++) {
        *cut++ = *text;
        if (*text == '/')
            cut = word;
        else if (strchr(" \t'\"=", *text))
            word = cut;
    }
    *cut = '\0';
}

/* Data may lie elsewhere than the last time: a checkpoint knows whether it is the same. The run
 * that this one began with is not read again. */
static bool has_moved(const char *name, const char *before, const char *now) {
    static const char *const keys[] = {"data.train", "data.validation", "data.test", "start.from"};
    char old[LS_FIELD_PRINT_MAX], new[LS_FIELD_PRINT_MAX];
    bool path = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        path = path || !strcmp(name, keys[i]);
    if (!path)
        return false;
    cut_folders(before, old);
    cut_folders(now, new);
    return !strcmp(old, new);
}

static void compare_fields(struct differences *differences, struct ls_fields fields,
                           const char *scope, const void *before, const void *now) {
    for (int i = 0; i < fields.count; i++) {
        const struct ls_field *field = &fields.items[i];
        char name[256], old[LS_FIELD_PRINT_MAX], new[LS_FIELD_PRINT_MAX];
        ls_config_field_print(field, before, old, sizeof old);
        ls_config_field_print(field, now, new, sizeof new);
        snprintf(name, sizeof name, "%s%s%s", scope, scope[0] ? "." : "", field->name);
        if (!field->resume_free && strcmp(old, new) && !has_moved(name, old, new))
            add(differences, name, old, new);
    }
}

static void join_references(const struct ls_layer_spec *spec, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < spec->reference_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s: %s", i ? ", " : "",
                                 spec->references[i].key, spec->references[i].name);
}

static void compare_references(struct differences *differences, const struct ls_layer_spec *before,
                               const struct ls_layer_spec *now, const char *name) {
    char old[LS_TEXT_MAX], new[LS_TEXT_MAX];
    join_references(before, old, sizeof old);
    join_references(now, new, sizeof new);
    if (strcmp(old, new) != 0)
        add(differences, name, old, new);
}

static void compare_layers(struct differences *differences, const struct ls_layer_list *before,
                           const struct ls_layer_list *now, const char *scope) {
    char name[256], old[96], new[96];
    for (int i = 0; i < before->count && i < now->count; i++) {
        const struct ls_layer_spec *a = &before->items[i], *b = &now->items[i];
        snprintf(name, sizeof name, "%s.%s", scope, a->name);
        if (a->layer != b->layer || strcmp(a->name, b->name)) {
            snprintf(old, sizeof old, "%s '%s'", a->layer->name, a->name);
            snprintf(new, sizeof new, "%s '%s'", b->layer->name, b->name);
            add(differences, name, old, new);
            return;
        }
        compare_references(differences, a, b, name);
        compare_fields(differences, a->layer->fields, name, a->options, b->options);
        for (int k = 0; a->layer->branches && a->layer->branches[k]; k++)
            compare_layers(differences, &a->branches[k], &b->branches[k], name);
    }
    if (before->count != now->count) {
        snprintf(old, sizeof old, "%d layers", before->count);
        snprintf(new, sizeof new, "%d", now->count);
        add(differences, scope, old, new);
    }
}

static void compare_networks(struct differences *differences, const struct ls_networks *before,
                             const struct ls_networks *now) {
    for (int i = 0; i < before->count && i < now->count; i++) {
        const struct ls_network *a = &before->items[i], *b = &now->items[i];
        char name[80];
        snprintf(name, sizeof name, "model%s%s", a->name[0] ? "." : "", a->name);
        if (strcmp(a->name, b->name) != 0)
            add(differences, name, a->name, b->name);
        else
            compare_layers(differences, &a->layers, &b->layers, name);
    }
    char old[32], new[32];
    snprintf(old, sizeof old, "%d networks", before->count);
    snprintf(new, sizeof new, "%d", now->count);
    if (before->count != now->count)
        add(differences, "model", old, new);
}

static void compare_phases(struct differences *differences, const struct ls_config *before,
                           const struct ls_config *now) {
    for (int p = 0; p < before->phase_count && p < now->phase_count && now->phase_count > 1; p++) {
        const struct ls_phase_options *a = &before->phases[p], *b = &now->phases[p];
        char name[80], inner[96];
        snprintf(name, sizeof name, "phases.%s", a->name);
        compare_fields(differences, ls_phase_fields, name, a, b);
        snprintf(inner, sizeof inner, "%s.optimizer", name);
        compare_fields(differences, ls_optimizer_fields, inner, &a->optimizer, &b->optimizer);
        snprintf(inner, sizeof inner, "%s.schedule", name);
        compare_fields(differences, ls_schedule_fields, inner, &a->schedule, &b->schedule);
    }
}

static void compare_feeds(struct differences *differences, const struct ls_feed_list *before,
                          const struct ls_feed_list *now) {
    char name[LS_FEED_NAME_MAX + 16], old[16], new[16];
    for (int i = 0; i < before->count && i < now->count; i++) {
        if (strcmp(before->items[i].name, now->items[i].name)) {
            add(differences, "data.feeds", before->items[i].name, now->items[i].name);
            return;
        }
        snprintf(name, sizeof name, "data.feeds.%s", now->items[i].name);
        compare_fields(differences, ls_feed_fields, name, &before->items[i], &now->items[i]);
    }
    if (before->count != now->count) {
        snprintf(old, sizeof old, "%d", before->count);
        snprintf(new, sizeof new, "%d", now->count);
        add(differences, "number of data.feeds", old, new);
    }
}

enum ls_status ls_config_resumable(const struct ls_config *before, const struct ls_config *now,
                                   struct ls_error *error) {
    char *text = NULL;
    size_t size = 0;
    struct differences differences = {.out = open_memstream(&text, &size)};
    LS_ASSERT(differences.out, "no memory to compare config %s", now->path);
    for (int s = 0; s < ls_config_section_count; s++) {
        const struct ls_config_section *section = &ls_config_sections[s];
        if (section->fields == &ls_loss_fields)
            continue; /* the losses say it in full */
        compare_fields(&differences, *section->fields, section->name,
                       (const char *)before + section->offset, (const char *)now + section->offset);
    }
    compare_feeds(&differences, &before->data.feeds, &now->data.feeds);
    compare_phases(&differences, before, now);
    compare_layers(&differences, &before->losses, &now->losses, "losses");
    compare_networks(&differences, &before->model, &now->model);
    if (differences.count > SHOWN_MAX)
        fprintf(differences.out, " (and %d more)", differences.count - SHOWN_MAX);
    LS_ASSERT(!fclose(differences.out), "no memory to compare config %s", now->path);
    const int count = differences.count;
    enum ls_status status = LS_OK;
    if (count)
        status = ls_fail(error, LS_INVALID,
                         "the config differs from the one this run began with:%s\n"
                         "change it back, or start again with --restart",
                         text);
    free(text);
    return status;
}
