/* input: the running value becomes a feed of the data. */
#include <string.h>

#include "core/layers/list.h"

struct options {
    char feed[LS_TEXT_MAX];
};

static const struct ls_field items[] = {
    {.name = "feed",
     .kind = LS_FIELD_TEXT,
     .offset = offsetof(struct options, feed),
     .help = "a name of data.feeds, or inputs"},
};

/* The feed is made when the next layer takes it, which decides its type. */
static struct ls_value *build(struct ls_builder *builder, struct ls_value *x,
                              const struct ls_layer_spec *spec) {
    const struct options *options = spec->options;
    (void)x;
    if (strlen(options->feed) >= sizeof builder->start)
        return ls_graph_fail(builder->graph, "the name of a feed has at most %zu characters",
                             sizeof builder->start - 1);
    strcpy(builder->start, options->feed);
    return NULL;
}

const struct ls_layer ls_layer_feed = {
    .name = "input",
    .help = "the layers from here on work on that feed of the data",
    .fields = LS_LAYER_FIELDS(items),
    .options_size = sizeof(struct options),
    .main_field = "feed",
    .passes_input = true,
    .build = build,
};
