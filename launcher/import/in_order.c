/* Layers of a file to layers of a model by their shapes alone (--in-order): each layer of the
 * model, in the order in which it computes, takes the first one that fits and is left, in the order
 * of their names, numbers by value. What comes of it is a map, and shown: two layers of one shape
 * may be the other way round. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/import/transfer.h"

struct scopes {
    char **items; /* [count] owned */
    bool *taken;  /* [count] owned */
    int count;
};

static void add_scope(struct scopes *scopes, const char *name) {
    const char *dot = strrchr(name, '.');
    const size_t length = dot ? (size_t)(dot - name) : 0;
    for (int i = 0; i < scopes->count; i++)
        if (strlen(scopes->items[i]) == length && !strncmp(scopes->items[i], name, length))
            return;
    scopes->items = ls_realloc(scopes->items, (size_t)scopes->count + 1, sizeof *scopes->items);
    char *scope = scopes->items[scopes->count++] = ls_calloc(length + 1, 1);
    memcpy(scope, name, length);
}

static void clear_scopes(struct scopes *scopes) {
    for (int i = 0; i < scopes->count; i++)
        free(scopes->items[i]);
    free(scopes->items);
    free(scopes->taken);
}

/* Whether a name is SCOPE.leaf. */
static bool is_in(const char *name, const char *scope) {
    const size_t length = strlen(scope);
    const char *leaf = length && !strncmp(name, scope, length) && name[length] == '.'
                           ? name + length + 1
                       : length ? NULL
                                : name;
    return leaf && !strchr(leaf, '.');
}

/* Parameters that the map gives. */
static void mark_mapped(struct ls_transfer *transfer, bool *mapped) {
    char renamed[LS_NAME_MAX];
    struct ls_transfer_piece pieces[LS_TRANSFER_PIECES_MAX];
    for (int t = 0; t < transfer->file.count; t++) {
        const char *name = transfer->file.items[t].name;
        const struct ls_map_rule *rule = ls_map_find(&transfer->map, name);
        for (int k = 0; rule && k < rule->our_count; k++) {
            const int count = ls_map_rename(rule, k, name, renamed)
                                  ? ls_transfer_resolve(transfer->parameters, renamed, pieces)
                                  : 0;
            for (int i = 0; i < count; i++)
                mapped[pieces[i].parameter] = true;
        }
    }
}

/* Layers that want something, in the order in which graphs use them. */
static struct scopes list_ours(const struct ls_transfer *transfer, const struct ls_data *data,
                               const struct ls_worker *worker, const bool *mapped) {
    struct scopes scopes = {0};
    for (int m = 0; m < worker->phase_count; m++)
        for (int n = 0; n < ls_graph_node_count(worker->models[m].graph); n++) {
            const struct ls_node *node = ls_graph_node_at(worker->models[m].graph, n);
            for (int i = 0; i < node->input_count; i++) {
                const struct ls_parameter *own =
                    node->inputs[i] ? node->inputs[i]->parameter : NULL;
                if (own && own->kind != LS_PARAMETER_CONSTANT &&
                    !mapped[ls_weight_index(transfer->parameters, own)] &&
                    ls_transfer_wants(transfer, data, own))
                    add_scope(&scopes, own->name);
            }
        }
    scopes.taken = ls_calloc((size_t)scopes.count + 1, sizeof *scopes.taken);
    return scopes;
}

static int compare_names(const void *a, const void *b) {
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static struct scopes list_theirs(struct ls_transfer *transfer) {
    struct scopes scopes = {0};
    for (int t = 0; t < transfer->file.count; t++)
        if (!ls_map_find(&transfer->map, transfer->file.items[t].name))
            add_scope(&scopes, transfer->file.items[t].name);
    if (scopes.count)
        qsort(scopes.items, (size_t)scopes.count, sizeof *scopes.items, compare_names);
    scopes.taken = ls_calloc((size_t)scopes.count + 1, sizeof *scopes.taken);
    return scopes;
}

/* Whether all that the file has in a scope is, and is all of, what the model has in one. */
static bool fits(const struct ls_transfer *transfer, const char *theirs, const char *ours) {
    const struct ls_parameter_set *set = transfer->parameters;
    int wanted = 0, given = 0;
    for (int p = 0; p < set->count; p++)
        wanted += is_in(set->items[p]->name, ours);
    for (int t = 0; t < transfer->file.count; t++) {
        const struct ls_safetensor *tensor = &transfer->file.items[t];
        struct ls_transfer_piece pieces[LS_TRANSFER_PIECES_MAX] = {{0}};
        char name[2 * LS_NAME_MAX];
        const char *leaf = strrchr(tensor->name, '.');
        leaf = leaf ? leaf + 1 : tensor->name;
        if (!is_in(tensor->name, theirs) || ls_transfer_is_needless(transfer, tensor->name))
            continue;
        if (snprintf(name, LS_NAME_MAX, "%s%s%s", ours, *ours ? "." : "", leaf) >= LS_NAME_MAX ||
            ls_transfer_resolve(set, name, pieces) != 1 ||
            !is_in(set->items[pieces[0].parameter]->name, ours) ||
            !ls_transfer_fits(transfer, &pieces[0], tensor))
            return false;
        given++;
    }
    return given == wanted;
}

/* In front of what the user's map says, which so counts. */
static void add_rule(struct ls_map *map, const char *theirs, const char *ours) {
    map->rules = ls_realloc(map->rules, (size_t)map->count + 1, sizeof *map->rules);
    memmove(map->rules + 1, map->rules, (size_t)map->count++ * sizeof *map->rules);
    map->rules[0] = (struct ls_map_rule){.theirs = ls_strdup(theirs), .our_count = 1};
    map->rules[0].ours = ls_calloc(1, sizeof *map->rules[0].ours);
    map->rules[0].ours[0] = ls_strdup(ours);
}

enum ls_status ls_transfer_match_in_order(struct ls_transfer *transfer, const struct ls_data *data,
                                          const struct ls_worker *worker, struct ls_error *error) {
    bool *mapped = ls_calloc((size_t)transfer->parameters->count + 1, sizeof *mapped);
    enum ls_status status = LS_OK;
    mark_mapped(transfer, mapped);
    struct scopes ours = list_ours(transfer, data, worker, mapped), theirs = list_theirs(transfer);
    for (int i = 0; i < ours.count && status == LS_OK; i++) {
        int k = 0;
        while (k < theirs.count &&
               (theirs.taken[k] || !fits(transfer, theirs.items[k], ours.items[i])))
            k++;
        if (k == theirs.count) {
            status =
                ls_fail(error, LS_INVALID,
                        "%s: --in-order: no layer that is left fits %s of this model; say in a "
                        "map (--map FILE) which it is",
                        transfer->file.path, ours.items[i]);
            break;
        }
        theirs.taken[k] = true;
        add_rule(&transfer->map, theirs.items[k], ours.items[i]);
    }
    transfer->in_order = status == LS_OK ? ours.count : 0;
    clear_scopes(&ours);
    clear_scopes(&theirs);
    free(mapped);
    return status;
}
