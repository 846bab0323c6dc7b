#include "launcher/command/workloads.h"

#include <string.h>

static const char mlp[] = "model:\n"
                          "  - linear: 1024\n"
                          "  - relu\n"
                          "  - linear: 1024\n"
                          "  - relu\n"
                          "  - linear: 10\n"
                          "optimizer: {name: momentum, learning_rate: 0.01, momentum: 0.9}\n";

static const char cnn[] = "model:\n"
                          "  - conv2d: {filters: 32, kernel: 3, padding: valid}\n"
                          "  - relu\n"
                          "  - conv2d: {filters: 64, kernel: 3, padding: valid}\n"
                          "  - relu\n"
                          "  - max_pool: 2\n"
                          "  - dropout: 0.25\n"
                          "  - flatten\n"
                          "  - linear: 128\n"
                          "  - relu\n"
                          "  - dropout: 0.5\n"
                          "  - linear: 10\n"
                          "optimizer: {name: adam, learning_rate: 0.001}\n";

/* Basic blocks of He et al. 2016; the first of a stage halves the image and widens it (option A shortcut). */
#define BLOCKS(times, filters)                                                                     \
    "  - repeat:\n"                                                                                \
    "      times: " times "\n"                                                                     \
    "      body:\n"                                                                                \
    "        - residual:\n"                                                                        \
    "            activation: relu\n"                                                               \
    "            body:\n"                                                                          \
    "              - conv2d: {filters: " filters ", kernel: 3, padding: same, bias: false}\n"                     \
    "              - batch_norm\n"                                                                 \
    "              - relu\n"                                                                       \
    "              - conv2d: {filters: " filters ", kernel: 3, padding: same, bias: false}\n"                     \
    "              - batch_norm\n"
#define WIDEN(filters)                                                                             \
    "  - residual:\n"                                                                              \
    "      activation: relu\n"                                                                     \
    "      body:\n"                                                                                \
    "        - conv2d: {filters: " filters ", kernel: 3, stride: 2, padding: same, bias: false}\n"    \
    "        - batch_norm\n"                                                                       \
    "        - relu\n"                                                                             \
    "        - conv2d: {filters: " filters ", kernel: 3, padding: same, bias: false}\n"                           \
    "        - batch_norm\n"                                                                       \
    "      shortcut:\n"                                                                            \
    "        - shortcut: {stride: 2, channels: " filters "}\n"

static const char resnet20[] = "model:\n"
                               "  - conv2d: {filters: 16, kernel: 3, padding: same, bias: false}\n"
                               "  - batch_norm\n"
                               "  - relu\n" BLOCKS("3", "16") WIDEN("32") BLOCKS("2", "32") WIDEN("64")
                                   BLOCKS("2", "64") "  - global_average_pool\n"
                                                     "  - linear: 10\n"
                                                     "optimizer: {name: momentum, learning_rate: 0.1, "
                                                     "momentum: 0.9, weight_decay: 0.0001}\n";

static const struct ls_workload workloads[] = {
    {"mlp", 128, {1, {784}}, 10, mlp},
    {"cnn", 64, {3, {28, 28, 1}}, 10, cnn},
    {"resnet20", 128, {3, {32, 32, 3}}, 10, resnet20},
};

const struct ls_workload *ls_workloads(int *count) {
    *count = (int)(sizeof workloads / sizeof *workloads);
    return workloads;
}

const struct ls_workload *ls_workload_find(const char *name) {
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}
