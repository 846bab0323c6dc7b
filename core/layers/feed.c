/* Feeds on offer become inputs of the graph when something first takes them. */
#include "core/layers/feed.h"

#include <stdio.h>
#include <string.h>

#include "core/layers/layer.h"

static int find_feed(const struct ls_builder *builder, const char *name) {
    for (int i = 0; i < builder->feed_count; i++)
        if (!strcmp(builder->feeds[i].name, name))
            return i;
    return -1;
}

/* "a, b and c" are all there is. */
static struct ls_value *unknown_feed(struct ls_builder *builder, const char *name) {
    const char *names[LS_FEEDS_MAX];
    char list[LS_FEEDS_MAX * 24] = "", hint[96] = "";
    for (int i = 0; i < builder->feed_count; i++) {
        const size_t used = strlen(list);
        names[i] = builder->feeds[i].name;
        snprintf(list + used, sizeof list - used, "%s%.20s", i ? ", " : "", names[i]);
    }
    const char *nearest = ls_nearest(name, names, builder->feed_count);
    if (nearest)
        snprintf(hint, sizeof hint, "; did you mean '%s'?", nearest);
    return ls_graph_fail(builder->graph, "the data has no feed '%.60s'; it has %s%s", name,
                         builder->feed_count ? list : "none", hint);
}

const struct ls_feed *ls_builder_offer(const struct ls_builder *builder, const char *name) {
    const int feed = find_feed(builder, name);
    return feed < 0 ? NULL : &builder->feeds[feed];
}

bool ls_feed_differs(const struct ls_feed *feed, struct ls_shape shape) {
    return feed->shape.rank != LS_FEED_OPEN && ls_shape_count(feed->shape) != ls_shape_count(shape);
}

static const char mean_name[] = "mean", scale_name[] = "scale";

/* Where the constants lie: the one of "inputs" and "targets". Returns scope. */
static const char *scope_of(const char *feed, char scope[LS_FEED_NAME_MAX]) {
    const bool plural = !strcmp(feed, "inputs") || !strcmp(feed, "targets");
    snprintf(scope, LS_FEED_NAME_MAX, "%.*s", (int)strlen(feed) - plural, feed);
    return scope;
}

struct ls_feed_constants ls_feed_constants(const char *feed) {
    struct ls_feed_constants names;
    char scope[LS_FEED_NAME_MAX];
    scope_of(feed, scope);
    snprintf(names.mean, sizeof names.mean, "%s.%s", scope, mean_name);
    snprintf(names.scale, sizeof names.scale, "%s.%s", scope, scale_name);
    return names;
}

/* y = (x - mean) * scale with constants that are set from the training data (0 and 1 until then).
 * Those of "inputs" and "targets" are called input.mean, target.mean, ... */
static struct ls_value *scaled(struct ls_graph *graph, const struct ls_feed *feed,
                               struct ls_value *x) {
    struct ls_shape shape = ls_shape_of_row(x->shape);
    if (feed->scaling == LS_FEED_PER_CHANNEL)
        shape = LS_SHAPE(ls_shape_last(shape));
    const struct ls_initialiser zero = {.kind = LS_INIT_ZEROS};
    const struct ls_initialiser one = {.kind = LS_INIT_CONSTANT, .scale = 1};
    char scope[LS_FEED_NAME_MAX], *outer = ls_graph_suspend_scope(graph);
    ls_graph_push(graph, scope_of(feed->name, scope));
    struct ls_value *mean = ls_graph_parameter(graph, mean_name, shape, LS_LAYOUT_PLAIN,
                                               LS_PARAMETER_CONSTANT, false, 0, zero);
    struct ls_value *scale = ls_graph_parameter(graph, scale_name, shape, LS_LAYOUT_PLAIN,
                                                LS_PARAMETER_CONSTANT, false, 0, one);
    struct ls_value *y = ls_standardise(graph, x, mean, scale);
    ls_graph_pop(graph);
    ls_graph_resume_scope(graph, outer);
    return y;
}

static struct ls_value *take(struct ls_builder *builder, int feed, enum ls_type type,
                             struct ls_shape shape) {
    const struct ls_feed *offer = &builder->feeds[feed];
    struct ls_taken_feed *taken = &builder->taken[builder->taken_count];
    if (offer->scaling != LS_FEED_AS_IT_IS && type == LS_TYPE_INT32)
        return ls_graph_fail(builder->graph, "%s that are indices cannot be standardised",
                             offer->name);
    *taken = (struct ls_taken_feed){.feed = feed};
    taken->input = taken->value = ls_graph_input(builder->graph, offer->name, shape, type);
    if (taken->input && builder->explains && !strcmp(builder->explains, offer->name) &&
        type == LS_TYPE_REAL)
        ls_graph_want_gradient(builder->graph, taken->input);
    if (taken->input && offer->scaling != LS_FEED_AS_IT_IS)
        taken->value = scaled(builder->graph, offer, taken->input);
    if (taken->value)
        builder->taken_count++;
    return taken->value;
}

static struct ls_taken_feed *find_taken(struct ls_builder *builder, int feed) {
    for (int i = 0; i < builder->taken_count; i++)
        if (builder->taken[i].feed == feed)
            return &builder->taken[i];
    return NULL;
}

struct ls_value *ls_builder_feed_as(struct ls_builder *builder, const char *name, enum ls_type type,
                                    struct ls_shape shape) {
    const int feed = find_feed(builder, name);
    if (feed < 0)
        return unknown_feed(builder, name);
    const struct ls_feed *offer = &builder->feeds[feed];
    const struct ls_taken_feed *taken = find_taken(builder, feed);
    if (offer->missing)
        return ls_graph_fail(builder->graph, "%s", offer->missing);
    if (taken && taken->value->type != type)
        return ls_graph_fail(builder->graph,
                             "%s is taken as numbers in one place and as indices in another", name);
    if (taken && ls_shape_equal(ls_shape_of_row(taken->value->shape), shape))
        return taken->value;
    if (taken && type == LS_TYPE_REAL &&
        ls_shape_row_count(taken->value->shape) == ls_shape_count(shape))
        return ls_reshape(builder->graph, taken->value, shape);
    char expected[LS_SHAPE_TEXT_MAX], found[LS_SHAPE_TEXT_MAX];
    if (taken || ls_feed_differs(offer, shape))
        return ls_graph_fail(
            builder->graph, "takes %s of %s, found %s", name, ls_sample_print(shape, expected),
            ls_sample_print(taken ? ls_shape_of_row(taken->value->shape) : offer->shape, found));
    return take(builder, feed, type, shape);
}

struct ls_value *ls_builder_feed(struct ls_builder *builder, const char *name, enum ls_type type) {
    const int feed = find_feed(builder, name);
    if (feed < 0)
        return unknown_feed(builder, name);
    const struct ls_taken_feed *taken = find_taken(builder, feed);
    struct ls_shape shape = builder->feeds[feed].shape;
    if (taken)
        shape = ls_shape_of_row(taken->value->shape);
    else if (shape.rank == LS_FEED_OPEN && !builder->feeds[feed].missing)
        return ls_graph_fail(builder->graph, "the data has no feed '%s'", name);
    else if (shape.rank <= 0)
        shape = LS_SHAPE(1);
    return ls_builder_feed_as(builder, name, type, shape);
}

/* What the value was before it was given other shapes. */
static const struct ls_value *same_elements(const struct ls_value *value) {
    while (value->producer && (!strcmp(value->producer->op->name, "reshape") ||
                               !strcmp(value->producer->op->name, "flatten")))
        value = value->producer->inputs[0];
    return value;
}

/* The feed whose elements the value has; NULL if it has others. */
static struct ls_taken_feed *taken_as(struct ls_builder *builder, const struct ls_value *value) {
    value = same_elements(value);
    for (int i = 0; i < builder->taken_count; i++)
        if (builder->taken[i].input == value)
            return &builder->taken[i];
    return NULL;
}

int64_t ls_builder_vocabulary(struct ls_builder *builder, const struct ls_value *value) {
    const struct ls_taken_feed *taken = value ? taken_as(builder, value) : NULL;
    const int feed = taken ? taken->feed : value ? -1 : find_feed(builder, "targets");
    return feed >= 0 ? builder->feeds[feed].limit : 0;
}

void ls_builder_limit(struct ls_builder *builder, const struct ls_value *value, int64_t limit) {
    struct ls_taken_feed *taken = taken_as(builder, value);
    if (!taken)
        return;
    taken->limits++;
    if (!taken->limit || limit < taken->limit)
        taken->limit = limit;
}

void ls_builder_ignore(struct ls_builder *builder, const struct ls_value *value, int32_t ignored) {
    struct ls_taken_feed *taken = taken_as(builder, value);
    if (taken && (!taken->ignoring || taken->ignored == ignored)) {
        taken->ignoring++;
        taken->ignored = ignored;
    }
}

bool ls_builder_zero_to_one(struct ls_builder *builder, const struct ls_value *value) {
    value = same_elements(value);
    for (int i = 0; i < builder->taken_count; i++)
        if (builder->taken[i].value == value && builder->taken[i].input != value) {
            ls_graph_fail(builder->graph,
                          "expected numbers from 0 to 1, found the feed '%s' standardised",
                          builder->feeds[builder->taken[i].feed].name);
            return false;
        }
    struct ls_taken_feed *taken = taken_as(builder, value);
    if (taken)
        taken->zero_to_one = true;
    return true;
}

const struct ls_feed *ls_builder_taken(const struct ls_builder *builder,
                                       const struct ls_value *value, const struct ls_value **mean,
                                       const struct ls_value **scale) {
    *mean = *scale = NULL;
    value = same_elements(value);
    for (int i = 0; i < builder->taken_count; i++) {
        const struct ls_taken_feed *taken = &builder->taken[i];
        if (taken->value != value)
            continue;
        if (taken->value != taken->input) {
            *mean = value->producer->inputs[1];
            *scale = value->producer->inputs[2];
        }
        return &builder->feeds[taken->feed];
    }
    return NULL;
}

bool ls_builder_gaps(struct ls_builder *builder, const struct ls_value *value) {
    const struct ls_taken_feed *taken = value ? taken_as(builder, value) : NULL;
    return taken && builder->feeds[taken->feed].gaps;
}
