/* A model as a graph of Graphviz. */
#ifndef LS_LAUNCHER_COMMAND_DOT_H
#define LS_LAUNCHER_COMMAND_DOT_H

#include "launcher/config/config.h"

/* Writes the phases' recorded graphs (one for each phase of the config) to stdout in Graphviz's
 * language: layers are boxes with op, shape of a row and parameters, data are ellipses; a parameter
 * that several layers use joins them by a dashed line. */
void ls_dot_print(const struct ls_config *config, const struct ls_model *models);

/* Parameters that the node at `index` is the first of its graph to use; running statistics are
 * none.
 */
int64_t ls_node_parameters(const struct ls_graph *graph, int index);

#endif
