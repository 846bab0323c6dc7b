/* What a model does with the data of a run: which feeds are read, and whether their values fit. */
#include <stdio.h>
#include <string.h>

#include "launcher/worker/data.h"

int ls_data_uses(const struct ls_data *data, int role, const struct ls_worker *worker,
                 struct ls_feed_use uses[LS_FEEDS_MAX]) {
    for (int i = 0; i < worker->input_count; i++) {
        const struct ls_model_input *input = &worker->inputs[i];
        const bool open = data->feeds[input->feed].shape.rank == LS_FEED_OPEN;
        uses[i] = (struct ls_feed_use){.feed = open ? NULL : &data->options[role][input->feed],
                                       .type = input->value->type,
                                       .limit = input->limit,
                                       .ignores = input->ignores,
                                       .ignored = input->ignored,
                                       .zero_to_one = input->zero_to_one};
    }
    return worker->input_count;
}

/* Labels of a table that do not count from 0 are words to number. */
static void hint_classes(const struct ls_data *data, struct ls_error *error) {
    const struct ls_schema_column *target = ls_schema_role(&data->schema, LS_ROLE_TARGET);
    const size_t used = strlen(error->text);
    if (target && target->kind == LS_CELL_NUMBER && strstr(error->text, "expected a label"))
        snprintf(error->text + used, sizeof error->text - used,
                 "\n(--categorical %s numbers the labels of a table from 0)", target->name);
}

enum ls_status ls_data_check(const struct ls_data *data, const struct ls_worker *worker,
                             struct ls_error *error) {
    struct ls_feed_use uses[LS_FEEDS_MAX];
    enum ls_status status = LS_OK;
    for (int role = 0; role < LS_PARTS && status == LS_OK; role++) {
        const int count = ls_data_uses(data, role, worker, uses);
        for (int i = 0; i < count && data->datasets[role] && status == LS_OK; i++)
            if (uses[i].feed && uses[i].limit)
                status = ls_dataset_check(data->datasets[role], &uses[i], error);
    }
    if (status != LS_OK)
        hint_classes(data, error);
    return status;
}

bool ls_data_scales(const struct ls_data *data, const char *parameter) {
    for (int i = 0; i < data->feed_count; i++) {
        const struct ls_feed_constants names = ls_feed_constants(data->feeds[i].name);
        if (data->feeds[i].scaling != LS_FEED_AS_IT_IS &&
            (!strcmp(parameter, names.mean) || !strcmp(parameter, names.scale)))
            return true;
    }
    return false;
}
