/* What draws prototypes and samples together (Li et al. 2018, R1 and R2): distances [N, K]. */
#include "core/tasks/list.h"

enum { OVER_PROTOTYPES, OVER_SAMPLES };

struct options {
    struct ls_term_options common;
    int over;
};

static const char *const over_names[] = {
    [OVER_PROTOTYPES] = "prototypes", [OVER_SAMPLES] = "samples", NULL};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    {.name = "over",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, over),
     .initial = "prototypes",
     .choices = over_names,
     .help = "prototypes: the mean over samples of the distance to the nearest prototype; samples: "
             "the mean over prototypes of that to the nearest sample of a microbatch"},
};

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    return ls_nearest_distance(builder->graph, term->of, options->over == OVER_SAMPLES);
}

const struct ls_loss ls_loss_nearest = {
    .layer = {.name = "nearest",
              .help = "the least of the distances that a layer prototypes gives",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct options)},
    .record = record,
};
