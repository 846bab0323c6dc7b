/* Named networks: lists of layers that are recorded as often as they are needed, each time with the
 * same parameters, whose names begin with the network's. A model that is one list is one network
 * without a name. */
#ifndef LS_LAYERS_NETWORK_H
#define LS_LAYERS_NETWORK_H

#include "core/layers/layer.h"

struct ls_network {
    char name[64]; /* "": the only one */
    struct ls_layer_list layers;
    int line, column; /* in the config; 0 if none */
};

struct ls_networks {
    struct ls_network items[LS_NETWORKS_MAX];
    int count;
};

void ls_networks_clear(struct ls_networks *networks);

/* The network of that name, or NULL. */
const struct ls_network *ls_network_find(const struct ls_networks *networks, const char *name);

/* The one that a task records unless it names others: "main", else the last. */
const struct ls_network *ls_networks_entry(const struct ls_networks *networks);

/* Whether a layer takes the feed of that name, or what else has the name. "inputs", which a list
 * begins with unless it says otherwise, need not be named. */
bool ls_networks_take(const struct ls_networks *networks, const char *feed);

/* Records it on x (NULL: the feed "inputs", or what it begins with); NULL after an error. */
struct ls_value *ls_network_record(struct ls_builder *builder, const char *name,
                                   struct ls_value *x);

#endif
