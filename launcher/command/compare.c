/* lockstep compare: what differs between two runs, in their configs and in what they reached. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "launcher/command/command.h"
#include "launcher/exit_codes.h"
#include "launcher/report/record.h"

static void print_difference(void *context, const char *key, const char *const *values) {
    (void)context;
    const char *shown[2];
    for (int r = 0; r < 2; r++)
        shown[r] = !values[r] ? "(not there)" : values[r][0] ? values[r] : "(empty)";
    printf("  %-36s %-24s %s\n", key, shown[0], shown[1]);
}

/* A number that a run does not have is a blank. */
static void print_result(void *context, const char *key, const double *values) {
    (void)context;
    char shown[2][32] = {"", ""};
    if (isnan(values[0]) && isnan(values[1]))
        return;
    for (int r = 0; r < 2; r++)
        if (!isnan(values[r]))
            snprintf(shown[r], sizeof shown[r], "%.8g", values[r]);
    if (shown[0][0] && shown[1][0])
        printf("  %-36s %-24s %-24s %+.4g\n", key, shown[0], shown[1], values[1] - values[0]);
    else
        printf("  %-36s %-24s %s\n", key, shown[0], shown[1]);
}

static const char *digest_of(const struct ls_record *record) {
    return json_string_value(json_object_get(record->result, "parameters_digest"));
}

static void compare(const struct ls_record *records) {
    const char *digests[2];
    printf("%-38s %-24s %s\n", "", records[0].history.name, records[1].history.name);
    printf("config\n");
    for (int r = 0; r < 2; r++)
        if (!records[r].settings.count)
            printf("  %s has no config\n", records[r].history.run);
    const bool both = records[0].settings.count && records[1].settings.count;
    if (both && !ls_records_compare(records, 2, print_difference, NULL))
        printf("  no key differs\n");
    printf("result\n");
    for (int r = 0; r < 2; r++) {
        digests[r] = digest_of(&records[r]);
        if (!records[r].result)
            printf("  %s has no result.json: it has not ended\n", records[r].history.run);
        else if (ls_record_outdated(&records[r]))
            printf("  %s has gone on since its result was written\n", records[r].history.run);
    }
    ls_records_results(records, 2, print_result, NULL);
    if (digests[0] && digests[1])
        printf("  parameters: %s\n",
               strcmp(digests[0], digests[1]) ? "they differ" : "the same, bit for bit");
}

static int run_compare(int argument_count, char **arguments, const void *options) {
    (void)options;
    struct ls_error error;
    struct ls_record *records = NULL;
    const enum ls_status status = ls_records_read(&records, arguments, argument_count, &error);
    if (status == LS_OK)
        compare(records);
    ls_records_free(records, argument_count);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_compare = {
    .name = "compare",
    .usage = "RUN RUN",
    .help = "what differs between two runs: configs and results",
    .details = "The last column is the second run's number less the first one's.",
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_compare,
};
