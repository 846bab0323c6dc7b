/* What `lockstep export` hands to a format: a run's model with the values that it is used with.
 * Nothing of the run's data is read: what the model must know of it stands in the checkpoint. */
#ifndef LS_LAUNCHER_EXPORT_H
#define LS_LAUNCHER_EXPORT_H

#include "io/schema.h"
#include "launcher/worker/saved.h"

struct ls_exported {
    char run[LS_TEXT_MAX];     /* its folder */
    struct ls_saved_run saved; /* config and state; owned, like all that follows */
    struct ls_feed feeds[LS_FEEDS_MAX];
    int feed_count;
    struct ls_schema schema; /* of the training data; no columns: it is no table. Its class names:
                                ls_schema_classes */
    struct ls_parameter_set *parameters; /* of all phases, those of losses, too */
    float *flat;                         /* their values, as `evaluate` uses them */
    struct ls_model model; /* what answers: the last phase without losses, planned for one sample,
                              with ls_graph_prepare done */
};

/* from: a run, or a checkpoint in one. ls_exported_close, also after an error. */
LS_MUST_USE enum ls_status ls_exported_open(struct ls_exported *exported, const char *from,
                                            struct ls_error *error);
void ls_exported_close(struct ls_exported *exported);

/* Writes a file, whole or not at all. An error names the path, or the layer that the format has no
 * words for. */
typedef enum ls_status ls_export_function(const struct ls_exported *exported, const char *path,
                                          struct ls_error *error);

struct ls_export_format {
    const char *name;
    const char *help;
    ls_export_function *write;
};

ls_export_function ls_export_safetensors, ls_export_npz, ls_export_hdf5, ls_export_onnx;

#endif
