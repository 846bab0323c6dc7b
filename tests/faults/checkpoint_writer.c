/* A program to break: `checkpoint_writer save RUN STEP RANKS KEEP` commits a checkpoint of the
 * fixture, playing all ranks; `checkpoint_writer check RUN` finds the newest intact one, compares
 * every value and prints its step. Exit code 3: it failed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/checkpoint_fixture.h"

static enum ls_status verify_all(const char *run, struct ls_error *error) {
    uint64_t *steps;
    int count;
    enum ls_status status = ls_checkpoint_list(run, &steps, &count, error);
    for (int i = 0; i < count && status == LS_OK; i++) {
        struct ls_checkpoint checkpoint;
        status = ls_checkpoint_open(run, steps[i], &checkpoint, error);
        ls_checkpoint_clear(&checkpoint);
    }
    free(steps);
    return status;
}

static enum ls_status check(const char *run, const struct ls_parameter_set *set,
                            struct ls_error *error) {
    struct ls_checkpoint checkpoint;
    bool found;
    enum ls_status status = ls_checkpoint_newest(
        &(struct ls_checkpoint_search){.run = run, .set_aside = true}, &checkpoint, &found, error);
    if (status == LS_OK)
        status = verify_all(run, error);
    if (status == LS_OK && found)
        status = ls_fixture_check(&checkpoint, set, 3, error);
    if (status == LS_OK)
        printf("%" PRIu64 "\n", found ? checkpoint.step : 0);
    ls_checkpoint_clear(&checkpoint);
    return status;
}

int main(int argc, char **argv) {
    struct ls_parameter_set *set = ls_fixture_parameters();
    struct ls_error error = {0};
    enum ls_status status = LS_INVALID;
    if (argc == 6 && strcmp(argv[1], "save") == 0)
        status = ls_fixture_save(argv[2], set, strtoull(argv[3], NULL, 10), atoi(argv[4]),
                                 atoi(argv[5]), &error);
    else if (argc == 3 && strcmp(argv[1], "check") == 0)
        status = check(argv[2], set, &error);
    ls_parameters_destroy(set);
    if (status != LS_OK)
        fprintf(stderr, "checkpoint_writer: %s\n", error.text);
    return status == LS_OK ? 0 : 3;
}
