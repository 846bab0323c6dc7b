#include "io/column_names.h"

#include "io/hdf5_support.h"
#include "io/trial.h"

struct wanted {
    const char *path, *column;
    char **names;
    int count;
};

static enum ls_status load(struct wanted *wanted, struct ls_error *error) {
    struct ls_hdf5_file file = {.path = wanted->path, .links = true}; /* the data set allowed it */
    struct ls_hdf5_dataset dataset;
    enum ls_status status = ls_hdf5_open_file(wanted->path, &file.id, error);
    if (status != LS_OK)
        return status;
    status = ls_hdf5_open_dataset(&file, wanted->column, &dataset, error);
    if (status == LS_OK) {
        if (H5Aexists(dataset.id, "columns") > 0)
            status = ls_hdf5_texts(dataset.id, "columns", &wanted->names, &wanted->count, error);
        H5Dclose(dataset.id);
    }
    H5Fclose(file.id);
    return status;
}

static enum ls_status try_load(void *context, int part, struct ls_error *error) {
    struct wanted wanted = *(const struct wanted *)context;
    (void)part;
    return load(&wanted, error);
}

enum ls_status ls_column_names(const char *path, const char *column, char ***names, int *count,
                               struct ls_error *error) {
    struct wanted wanted = {.path = path, .column = column};
    const struct ls_trial trial = {.work = try_load, .context = &wanted, .path = path};
    enum ls_status status = ls_trial_run(&trial, error);
    if (status == LS_OK)
        status = load(&wanted, error);
    *names = wanted.names;
    *count = wanted.count;
    return status == LS_OK ? LS_OK : ls_fail_context(error, "%s: %s: ", path, column);
}
