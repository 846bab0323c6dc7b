/* The divergence of a code's distribution from the standard normal one (Kingma & Welling 2014). */
#include "core/tasks/list.h"

static const struct ls_field items[] = {LS_LOSS_WEIGHT_FIELD};

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    struct ls_value *log_variance =
        ls_loss_input(builder, term, "log_variance", "the name of a value");
    return log_variance ? ls_kl_normal(builder->graph, term->of, log_variance) : NULL;
}

static const char *const inputs[] = {"log_variance", NULL};

const struct ls_loss ls_loss_kl_normal = {
    .layer = {.name = "kl_normal",
              .help = "how far N(mean, exp(log_variance)) is from N(0, 1), in nats; from: the mean",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct ls_term_options),
              .inputs = inputs},
    .record = record,
};
