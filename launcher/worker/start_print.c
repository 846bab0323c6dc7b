/* What was taken from another run, and what was not: for the run's own record, and for people; and
 * texts of both runs joined. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/worker/start.h"

enum { SHOWN_MAX = 4 };

/* Names in the order of their bytes, as the digest has them. */
static json_t *print_names(const struct ls_parameter_set *set, const bool *listed) {
    json_t *names = json_array();
    for (int order = 0; order < set->count; order++)
        for (int i = 0; i < set->count; i++)
            if (set->items[i]->order == order && listed[i])
                json_array_append_new(names, json_string(set->items[i]->name));
    return names;
}

char *ls_start_print(const struct ls_start *start, const struct ls_parameter_set *parameters) {
    const struct ls_parameter_set *other = start->parameters;
    bool *taken = ls_calloc((size_t)parameters->count + 1, sizeof *taken);
    bool *own = ls_calloc((size_t)parameters->count + 1, sizeof *own);
    bool *unused = ls_calloc((size_t)other->count + 1, sizeof *unused);
    for (int k = 0; k < other->count; k++)
        unused[k] = other->items[k]->kind != LS_PARAMETER_CONSTANT;
    for (int i = 0; i < parameters->count; i++) {
        taken[i] = start->taken[i] != NULL;
        own[i] = !taken[i] && parameters->items[i]->kind != LS_PARAMETER_CONSTANT;
        for (int k = 0; k < other->count; k++)
            unused[k] = unused[k] && other->items[k] != start->taken[i];
    }
    json_t *object =
        json_pack("{s:s s:I s:o s:o s:o}", "from", start->run, "step",
                  (json_int_t)start->saved.state.step, "taken", print_names(parameters, taken),
                  "own", print_names(parameters, own), "unused", print_names(other, unused));
    char *text = object ? json_dumps(object, 0) : NULL;
    LS_ASSERT(text, "a start from %s that does not print", start->run);
    json_decref(object);
    free(taken);
    free(own);
    free(unused);
    return text;
}

char *ls_centres_merge(const char *own, const char *others, const char *const *feeds, int count) {
    json_t *all = own ? json_loads(own, 0, NULL) : json_object();
    json_t *theirs = others ? json_loads(others, 0, NULL) : NULL;
    for (int i = 0; i < count; i++) {
        json_object_del(all, feeds[i]);
        if (json_object_get(theirs, feeds[i]))
            json_object_set(all, feeds[i], json_object_get(theirs, feeds[i]));
    }
    char *merged = json_object_size(all) ? json_dumps(all, JSON_SORT_KEYS) : NULL;
    json_decref(theirs);
    json_decref(all);
    return merged;
}

char *ls_start_centres(const struct ls_start *start, const struct ls_data *data,
                       const struct ls_parameter_set *parameters, const char *own) {
    const char *feeds[LS_FEEDS_MAX];
    int count = 0;
    for (int f = 0; f < data->feed_count; f++) {
        const struct ls_feed_constants names = ls_feed_constants(data->feeds[f].name);
        for (int i = 0; i < parameters->count; i++)
            if (start->taken[i] && !strcmp(parameters->items[i]->name, names.mean))
                feeds[count++] = data->feeds[f].name;
    }
    return ls_centres_merge(own, start->saved.state.centres, feeds, count);
}

/* "; WHAT: NAME, NAME and 3 more" */
static void add_names(char *line, size_t size, const char *what, const json_t *names) {
    const size_t count = json_array_size(names);
    size_t used = strlen(line);
    for (size_t i = 0; i < count && i < SHOWN_MAX && used < size; i++)
        used += (size_t)snprintf(line + used, size - used, "%s%s%s", i ? ", " : "; ", i ? "" : what,
                                 json_string_value(json_array_get(names, i)));
    if (count > SHOWN_MAX && used < size)
        snprintf(line + used, size - used, " and %zu more", count - SHOWN_MAX);
}

void ls_start_describe(const char *text, char *line, size_t size) {
    json_t *object = json_loads(text, 0, NULL);
    const json_t *taken = json_object_get(object, "taken"), *own = json_object_get(object, "own");
    const size_t count = json_array_size(taken), all = count + json_array_size(own);
    snprintf(line, size, "%zu of %zu parameters are those of %s at step %lld", count, all,
             json_string_value(json_object_get(object, "from")),
             (long long)json_integer_value(json_object_get(object, "step")));
    add_names(line, size, "as without start: ", own);
    add_names(line, size, "not used of it: ", json_object_get(object, "unused"));
    json_decref(object);
}
