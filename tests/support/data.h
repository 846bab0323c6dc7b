/* Small data files for tests: written by hand, so that readers are not tested against our own
 * writers only. */
#ifndef LS_TESTS_DATA_H
#define LS_TESTS_DATA_H

#include <stdint.h>

#include "io/dataset.h"
#include "io/kind.h"

/* PATH-IN-THE-TEST'S-FOLDER/name; one of eight buffers in turn. */
const char *ls_test_path(const char *name);

/* Writes text or bytes to a file of the test's folder and returns its path. */
const char *ls_test_file(const char *name, const void *bytes, uint64_t count);
const char *ls_test_text(const char *name, const char *text);

/* An HDF5 file with inputs [rows, values] and targets [rows] (NULL: none) of those kinds. */
const char *ls_test_dataset(const char *name, uint64_t rows, struct ls_shape row,
                            enum ls_kind input_kind, const void *inputs, enum ls_kind target_kind,
                            const void *targets);

/* The two feeds of plain files: "inputs" from /inputs, "targets" from /targets. */
extern const struct ls_feed_options ls_test_inputs, ls_test_targets;

/* A use of one of them; limit 0: none. */
struct ls_feed_use ls_test_use(const struct ls_feed_options *feed, enum ls_type type,
                               int64_t limit);
/* Reads samples of one of them without a limit. */
enum ls_status ls_test_read(struct ls_dataset *dataset, const struct ls_feed_options *feed,
                            enum ls_type type, const uint64_t *samples, int64_t count, void *to);

/* The last error's text must contain part. */
void ls_test_error_has(const char *part);

#endif
