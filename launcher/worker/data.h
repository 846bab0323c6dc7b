/* The data of a run: parts (train, validation, test) as the config says, and what a model needs to know of them. */
#ifndef LS_LAUNCHER_DATA_H
#define LS_LAUNCHER_DATA_H

#include "io/dataset.h"
#include "launcher/config/config.h"

struct ls_data {
    struct ls_dataset *datasets[3];  /* owned; by enum ls_source_role; NULL where absent */
    struct ls_part parts[3];
    struct ls_shape input_shape;
    bool input_integer;
    int64_t classes;                 /* of a classification: largest label + 1 over all parts; else 0 */
};

/* import: this process may fill the cache (one process per host does, before the others open). */
LS_MUST_USE enum ls_status ls_data_open(struct ls_data *data, const struct ls_config *config, bool import,
                                        struct ls_error *error);
void ls_data_close(struct ls_data *data);

/* $LOCKSTEP_DATA, made absolute; NULL if it is not set. */
const char *ls_data_folder(void);

#endif
