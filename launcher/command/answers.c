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

enum ls_answer_kind ls_answer_of(const struct ls_config *config, int64_t width) {
    for (int i = 0; i < config->losses.count; i++) {
        const struct ls_layer_spec *spec = &config->losses.items[i];
        if (!judges_answer(config, spec) || config->task.kind == LS_TASK_VAE)
            continue;
        if (ls_loss_find(spec->layer->name)->classifies)
            return width > 1 ? LS_ANSWER_SOFTMAX : LS_ANSWER_SIGMOID;
        if (!strcmp(spec->layer->name, "binary_cross_entropy"))
            return LS_ANSWER_SIGMOID;
    }
    return config->task.kind != LS_TASK_CLASSIFICATION ? LS_ANSWER_VALUES
           : width > 1                                 ? LS_ANSWER_SOFTMAX
                                                       : LS_ANSWER_SIGMOID;
}
