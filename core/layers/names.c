/* References: values of earlier layers by their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/layers/layer.h"

enum { CANDIDATES_MAX = 128 };

void ls_builder_name(struct ls_builder *builder, struct ls_value *value) {
    if (builder->named_count == builder->named_room) {
        builder->named_room = builder->named_room ? 2 * builder->named_room : 64;
        builder->named =
            ls_realloc(builder->named, (size_t)builder->named_room, sizeof *builder->named);
    }
    struct ls_named *named = &builder->named[builder->named_count];
    const char *path = ls_graph_scope(builder->graph);
    if (strlen(path) >= sizeof named->path) {
        ls_graph_fail(builder->graph, "the layer's path is longer than %d characters",
                      LS_NAME_MAX - 1);
        return;
    }
    strcpy(named->path, path);
    named->value = value;
    builder->named_count++;
}

void ls_builder_clear(struct ls_builder *builder) {
    free(builder->named);
    builder->named = NULL;
    builder->named_count = builder->named_room = 0;
}

/* The path without its last part; false if there is none left. */
static bool leave(char *path) {
    char *dot = strrchr(path, '.');
    if (dot)
        *dot = '\0';
    else
        path[0] = '\0';
    return dot != NULL;
}

/* The latest of that path: a network that is recorded again gives its new values. */
static struct ls_value *find_path(const struct ls_builder *builder, const char *path) {
    for (int i = builder->named_count - 1; i >= 0; i--)
        if (!strcmp(builder->named[i].path, path))
            return builder->named[i].value;
    return NULL;
}

/* From the list around the open layer outward. */
static struct ls_value *find_name(const struct ls_builder *builder, const char *name) {
    char around[LS_NAME_MAX * 4], path[LS_NAME_MAX * 4 + LS_NAME_MAX];
    snprintf(around, sizeof around, "%s", ls_graph_scope(builder->graph));
    for (bool more = around[0] != '\0'; more;) {
        more = leave(around);
        snprintf(path, sizeof path, "%s%s%s", around, around[0] ? "." : "", name);
        struct ls_value *value = find_path(builder, path);
        if (value)
            return value;
    }
    return NULL;
}

static const char *last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static struct ls_value *unknown(struct ls_builder *builder, const struct ls_reference *reference) {
    const char *candidates[CANDIDATES_MAX];
    int count = 0;
    for (int i = builder->named_count - 1; i >= 0 && count < CANDIDATES_MAX; i--)
        candidates[count++] = strchr(reference->name, '.') ? builder->named[i].path
                                                           : last_part(builder->named[i].path);
    const char *nearest = ls_nearest(reference->name, candidates, count);
    return ls_graph_fail(builder->graph,
                         "%s: nothing before this layer is called '%s'%s%s%s (a name is that of an "
                         "earlier layer, a network or a feed)",
                         reference->key, reference->name, nearest ? "; nearest is '" : "",
                         nearest ? nearest : "", nearest ? "'" : "");
}

int ls_layer_inputs(struct ls_builder *builder, const struct ls_layer_spec *spec, const char *key,
                    struct ls_value **values) {
    int count = 0;
    for (int i = 0; i < spec->reference_count; i++) {
        if (strcmp(spec->references[i].key, key) != 0)
            continue;
        LS_ASSERT(count < LS_REFERENCES_MAX, "%d values for '%s'", count + 1, key);
        values[count] = find_name(builder, spec->references[i].name);
        if (!values[count] && !unknown(builder, &spec->references[i]))
            return 0;
        count++;
    }
    return count;
}

struct ls_value *ls_layer_input(struct ls_builder *builder, const struct ls_layer_spec *spec,
                                const char *key) {
    struct ls_value *values[LS_REFERENCES_MAX];
    return ls_layer_inputs(builder, spec, key, values) ? values[0] : NULL;
}
