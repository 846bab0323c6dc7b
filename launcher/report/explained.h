/* Private to this folder: what stands below the heading of one file of `lockstep explain`. */
#ifndef LS_LAUNCHER_REPORT_EXPLAINED_H
#define LS_LAUNCHER_REPORT_EXPLAINED_H

#include "io/explained.h"
#include "launcher/report/page.h"

/* Of a file that has strengths. */
void ls_page_attributions(struct ls_page *page, const struct ls_finding *finding);
/* How far they can be trusted; nothing, where the file does not say. */
void ls_page_checks(struct ls_page *page, const struct ls_finding_checks *checks);
/* How answers change where concepts are set, of a file that is about that. */
void ls_page_change(const struct ls_page *page, const struct ls_finding_change *change);

#endif
