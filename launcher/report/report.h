/* One HTML file that says what was trained, how well, and where it fails. */
#ifndef LS_LAUNCHER_REPORT_H
#define LS_LAUNCHER_REPORT_H

#include <stdio.h>

#include "launcher/report/look.h"
#include "launcher/report/record.h"

struct ls_report {
    const struct ls_record *records; /* [count] */
    int count;
    const struct ls_look *look; /* of the one run's model; NULL: of several runs, or left out */
    char *const *folders;       /* [folder_count] of files of lockstep explain */
    int folder_count;
};
void ls_report_write(FILE *out, const struct ls_report *report);

#endif
