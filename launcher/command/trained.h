/* A finished or broken-off run, opened by one process to use its model: evaluate, predict. */
#ifndef LS_LAUNCHER_TRAINED_H
#define LS_LAUNCHER_TRAINED_H

#include "launcher/worker/data.h"
#include "launcher/worker/saved.h"
#include "launcher/worker/worker.h"

struct ls_trained {
    struct ls_saved_run run;
    struct ls_data data; /* of the config, or --data as its test part */
    bool given;          /* --data */
    struct ls_worker worker;
};

struct ls_trained_options {
    const char *run;
    const char *file;  /* a data source as in a config; "": the run's own data */
    const char *cache; /* where what is imported of it goes; NULL: the cache */
    bool targets;      /* whether the file must have them */
    bool answers;      /* only outputs are wanted, no loss */
    const char *layer; /* see struct ls_worker_options; NULL: none */
    int64_t threads;   /* 0: the config's */
};

/* Loads the newest intact checkpoint of a run. */
LS_MUST_USE enum ls_status ls_trained_open(struct ls_trained *trained,
                                           const struct ls_trained_options *options,
                                           struct ls_error *error);
void ls_trained_close(struct ls_trained *trained);

/* From standardised targets, as the model gives them, to those of the data: output / scale + mean.
 */
struct ls_units {
    float *scales; /* [width] owned, as the next; NULL: outputs are as they are */
    double *means;
    bool centred; /* their numbers need the digits of double */
};

/* Those of a run whose model gives `width` numbers of a sample. ls_units_clear, also after an
 * error. */
LS_MUST_USE enum ls_status ls_trained_load_units(const struct ls_trained *trained, int64_t width,
                                                 struct ls_units *units, struct ls_error *error);
void ls_units_clear(struct ls_units *units);

/* Loads a part (enum ls_source_role) in order, for this process alone. */
LS_MUST_USE enum ls_status ls_trained_load(struct ls_trained *trained, int role,
                                           struct ls_loader **loader, struct ls_error *error);

#endif
