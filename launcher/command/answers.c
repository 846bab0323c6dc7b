#include "launcher/command/answers.h"

#include <string.h>

/* Without `from` a loss judges the end of the model. */
static bool judges_answer(const struct ls_config *config, const struct ls_layer_spec *loss) {
    const char *from = ls_layer_spec_reference(loss, "from");
    const struct ls_layer_list *layers = &ls_networks_entry(&config->model)->layers;
    const char *last = layers->items[layers->count - 1].name;
    const char *answer = config->answer[0] ? config->answer : last;
    return from ? !strcmp(from, answer) : ls_loss_judges_output(loss) && !strcmp(answer, last);
}

static bool is_of_shares(const struct ls_layer_spec *loss) {
    return !strcmp(loss->layer->name, "binary_cross_entropy");
}

/* The first loss that says what the answers are; NULL: none does. */
static const struct ls_layer_spec *telling_loss(const struct ls_config *config) {
    for (int i = 0; i < config->losses.count; i++) {
        const struct ls_layer_spec *spec = &config->losses.items[i];
        if (judges_answer(config, spec) &&
            (ls_loss_find(spec->layer->name)->classifies || is_of_shares(spec)))
            return spec;
    }
    return NULL;
}

enum ls_answer_kind ls_answer_of(const struct ls_config *config, int64_t width) {
    const struct ls_layer_spec *loss = telling_loss(config);
    if (loss && is_of_shares(loss))
        return LS_ANSWER_SIGMOID;
    if (!loss && config->task.kind != LS_TASK_CLASSIFICATION)
        return LS_ANSWER_VALUES;
    return width > 1 ? LS_ANSWER_SOFTMAX : LS_ANSWER_SIGMOID;
}

bool ls_answer_classifies(const struct ls_config *config, int64_t width) {
    const struct ls_layer_spec *loss = telling_loss(config);
    if (!loss || !is_of_shares(loss) || width == 1)
        return ls_answer_of(config, width) != LS_ANSWER_VALUES;
    const struct ls_field *labels = ls_fields_find(loss->layer->fields, "labels");
    return *(const bool *)((const char *)loss->options + labels->offset);
}
