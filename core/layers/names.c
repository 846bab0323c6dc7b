/* References: values of earlier layers, and weights, by their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/layers/network.h"

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
    named->weight = builder->weight;
    builder->weight = NULL; /* a list around this layer has none of its own */
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
static const struct ls_named *find_path(const struct ls_builder *builder, const char *path) {
    for (int i = builder->named_count - 1; i >= 0; i--)
        if (!strcmp(builder->named[i].path, path))
            return &builder->named[i];
    return NULL;
}

static const struct ls_named *find_named(const struct ls_builder *builder, const char *name) {
    char around[LS_NAME_MAX * 4], path[LS_NAME_MAX * 4 + LS_NAME_MAX];
    snprintf(around, sizeof around, "%s", ls_graph_scope(builder->graph));
    for (bool more = around[0] != '\0'; more;) {
        more = leave(around);
        snprintf(path, sizeof path, "%s%s%s", around, around[0] ? "." : "", name);
        const struct ls_named *named = find_path(builder, path);
        if (named)
            return named;
    }
    return NULL;
}

/* "; nearest is 'relu1'" or, where no name is like it, "; it has conv2d1, relu1, ...". */
static const char *hint_at(const struct ls_builder *builder, const char *path, char *text,
                           size_t size) {
    const int count = builder->named_count;
    const char **paths = ls_calloc((size_t)count + 1, sizeof *paths);
    for (int i = 0; i < count; i++)
        paths[i] = builder->named[i].path;
    const char *nearest = ls_nearest(path, paths, count);
    text[0] = '\0';
    if (nearest)
        snprintf(text, size, "; nearest is '%.200s'", nearest);
    char *end = text;
    for (int i = 0; i < count && !nearest; i++) {
        const size_t left = size - (size_t)(end - text);
        const bool room = strlen(paths[i]) + sizeof "; it has , ..." < left;
        end = stpcpy(stpcpy(end, i ? ", " : "; it has "), room ? paths[i] : "...");
        if (!room)
            break;
    }
    free(paths);
    return text;
}

struct ls_value *ls_builder_layer(struct ls_builder *builder, const char *path) {
    char hint[512];
    const struct ls_named *named = find_path(builder, path);
    if (named)
        return named->value;
    return ls_graph_fail(builder->graph, "the model has no layer '%.200s'%s", path,
                         hint_at(builder, path, hint, sizeof hint));
}

struct ls_value *ls_builder_find(const struct ls_builder *builder, const char *name) {
    const struct ls_named *named = find_named(builder, name);
    return named ? named->value : NULL;
}

static const char *last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The path to an earlier layer of that name that lies in a list inside, where the name alone does
 * not reach; NULL if there is none. */
static const char *path_inside(const struct ls_builder *builder, const char *name) {
    for (int i = builder->named_count - 1; i >= 0; i--)
        if (!strcmp(last_part(builder->named[i].path), name))
            return builder->named[i].path;
    return NULL;
}

/* The names of earlier layers, as paths if `name` is one; `weights`: of those whose weight others
 * may use. Returns how many. */
static int list_candidates(const struct ls_builder *builder, const char *name, bool weights,
                           const char *candidates[CANDIDATES_MAX]) {
    int count = 0;
    for (int i = builder->named_count - 1; i >= 0 && count < CANDIDATES_MAX; i--)
        if (builder->named[i].weight || !weights)
            candidates[count++] =
                strchr(name, '.') ? builder->named[i].path : last_part(builder->named[i].path);
    return count;
}

static struct ls_value *unknown(struct ls_builder *builder, const struct ls_reference *reference) {
    const char *candidates[CANDIDATES_MAX];
    int count = list_candidates(builder, reference->name, false, candidates);
    for (int i = 0; i < builder->feed_count && count < CANDIDATES_MAX; i++)
        candidates[count++] = builder->feeds[i].name;
    const char *inside = path_inside(builder, reference->name);
    const char *nearest = inside ? inside : ls_nearest(reference->name, candidates, count);
    return ls_graph_fail(builder->graph,
                         "%s: nothing before this layer is called '%s'%s%s%s (a name is that of an "
                         "earlier layer, a network or a feed)",
                         reference->key, reference->name, nearest ? "; nearest is '" : "",
                         nearest ? nearest : "", nearest ? "'" : "");
}

static bool is_feed(const struct ls_builder *builder, const char *name) {
    for (int i = 0; i < builder->feed_count; i++)
        if (!strcmp(builder->feeds[i].name, name))
            return true;
    return false;
}

/* A layer's value comes first, then a feed. */
static struct ls_value *find(struct ls_builder *builder, const struct ls_reference *reference,
                             enum ls_type type) {
    struct ls_value *value = ls_builder_find(builder, reference->name);
    if (!value && is_feed(builder, reference->name))
        return ls_builder_feed(builder, reference->name, type);
    return value ? value : unknown(builder, reference);
}

static int find_all(struct ls_builder *builder, const struct ls_layer_spec *spec, const char *key,
                    enum ls_type type, struct ls_value **values) {
    int count = 0;
    for (int i = 0; i < spec->reference_count; i++) {
        if (strcmp(spec->references[i].key, key) != 0)
            continue;
        LS_ASSERT(count < LS_REFERENCES_MAX, "%d values for '%s'", count + 1, key);
        if (!(values[count] = find(builder, &spec->references[i], type)))
            return 0;
        count++;
    }
    return count;
}

int ls_layer_inputs(struct ls_builder *builder, const struct ls_layer_spec *spec, const char *key,
                    struct ls_value **values) {
    const bool indices = spec->layer->takes_indices && !strcmp(key, "from");
    return find_all(builder, spec, key, indices ? LS_TYPE_INT32 : LS_TYPE_REAL, values);
}

struct ls_value *ls_layer_input(struct ls_builder *builder, const struct ls_layer_spec *spec,
                                const char *key) {
    struct ls_value *values[LS_REFERENCES_MAX];
    return ls_layer_inputs(builder, spec, key, values) ? values[0] : NULL;
}

struct ls_value *ls_layer_input_indices(struct ls_builder *builder,
                                        const struct ls_layer_spec *spec, const char *key) {
    struct ls_value *values[LS_REFERENCES_MAX];
    return find_all(builder, spec, key, LS_TYPE_INT32, values) ? values[0] : NULL;
}

struct ls_value *ls_layer_lengths(struct ls_builder *builder, const struct ls_layer_spec *spec,
                                  int64_t positions) {
    const char *name = ls_layer_spec_reference(spec, "lengths");
    const struct ls_feed *offer = name ? ls_builder_offer(builder, name) : NULL;
    /* A feed whose shape nobody knows, since only losses take it: it has one number for a sample.
     */
    const bool open = offer && offer->shape.rank == LS_FEED_OPEN && !offer->missing &&
                      !ls_builder_find(builder, name);
    struct ls_value *lengths = open ? ls_builder_feed_as(builder, name, LS_TYPE_INT32, LS_SHAPE(1))
                                    : ls_layer_input_indices(builder, spec, "lengths");
    if (lengths)
        ls_builder_limit(builder, lengths, positions + 1);
    return lengths;
}

struct ls_value *ls_layer_shared_weight(const struct ls_builder *builder,
                                        const struct ls_layer_spec *spec) {
    const char *name = ls_layer_spec_reference(spec, "weight_of"), *candidates[CANDIDATES_MAX];
    if (!name)
        return NULL;
    const struct ls_named *named = find_named(builder, name);
    if (named && named->weight)
        return named->weight;
    const int count = list_candidates(builder, name, true, candidates);
    const char *nearest = ls_nearest(name, candidates, count);
    return ls_graph_fail(
        builder->graph,
        "weight_of: %s '%s'%s%s%s (expected the name of an earlier linear or "
        "embedding)",
        named ? "there is no weight to share in" : "nothing before this layer is called", name,
        nearest ? "; nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
}

/* Whether the path is the name, or ends in it: only then can a layer find it by that name. */
static bool ends_in(const char *path, const char *name) {
    const size_t length = strlen(path), end = strlen(name);
    return length >= end && !strcmp(path + length - end, name) &&
           (length == end || path[length - end - 1] == '.');
}

static bool list_shares(const struct ls_layer_list *list, const char *path) {
    for (int i = 0; i < list->count; i++) {
        const char *name = ls_layer_spec_reference(&list->items[i], "weight_of");
        if (name && ends_in(path, name))
            return true;
        for (int b = 0; b < LS_BRANCHES_MAX; b++)
            if (list_shares(&list->items[i].branches[b], path))
                return true;
    }
    return false;
}

bool ls_builder_shares_weight(const struct ls_builder *builder) {
    const char *path = ls_graph_scope(builder->graph);
    for (int i = 0; builder->networks && i < builder->networks->count; i++)
        if (list_shares(&builder->networks->items[i].layers, path))
            return true;
    return false;
}
