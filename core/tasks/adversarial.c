/* What one of two networks wants the discriminator to say (Goodfellow et al. 2014). */
#include "core/tasks/list.h"

enum { WANTED_MADE, WANTED_REAL };

struct options {
    struct ls_term_options common;
    int wanted, kind;
};

static const char *const wanted_names[] = {[WANTED_MADE] = "made", [WANTED_REAL] = "real", NULL};
static const char *const kind_names[] = {[LS_ADVERSARIAL_LOGISTIC] = "logistic",
                                         [LS_ADVERSARIAL_HINGE] = "hinge",
                                         [LS_ADVERSARIAL_LINEAR] = "linear",
                                         NULL};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    {.name = "wanted",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, wanted),
     .initial = "real",
     .choices = wanted_names,
     .help = "what the discriminator is to take the sample for"},
    {.name = "form",
     .kind = LS_FIELD_CHOICE,
     .offset = offsetof(struct options, kind),
     .initial = "logistic",
     .choices = kind_names,
     .help = "logistic: -log sigmoid; hinge (discriminator) and linear (generator): Lim & Ye 2017"},
};

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    return ls_adversarial(builder->graph, term->of, options->wanted,
                          (enum ls_adversarial_kind)options->kind);
}

const struct ls_loss ls_loss_adversarial = {
    .layer = {.name = "adversarial",
              .help = "what one network wants of the discriminator's logit (task gan)",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct options)},
    .record = record,
};
