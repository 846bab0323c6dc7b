/* Private to this folder: the sections of the report's page. The page is XML, too, so that a test
 * can read it with any parser. */
#ifndef LS_LAUNCHER_PAGE_H
#define LS_LAUNCHER_PAGE_H

#include <stdio.h>

#include "launcher/chart/chart.h"
#include "launcher/report/look.h"
#include "launcher/report/record.h"

struct ls_page {
    FILE *out;
    const struct ls_record *records; /* [count] */
    int count;
    const struct ls_look *look; /* of the one run's model; NULL: of several runs */
    char *const *folders;       /* [folder_count] of files of lockstep explain */
    int folder_count;
    int charts; /* so far: each has an id of its own */
};

void ls_page_begin(const struct ls_page *page); /* with the style, to <main> */
void ls_page_end(const struct ls_page *page);
/* "<section id=ID><h2>TITLE</h2>"; "</section>" is the caller's */
void ls_page_section(const struct ls_page *page, const char *id, const char *title);
/* printf with one text from outside, escaped: "<td>%s</td>". */
void ls_page_text(const struct ls_page *page, const char *before, const char *text,
                  const char *after);

void ls_page_chart(struct ls_page *page, const struct ls_chart *chart);
/* A picture, inside the page; alternative: what it shows, in words. */
void ls_page_png(const struct ls_page *page, const void *bytes, size_t count,
                 const char *alternative);
/* The same of an SVG file, none of whose scripts or addresses are followed there. */
void ls_page_svg(const struct ls_page *page, const void *bytes, size_t count,
                 const char *alternative);

void ls_page_results(const struct ls_page *page);     /* what was trained, and how well */
void ls_page_differences(const struct ls_page *page); /* of several runs */
void ls_page_curves(struct ls_page *page);
void ls_page_times(const struct ls_page *page);   /* where the time went */
void ls_page_classes(const struct ls_page *page); /* of each class, and the confusion matrix */
void ls_page_mistakes(const struct ls_page *page);
void ls_page_samples(const struct ls_page *page); /* what the model makes up */
void ls_page_explained(struct ls_page *page);     /* what lockstep explain has found */
void ls_page_story(const struct ls_page *page);   /* starts, checkpoints, machine */
void ls_page_configs(const struct ls_page *page);

#endif
