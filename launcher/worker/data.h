/* The data of a run: its parts as the config says, and what a model needs to know of them. */
#ifndef LS_LAUNCHER_DATA_H
#define LS_LAUNCHER_DATA_H

#include "core/models/model.h"
#include "io/dataset.h"
#include "io/loader.h"
#include "io/source.h"
#include "launcher/config/config.h"

enum { LS_PARTS = 3 };

struct ls_data {
    struct ls_dataset *datasets[LS_PARTS]; /* owned; by enum ls_source_role; NULL where absent */
    struct ls_part parts[LS_PARTS];        /* dataset NULL where absent */
    struct ls_shape input_shape;           /* of one sample */
    bool input_integer;                    /* indices for an embedding */
};

/* import: this process may fill the cache (one process does, before the others open). Errors about
 * a data.* key name it. */
LS_MUST_USE enum ls_status ls_data_open(struct ls_data *data, const struct ls_config *config,
                                        bool import, struct ls_error *error);
void ls_data_close(struct ls_data *data);

/* Every label of a classification, read once: one outside the model's classes is an error now, not
 * after an hour. Regressions pass. */
LS_MUST_USE enum ls_status ls_data_check_labels(const struct ls_data *data, int64_t classes,
                                                struct ls_error *error);

/* Targets have as many values as the loss of the model takes; else the error names the model's last
 * layer. A dataset without targets passes. */
LS_MUST_USE enum ls_status ls_check_targets(const struct ls_dataset *dataset,
                                            const struct ls_config *config,
                                            const struct ls_model *model, struct ls_error *error);

/* A model that starts with an embedding reads its inputs as indices; all others read numbers. */
bool ls_config_takes_indices(const struct ls_config *config);

/* $LOCKSTEP_DATA; NULL if it is not set. */
const char *ls_data_folder(void);

/* "train", "validation", "test" */
const char *ls_part_name(int role);

#endif
