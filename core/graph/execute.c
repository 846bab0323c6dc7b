/* Running a planned graph. Nothing here allocates. */
#include <string.h>

#include "core/graph/internal.h"

static char *slot(const struct ls_graph *graph, void *flat, const struct ls_value *value) {
    return flat ? (char *)flat + (size_t)value->parameter->offset * graph->element_size : NULL;
}

static void check_run(const struct ls_graph *graph, const struct ls_run *run) {
    LS_ASSERT(graph->planned, "a run before planning, %d nodes", graph->node_count);
    LS_ASSERT(run->rows > 0 && run->rows <= graph->options.rows_max, "%lld rows, at most %lld",
              (long long)run->rows, (long long)graph->options.rows_max);
    LS_ASSERT(run->microbatch_rows > 0 &&
                  run->microbatches ==
                      (run->rows + run->microbatch_rows - 1) / run->microbatch_rows,
              "%d microbatches of %lld rows, %lld rows", run->microbatches,
              (long long)run->microbatch_rows, (long long)run->rows);
    LS_ASSERT(run->position == 0 || (run->position > 0 && graph->options.step_positions > 0),
              "position %lld, steps of %lld positions", (long long)run->position,
              (long long)graph->options.step_positions);
    LS_ASSERT(!run->training || !graph->use_count || run->microbatches == 1,
              "%d microbatches in a run of a graph that uses a parameter again", run->microbatches);
}

void ls_graph_prepare(struct ls_graph *graph, const void *parameters) {
    LS_ASSERT(graph->planned, "prepared before planning, %d nodes", graph->node_count);
    for (int i = 0; i < graph->parameter_count; i++)
        graph->parameters[i]->data = slot(graph, (void *)parameters, graph->parameters[i]);
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->op->prepare)
            graph->nodes[i]->op->prepare(graph->nodes[i]);
}

/* Forward writes the statistics' slots, backward those of the weights that it reaches. */
static void bind_gradients(struct ls_graph *graph, bool forward, bool training, void *gradients) {
    for (int i = 0; i < graph->parameter_count; i++) {
        struct ls_value *value = graph->parameters[i];
        const bool learns = value->parameter->kind == LS_PARAMETER_STATISTIC && training &&
                            ls_trains(graph, value->parameter);
        const bool wanted = forward ? learns : ls_plan_of(graph, value)->reached;
        LS_ASSERT(gradients || !(forward && wanted), "%s: no gradient buffer for this statistic",
                  value->parameter->name);
        value->gradient = wanted ? slot(graph, gradients, value) : NULL;
    }
}

void ls_graph_forward(struct ls_graph *graph, const struct ls_run *run, void *gradients) {
    check_run(graph, run);
    bind_gradients(graph, true, run->training, gradients);
    for (int i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i]->op->alias)
            continue;
        ls_uses_begin(graph, i, true);
        graph->nodes[i]->op->forward(graph->nodes[i], run);
        ls_uses_end(graph, i, true);
    }
}

/* d loss / d (weighted loss, weight) of each sample: the sum of the first column is what is
 * minimised. */
static void seed_loss(const struct ls_graph *graph, const struct ls_run *run) {
    if (!graph->loss->gradient)
        return;
    if (graph->element_size == sizeof(double)) {
        double *gradient = graph->loss->gradient;
        for (int64_t i = 0; i < 2 * run->rows; i++)
            gradient[i] = i % 2 ? 0.0 : 1.0;
    } else {
        float *gradient = graph->loss->gradient;
        for (int64_t i = 0; i < 2 * run->rows; i++)
            gradient[i] = i % 2 ? 0.0f : 1.0f;
    }
}

/* Elements from `first` on of a parameter's slot become zero. */
static void clear_slot(const struct ls_graph *graph, const struct ls_parameter *parameter,
                       int64_t first, void *gradients) {
    memset((char *)gradients + (size_t)(parameter->offset + first) * graph->element_size, 0,
           (size_t)(parameter->count - first) * graph->element_size);
}

/* Parameters first .. end-1 of the set are final. Those that no node wrote get zeros, and so does
 * the padding behind plain ones (panels have theirs from the kernels). Returns end. */
static int make_ready(struct ls_graph *graph, const struct ls_run *run, int first, int end,
                      void *gradients, ls_gradient_ready *ready, void *context) {
    const struct ls_parameter_set *set = graph->options.parameters;
    if (first == end || !gradients)
        return end;
    for (int k = first; k < end; k++) {
        const struct ls_parameter *parameter = set->items[k];
        const bool written = parameter->kind == LS_PARAMETER_STATISTIC
                                 ? run->training && graph->set_values[k]
                                 : graph->finished_by[k] >= 0;
        if (!written)
            clear_slot(graph, parameter, 0, gradients);
        else if (parameter->layout == LS_LAYOUT_PLAIN)
            clear_slot(graph, parameter, ls_parameter_plain_count(parameter), gradients);
    }
    const struct ls_parameter *last = set->items[end - 1];
    if (ready)
        ready(context, set->items[first]->offset, last->offset + last->count);
    return end;
}

/* Frozen parameters are many numbers, constants few. */
static bool has_frozen(const struct ls_parameter_set *set) {
    for (int k = 0; k < set->count; k++)
        if (set->items[k]->group == LS_GROUP_FIXED && set->items[k]->kind != LS_PARAMETER_CONSTANT)
            return true;
    return false;
}

/* Where all that is trained is one group, the whole buffer gets ready: constants get zeros. Not so
 * where parameters are frozen, whose gradients nobody is to write or send. */
static void make_fixed_ready(const struct ls_graph *graph, void *gradients,
                             ls_gradient_ready *ready, void *context) {
    const struct ls_parameter_set *set = graph->options.parameters;
    const struct ls_range fixed = set->groups[LS_GROUP_FIXED];
    if (graph->options.group != 0 || set->groups[0].end != fixed.first ||
        fixed.first == fixed.end || !gradients || has_frozen(set))
        return;
    memset((char *)gradients + (size_t)fixed.first * graph->element_size, 0,
           (size_t)(fixed.end - fixed.first) * graph->element_size);
    if (ready)
        ready(context, fixed.first, fixed.end);
}

static void run_backward(struct ls_graph *graph, const struct ls_run *run, void *gradients,
                         ls_gradient_ready *ready, void *context) {
    check_run(graph, run);
    bind_gradients(graph, false, run->training, gradients);
    int done = graph->group_first;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        if (graph->backward_runs[i]) {
            ls_uses_begin(graph, i, false);
            graph->nodes[i]->op->backward(graph->nodes[i], run);
            ls_uses_end(graph, i, false);
        }
        done = make_ready(graph, run, done, graph->ready_end[i], gradients, ready, context);
    }
    make_fixed_ready(graph, gradients, ready, context);
}

void ls_graph_backward(struct ls_graph *graph, const struct ls_run *run, void *gradients,
                       ls_gradient_ready *ready, void *context) {
    LS_ASSERT(graph->loss && !graph->options.inference, "backward without a loss, inference %d",
              graph->options.inference);
    seed_loss(graph, run);
    run_backward(graph, run, gradients, ready, context);
}

void ls_graph_backward_from(struct ls_graph *graph, struct ls_value *value,
                            const struct ls_run *run, void *gradients) {
    LS_ASSERT(value == graph->loss || ls_keeps_all(graph),
              "backward from value %d of a graph that does not keep all", value->index);
    LS_ASSERT(!graph->options.inference && value->gradient, "value %d has no gradient",
              value->index);
    ls_mark_backward(graph, value);
    run_backward(graph, run, gradients, NULL, NULL);
    ls_mark_backward(graph, graph->loss);
}
