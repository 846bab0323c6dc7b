/* lockstep inspect: what a config's model is and costs, before anything runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/graph/accumulate.h"
#include "core/models/model.h"
#include "core/optim/optimizer.h"
#include "dist/reducer.h"
#include "launcher/command/dot.h"
#include "launcher/command/run_options.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/supervisor.h"
#include "launcher/worker/data.h"

struct inspect_options {
    int64_t ranks, threads;
    bool dot;
    struct ls_texts set;
};

static const struct ls_option options[] = {
    {.letter = 'n',
     .field = {.name = "ranks",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct inspect_options, ranks),
               .initial = "0",
               .max = LS_MICROBATCHES_MAX,
               .help = "worker processes; 0: as many as train would start"}},
    LS_OPTION_THREADS(struct inspect_options),
    {.field = {.name = "dot",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct inspect_options, dot),
               .initial = "false",
               .help = "the layers as a graph for Graphviz: lockstep inspect CONFIG --dot | dot "
                       "-Tsvg"}},
    {.field = {.name = "set",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct inspect_options, set),
               .help = "an assignment, as in the config; may be repeated"},
     .repeated = true},
};

/* What the printing functions look at: the largest rank's model. */
struct inspection {
    struct ls_config config;
    struct ls_data data;
    enum ls_variant variant;
    int ranks, microbatches;
    int first, count; /* microbatches of the last rank, which has the most */
    int threads;      /* of that rank, each with a share of its microbatches */
    int piece;        /* microbatches of a piece */
    int64_t microbatch_rows;
    struct ls_parameter_set *parameters;
    struct ls_model models[LS_PHASES_MAX]; /* of each phase */
};

static const char *megabytes(double bytes, char text[32]) {
    snprintf(text, 32, "%.*f MB", bytes < 1e7 ? 3 : 1, bytes * 1e-6);
    return text;
}

static int longest_name(const struct ls_graph *graph) {
    int longest = (int)strlen("layer");
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const int length = (int)strlen(ls_graph_node_at(graph, i)->name);
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* The parameters that a phase trains. */
static int64_t trained_by(const struct inspection *it, int phase) {
    int64_t count = 0;
    for (int i = 0; i < it->parameters->count; i++)
        if (it->parameters->items[i]->group == phase &&
            it->parameters->items[i]->kind == LS_PARAMETER_WEIGHT)
            count += ls_parameter_plain_count(it->parameters->items[i]);
    return count;
}

static void print_terms(const struct ls_terms *terms) {
    for (int i = 0; i < terms->count; i++) {
        const struct ls_term *term = &terms->items[i];
        printf("%s", i ? " + " : "loss: ");
        if (term->weight != 1)
            printf("%g ", term->weight);
        printf("%s%s%s%s", term->loss->layer.name, terms->count > 1 ? " (" : "",
               terms->count > 1 ? term->spec->name : "", terms->count > 1 ? ")" : "");
    }
    printf("\n");
}

/* The table of one phase. A parameter that is used again is counted where it is used first. */
static void print_phase(const struct inspection *it, int phase) {
    const struct ls_graph *graph = it->models[phase].graph;
    const int width = longest_name(graph);
    int64_t flops = 0;
    if (it->config.phase_count > 1)
        printf("phase %s, every %lld step(s)\n", it->config.phases[phase].name,
               (long long)it->config.phases[phase].every);
    printf("%-*s  %-22s %-12s %12s %10s\n", width, "layer", "op", "output", "parameters", "MFLOP");
    for (int i = 0; i < ls_graph_node_count(graph); i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        char op[64], shape[LS_SHAPE_TEXT_MAX];
        snprintf(op, sizeof op, "%s%s", node->op->name,
                 node->activation == LS_ACTIVATION_RELU ? " + relu" : "");
        printf("%-*s  %-22s %-12s %12lld %10.3f\n", width, node->name, op,
               ls_shape_print(ls_shape_of_row(node->output->shape), shape),
               (long long)ls_node_parameters(graph, i), (double)node->flops * 1e-6);
        flops += node->flops;
    }
    printf("%-*s  %-22s %-12s %12lld %10.3f\n", width, "total", "", "",
           (long long)trained_by(it, phase), (double)flops * 1e-6);
    print_terms(&it->models[phase].terms);
    printf("MFLOP: forward, for one sample; a training step takes about three times that\n\n");
}

/* Flat gradient buffers of a thread's share: its sums, and the stack that pieces are added up on.
 * Raises *pieces to the share's. */
static int share_buffers(const struct inspection *it, int thread, int *pieces) {
    struct ls_tree_node nodes[LS_TREE_NODES_MAX];
    const int first = it->first + (int)ls_even_first(it->count, thread, it->threads);
    const int end = it->first + (int)ls_even_first(it->count, thread + 1, it->threads);
    const int sums =
        ls_tree_cover(it->microbatches, first, end - first, 0, nodes, LS_TREE_NODES_MAX);
    float *none[LS_TREE_NODES_MAX] = {NULL};
    struct ls_accumulator *accumulator =
        ls_accumulator_create(it->microbatches, first, end - first, it->piece, 0, none);
    int depth = 0;
    const int count = ls_accumulator_pieces(accumulator);
    *pieces = count > *pieces ? count : *pieces;
    for (int i = 0; i < count; i++)
        if (ls_accumulator_piece(accumulator, i).depth > depth)
            depth = ls_accumulator_piece(accumulator, i).depth;
    ls_accumulator_destroy(accumulator);
    return sums + depth;
}

/* State of the rules, and the moving average. */
static int64_t optimizer_bytes(const struct inspection *it) {
    int64_t bytes = 0;
    for (int group = 0; group < it->config.phase_count; group++) {
        const struct ls_range slice =
            ls_parameters_slice(it->parameters, group, it->ranks - 1, it->ranks);
        struct ls_optimizer *optimizer =
            ls_optimizer_create(&it->config.phases[group].optimizer, it->parameters, slice.first,
                                slice.end, it->variant);
        const int arrays = ls_optimizer_state_count(optimizer) + (it->config.train.average > 0);
        bytes += arrays * ls_range_count(slice) * (int64_t)sizeof(float);
        ls_optimizer_destroy(optimizer);
    }
    return bytes;
}

static void print_rank(const struct inspection *it) {
    double arena = 0, packed = 0; /* phases run in turn and share the arena */
    for (int p = 0; p < it->config.phase_count; p++) {
        const struct ls_graph_summary summary = ls_graph_summarise(it->models[p].graph);
        arena = (double)summary.arena_bytes > arena ? (double)summary.arena_bytes : arena;
        packed += (double)summary.state_bytes;
    }
    const double flat = (double)it->parameters->total * sizeof(float);
    char text[32];
    int pieces = 0, buffers = 0;
    for (int t = 0; t < it->threads; t++)
        buffers += share_buffers(it, t, &pieces);
    const double state = (double)optimizer_bytes(it);
    const double graph = it->threads * (arena + packed);
    const int64_t sent = ls_reducer_bytes_sent(it->parameters, it->microbatches, it->ranks,
                                               (enum ls_reducer_kind)it->config.train.reduce);
    const bool shared = it->ranks > 1 && it->config.train.share_memory;
    printf("memory of a rank (the largest of %d)\n", it->ranks);
    printf("  activations, scratch, packed weights  %14s\n", megabytes(graph, text));
    printf("  parameters%-28s%14s\n", shared ? " (one copy for a host)" : "",
           megabytes(flat, text));
    printf("  gradients, %d %-24s %14s\n", buffers, buffers == 1 ? "buffer" : "buffers",
           megabytes(buffers * flat, text));
    printf("  optimiser state, its slice            %14s\n", megabytes(state, text));
    printf("  together                              %14s\n",
           megabytes(graph + flat + buffers * flat + state, text));
    printf(
        "a step runs in %d %s of at most %d %s on each %s, and sends %s from each rank%s\n", pieces,
        pieces == 1 ? "piece" : "pieces", it->piece, it->piece == 1 ? "microbatch" : "microbatches",
        it->threads == 1 ? "rank" : "thread", megabytes((double)sent, text),
        shared ? ",\nless what goes to ranks of the same host: they read each other's memory" : "");
}

static void print_all(const struct inspection *it) {
    char shape[LS_SHAPE_TEXT_MAX];
    char threads[48] = "";
    if (it->threads > 1)
        snprintf(threads, sizeof threads, " of %d threads", it->threads);
    printf(
        "%s: %llu training samples of %s, batch %lld in %d microbatches, %d %s%s, %s kernels\n\n",
        it->config.name, (unsigned long long)it->data.parts[LS_SOURCE_TRAIN].count,
        ls_sample_print(it->data.feeds[0].shape, shape), (long long)it->config.train.batch,
        it->microbatches, it->ranks, it->ranks == 1 ? "rank" : "ranks", threads,
        ls_variant_name(it->variant));
    for (int p = 0; p < it->config.phase_count; p++)
        print_phase(it, p);
    print_rank(it);
}

static enum ls_status choose_ranks(struct inspection *it, const struct inspect_options *given,
                                   struct ls_error *error) {
    const int64_t threads = given->threads ? given->threads : it->config.compute.threads;
    it->microbatches = (int)ls_config_microbatches(&it->config);
    const int64_t wanted = given->ranks ? given->ranks : it->config.launcher.ranks;
    it->ranks = wanted ? (int)wanted : ls_default_ranks(it->microbatches, threads);
    if (it->ranks > it->microbatches)
        return ls_fail(
            error, LS_INVALID,
            "%d ranks, but a batch has %d microbatches and every rank needs one of its own",
            it->ranks, it->microbatches);
    it->first = (int)ls_even_first(it->microbatches, it->ranks - 1, it->ranks);
    it->count = it->microbatches - it->first;
    it->threads = threads < it->count ? (int)threads : it->count;
    it->microbatch_rows = it->config.train.batch / it->microbatches;
    return LS_OK;
}

/* Models for one microbatch show how many go through in one piece. */
static enum ls_status build(struct inspection *it, struct ls_error *error) {
    const struct ls_config *config = &it->config;
    const int most = (it->count + it->threads - 1) / it->threads; /* of a share */
    enum ls_status status = ls_config_variant(config, &it->variant, error);
    if (status != LS_OK)
        return status;
    it->parameters = ls_parameters_create();
    struct ls_model_options model = ls_config_model(config, it->variant, it->microbatch_rows);
    model.feeds = it->data.feeds;
    model.feed_count = it->data.feed_count;
    model.borrows_arena = true; /* nothing runs */
    it->piece = ls_config_piece(config, &model, most, it->parameters, error);
    if (!it->piece)
        return error->status;
    model.rows_max *= it->piece;
    status = ls_models_create(it->models, &model, it->parameters, error);
    if (status != LS_OK)
        return ls_config_layer_error(config, it->models[0].failed, error);
    return status;
}

static int run_inspect(int argument_count, char **arguments, const void *given_options) {
    (void)argument_count;
    const struct inspect_options *given = given_options;
    struct ls_error error;
    struct inspection it = {0};
    enum ls_status status =
        ls_config_read(&it.config, arguments[0], given->set.items, given->set.count, &error);
    if (status != LS_OK)
        return ls_command_fail(&error);
    status = choose_ranks(&it, given, &error);
    if (status == LS_OK)
        status = ls_data_open(&it.data, &it.config, &(struct ls_data_request){.run = NULL}, &error);
    if (status == LS_OK)
        status = build(&it, &error);
    if (status == LS_OK && given->dot)
        ls_dot_print(&it.config, it.models);
    else if (status == LS_OK)
        print_all(&it);
    ls_models_destroy(it.models, it.config.phase_count);
    ls_parameters_destroy(it.parameters);
    ls_data_close(&it.data);
    ls_config_clear(&it.config);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_inspect = {
    .name = "inspect",
    .usage = "CONFIG [-n RANKS] [--threads T] [--dot] [--set KEY=VALUE ...]",
    .help = "layers, shapes, parameters, memory and messages of a config, before anything runs",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_inspect,
    .options_size = sizeof(struct inspect_options),
};
