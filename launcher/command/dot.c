#include "launcher/command/dot.h"

#include <stdio.h>

/* The first node before `end` that takes it; -1: none does. */
static int first_user(const struct ls_graph *graph, int end, const struct ls_value *parameter) {
    for (int i = 0; i < end; i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        for (int k = 0; k < node->input_count; k++)
            if (node->inputs[k] == parameter)
                return i;
    }
    return -1;
}

static bool is_weight(const struct ls_value *value) {
    return value && value->parameter && value->parameter->kind == LS_PARAMETER_WEIGHT;
}

int64_t ls_node_parameters(const struct ls_graph *graph, int index) {
    const struct ls_node *node = ls_graph_node_at(graph, index);
    int64_t count = 0;
    for (int i = 0; i < node->input_count; i++)
        if (is_weight(node->inputs[i]) && first_user(graph, index, node->inputs[i]) < 0)
            count += ls_parameter_plain_count(node->inputs[i]->parameter);
    return count;
}

static void print_text(const char *text) {
    for (; *text; text++)
        printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static int place_of(const struct ls_graph *graph, const struct ls_node *node) {
    for (int i = 0; i < ls_graph_node_count(graph); i++)
        if (ls_graph_node_at(graph, i) == node)
            return i;
    return -1;
}

static void print_node(const struct ls_graph *graph, int phase, int index) {
    const struct ls_node *node = ls_graph_node_at(graph, index);
    const int64_t parameters = ls_node_parameters(graph, index);
    char shape[LS_SHAPE_TEXT_MAX];
    printf("    p%dn%d [label=\"", phase, index);
    print_text(node->name);
    printf("\\n%s%s  %s", node->op->name, node->activation == LS_ACTIVATION_RELU ? " + relu" : "",
           ls_shape_print(ls_shape_of_row(node->output->shape), shape));
    if (parameters)
        printf("\\n%lld parameters", (long long)parameters);
    printf("\"];\n");
}

static void print_data(int phase, const struct ls_value *value) {
    char shape[LS_SHAPE_TEXT_MAX];
    printf("    p%dv%d [label=\"", phase, value->index);
    print_text(value->name ? value->name : "");
    printf("\\n%s\", shape=ellipse];\n", ls_shape_print(ls_shape_of_row(value->shape), shape));
}

static void print_edges(const struct ls_graph *graph, int phase, int index) {
    const struct ls_node *node = ls_graph_node_at(graph, index);
    for (int i = 0; i < node->input_count; i++) {
        const struct ls_value *input = node->inputs[i];
        if (!input)
            continue;
        const int first = first_user(graph, index, input);
        if (input->producer)
            printf("    p%dn%d -> p%dn%d;\n", phase, place_of(graph, input->producer), phase,
                   index);
        else if (is_weight(input) && first >= 0)
            printf("    p%dn%d -> p%dn%d [style=dashed, dir=none, label=\"same weights\"];\n",
                   phase, first, phase, index);
        else if (!input->parameter) {
            if (first < 0)
                print_data(phase, input);
            printf("    p%dv%d -> p%dn%d;\n", phase, input->index, phase, index);
        }
    }
}

void ls_dot_print(const struct ls_config *config, const struct ls_model *models) {
    printf("digraph \"");
    print_text(config->name);
    printf("\" {\n    node [shape=box, fontname=\"sans-serif\"];\n"
           "    edge [fontname=\"sans-serif\"];\n");
    for (int p = 0; p < config->phase_count; p++) {
        const struct ls_graph *graph = models[p].graph;
        if (config->phase_count > 1) {
            printf("    subgraph cluster_%d {\n    label=\"phase ", p);
            print_text(config->phases[p].name);
            printf("\"; fontname=\"sans-serif\";\n");
        }
        for (int i = 0; i < ls_graph_node_count(graph); i++)
            print_node(graph, p, i);
        for (int i = 0; i < ls_graph_node_count(graph); i++)
            print_edges(graph, p, i);
        if (config->phase_count > 1)
            printf("    }\n");
    }
    printf("}\n");
}
