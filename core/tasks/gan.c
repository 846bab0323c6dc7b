/* Two networks against each other (Goodfellow et al. 2014, the non-saturating form). Phase
 * discriminator: tell real samples from made ones. Phase generator: make samples that the
 * discriminator takes for real. */
#include <string.h>

#include "core/tasks/list.h"
#include "core/tasks/task.h"

enum { DISCRIMINATOR, GENERATOR };
enum { REAL, MADE, FOOLED, TERMS };

static const char *const phases[] = {[DISCRIMINATOR] = "discriminator", [GENERATOR] = "generator"};
static const char *const terms_of[TERMS] = {[REAL] = "real", [MADE] = "made", [FOOLED] = "fooled"};

static enum ls_status preset(const struct ls_task_options *options, struct ls_layer_list *losses,
                             struct ls_error *error) {
    if (options->loss != LS_LOSS_AUTO || options->top_k)
        return ls_fail(
            error, LS_INVALID,
            "a gan has losses of its own: change them in the section losses (real, made, "
            "fooled), not with loss or task.top_k");
    struct ls_error never;
    ls_losses_append(losses, "adversarial", "real");
    struct ls_layer_spec *made = ls_losses_append(losses, "adversarial", "made");
    LS_ASSERT(ls_field_parse(ls_fields_find(made->layer->fields, "wanted"), "made", made->options,
                             &never) == LS_OK,
              "%s", "made");
    ls_losses_append(losses, "adversarial", "fooled");
    return LS_OK;
}

static const struct ls_layer_spec *find_term(const struct ls_layer_list *losses, int term) {
    for (int i = 0; i < losses->count; i++)
        if (!strcmp(losses->items[i].name, terms_of[term]))
            return &losses->items[i];
    return NULL;
}

static enum ls_status check(const struct ls_layer_list *losses, struct ls_error *error) {
    for (int t = 0; t < TERMS; t++)
        if (!find_term(losses, t))
            return ls_fail(error, LS_INVALID,
                           "losses: a gan has the three terms real, made and fooled; there is no "
                           "'%s'",
                           terms_of[t]);
    if (losses->count > TERMS)
        return ls_fail(error, LS_INVALID,
                       "losses: a gan has the three terms real, made and fooled; found %d",
                       losses->count);
    return LS_OK;
}

static bool record(struct ls_builder *builder, int phase, const struct ls_layer_list *losses,
                   struct ls_terms *terms, struct ls_value **output) {
    struct ls_value *made = ls_network_record(builder, "generator", NULL); /* begins with noise */
    *output = made;
    struct ls_value *on_made = ls_network_record(builder, "discriminator", made);
    if (!on_made || !terms)
        return on_made != NULL; /* an answer needs no discriminator, but its parameters are there */
    if (phase == GENERATOR)
        return ls_terms_add(terms, builder, find_term(losses, FOOLED), on_made);
    struct ls_value *real =
        ls_builder_feed_as(builder, "inputs", LS_TYPE_REAL, ls_shape_of_row(made->shape));
    struct ls_value *on_real = real ? ls_network_record(builder, "discriminator", real) : NULL;
    return ls_terms_add(terms, builder, find_term(losses, REAL), on_real) &&
           ls_terms_add(terms, builder, find_term(losses, MADE), on_made);
}

const struct ls_task ls_task_gan = {
    .name = "gan",
    .preset = preset,
    .check = check,
    .phase_count = 2,
    .phases = phases,
    .record = record,
};
