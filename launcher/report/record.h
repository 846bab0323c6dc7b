/* All that a run's folder says of the run, without its model: for report and compare. What is not
 * there is NULL or 0. */
#ifndef LS_LAUNCHER_RECORD_H
#define LS_LAUNCHER_RECORD_H

#include <jansson.h>

#include "launcher/worker/history.h"
#include "launcher/config/settings.h"

/* A checkpoint, by its manifest; whether its files are whole, `lockstep checkpoint verify` says. */
struct ls_kept {
    uint64_t step, bytes;
    double seconds; /* of training until then */
    int world_size;
    int64_t parameters; /* values of the model */
};

struct ls_record {
    struct ls_history history; /* no lines: history_problem says why */
    char *history_problem;     /* owned, like the rest */
    char *config;              /* RUN/config.yaml, else that of the newest checkpoint */
    struct ls_settings settings;
    json_t *result; /* RUN/result.json */
    json_t *ranks;  /* array: of each rank of the last start, what it left behind */
    json_t *starts; /* array, as ls_starts_read has it */
    int kept_count;
    struct ls_kept *kept; /* the checkpoints that are there, by rising steps */
};

/* A folder that holds nothing of a run is LS_INVALID; a file of ours that was changed LS_DAMAGED.
 * *records[count] is owned by the caller (ls_records_free), also after an error. */
LS_MUST_USE enum ls_status ls_records_read(struct ls_record **records, char *const *runs, int count,
                                           struct ls_error *error);
void ls_records_free(struct ls_record *records, int count);

/* "train", "validation", "test": its metrics in the result; NULL: it has none. */
const json_t *ls_record_part(const struct ls_record *record, int role);
/* Whether training went on after result.json was written. */
bool ls_record_outdated(const struct ls_record *record);

/* Keys whose values differ between runs, in the order of the first that has them. values[count] of
 * each, NULL: a run does not have the key. Called for each. Returns how many there are. */
typedef void ls_record_difference(void *context, const char *key, const char *const *values);
int ls_records_compare(const struct ls_record *records, int count, ls_record_difference *difference,
                       void *context);

/* A key of results ("test.accuracy") with the value of each run, NAN where it has none; in the
 * order of the first run that has it. */
typedef void ls_record_result(void *context, const char *key, const double *values);
void ls_records_results(const struct ls_record *records, int count, ls_record_result *result,
                        void *context);

#endif
