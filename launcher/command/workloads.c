#include "launcher/command/workloads.h"

#include <string.h>

/* The peer draws weights from U(-1/sqrt(in), 1/sqrt(in)): LeCun's uniform with a third of its
 * variance. */
/* clang-format off */
#define INIT ", init: lecun_uniform, init_scale: 0.57735}\n"
#define LINEAR(units) "linear: {units: " units INIT
#define VALID(filters) "conv2d: {filters: " filters ", kernel: 3, padding: valid" INIT
#define SAME(filters, stride) \
    "conv2d: {filters: " filters ", kernel: 3, stride: " stride ", padding: same, bias: false" INIT

static const char mlp[] =
    "model:\n"
    "  - " LINEAR("1024")
    "  - relu\n"
    "  - " LINEAR("1024")
    "  - relu\n"
    "  - " LINEAR("10")
    "optimizer: {name: momentum, learning_rate: 0.01, momentum: 0.9}\n";

static const char cnn[] =
    "model:\n"
    "  - " VALID("32")
    "  - relu\n"
    "  - " VALID("64")
    "  - relu\n"
    "  - max_pool: 2\n"
    "  - dropout: 0.25\n"
    "  - flatten\n"
    "  - " LINEAR("128")
    "  - relu\n"
    "  - dropout: 0.5\n"
    "  - " LINEAR("10")
    "optimizer: {name: adam, learning_rate: 0.001}\n";

/* Basic blocks of He et al. 2016; the first of a stage halves the image and widens it (option A
 * shortcut). */
#define BLOCKS(times, filters) \
    "  - repeat:\n" \
    "      times: " times "\n" \
    "      body:\n" \
    "        - residual:\n" \
    "            activation: relu\n" \
    "            body:\n" \
    "              - " SAME(filters, "1") \
    "              - batch_norm\n" \
    "              - relu\n" \
    "              - " SAME(filters, "1") \
    "              - batch_norm\n"
#define WIDEN(filters) \
    "  - residual:\n" \
    "      activation: relu\n" \
    "      body:\n" \
    "        - " SAME(filters, "2") \
    "        - batch_norm\n" \
    "        - relu\n" \
    "        - " SAME(filters, "1") \
    "        - batch_norm\n" \
    "      shortcut:\n" \
    "        - shortcut: {stride: 2, channels: " filters "}\n"

static const char resnet20[] =
    "model:\n"
    "  - " SAME("16", "1")
    "  - batch_norm\n"
    "  - relu\n"
    BLOCKS("3", "16")
    WIDEN("32")
    BLOCKS("2", "32")
    WIDEN("64")
    BLOCKS("2", "64")
    "  - global_average_pool\n"
    "  - " LINEAR("10")
    "optimizer: {name: momentum, learning_rate: 0.1, momentum: 0.9, weight_decay: 0.0001}\n";
/* clang-format on */

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
