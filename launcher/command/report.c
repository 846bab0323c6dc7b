/* lockstep report: a page about one run, or about several beside each other. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "io/file.h"
#include "launcher/command/run_options.h"
#include "launcher/exit_codes.h"
#include "launcher/report/report.h"

enum { RUNS_MAX = 16 };

struct report_options {
    char out[LS_TEXT_MAX];
    struct ls_texts explained;
    bool records_only;
    int64_t threads;
};

static const char usage[] = "RUN... --out FILE.html [--explained FOLDER]... [--records-only]";

static const struct ls_option options[] = {
    {.field = {.name = "out",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct report_options, out),
               .help = "the file to write"}},
    {.field = {.name = "explained",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct report_options, explained),
               .initial = "",
               .help = "a folder that lockstep explain has written to; may be repeated"},
     .repeated = true},
    {.field = {.name = "records-only",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct report_options, records_only),
               .initial = "false",
               .help = "without the model: no mistakes, and nothing that it makes up"}},
    LS_OPTION_THREADS(struct report_options),
};

static enum ls_status write_report(const struct ls_record *records, int count,
                                   const struct report_options *given, struct ls_error *error) {
    struct ls_look look = {0};
    const bool looks = count == 1 && !given->records_only;
    char *text = NULL;
    size_t size = 0;
    if (looks)
        ls_look_run(&look, records[0].history.run, given->threads);
    if (look.problem)
        ls_log(LS_LOG_WARNING, "the page says nothing of mistakes: %s", look.problem);
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for a report of %d runs", count);
    ls_report_write(out, &(struct ls_report){.records = records,
                                             .count = count,
                                             .look = looks ? &look : NULL,
                                             .folders = given->explained.items,
                                             .folder_count = given->explained.count});
    LS_ASSERT(!fclose(out), "no memory for a report of %d runs", count);
    const enum ls_status status = ls_file_write(given->out, text, size, error);
    ls_look_clear(&look);
    free(text);
    return status;
}

static int run_report(int argument_count, char **arguments, const void *given_options) {
    const struct report_options *given = given_options;
    struct ls_error error;
    struct ls_record *records = NULL;
    if (!ls_path_ends(given->out, ".html")) {
        ls_fail(&error, LS_INVALID,
                "report: expected --out FILE.html, found '%.200s'\nusage: lockstep report %s\n"
                "see `lockstep help report`",
                given->out, usage);
        return ls_command_fail(&error);
    }
    if (given->explained.count && argument_count > 1) {
        ls_fail(&error, LS_INVALID, "report: --explained goes with one run, found %d",
                argument_count);
        return ls_command_fail(&error);
    }
    for (int i = 0; i < given->explained.count; i++)
        if (!ls_file_exists(given->explained.items[i])) {
            ls_fail(&error, LS_INVALID, "--explained: there is no folder '%.500s'",
                    given->explained.items[i]);
            return ls_command_fail(&error);
        }
    enum ls_status status = ls_records_read(&records, arguments, argument_count, &error);
    if (status == LS_OK)
        status = write_report(records, argument_count, given, &error);
    ls_records_free(records, argument_count);
    if (status == LS_OK)
        printf("%s: written\n", given->out);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_report = {
    .name = "report",
    .usage = usage,
    .help = "a page about a run: curves, results, where it is wrong; or about several",
    .details = "One HTML file that needs nothing else. It tries the run's model on its test data "
               "(else validation data) for the\n"
               "worst mistakes, unless told otherwise; of several runs it shows curves over each "
               "other, and what differs.",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = RUNS_MAX,
    .run = run_report,
    .options_size = sizeof(struct report_options),
};
