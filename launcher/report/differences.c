/* What differs between several runs: configs and results. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/chart/markup.h"
#include "launcher/report/page.h"

static void begin_table(const struct ls_page *page, const char *first) {
    fprintf(page->out, "<div class=\"wide\"><table><thead><tr><th>%s</th>", first);
    for (int r = 0; r < page->count; r++)
        ls_page_text(page, "<th>", page->records[r].history.name, "</th>");
    fputs("</tr></thead><tbody>\n", page->out);
}

static void print_difference(void *context, const char *key, const char *const *values) {
    const struct ls_page *page = context;
    ls_page_text(page, "<tr><td>", key, "</td>");
    for (int r = 0; r < page->count; r++)
        ls_page_text(page, "<td>",
                     !values[r]     ? "(not there)"
                     : values[r][0] ? values[r]
                                    : "(empty)",
                     "</td>");
    fputs("</tr>\n", page->out);
}

static void print_result(void *context, const char *key, const double *values) {
    const struct ls_page *page = context;
    char text[32];
    ls_page_text(page, "<tr><td>", key, "</td>");
    for (int r = 0; r < page->count; r++)
        fprintf(page->out, "<td>%s</td>",
                isnan(values[r]) ? "" : ls_markup_number(values[r], text));
    fputs("</tr>\n", page->out);
}

static void count_difference(void *context, const char *key, const char *const *values) {
    (void)key;
    (void)values;
    ++*(int *)context;
}

void ls_page_differences(const struct ls_page *page) {
    int differences = 0, missing = 0;
    for (int r = 0; r < page->count; r++)
        missing += !page->records[r].settings.count;
    ls_page_section(page, "results", "Results");
    begin_table(page, "result");
    ls_records_results(page->records, page->count, print_result, (void *)(uintptr_t)page);
    fputs("</tbody></table></div>\n</section>\n", page->out);
    ls_page_section(page, "differences", "What differs in the configs");
    if (missing)
        fprintf(page->out, "<p class=\"note\">%d of the runs have no config.</p>\n", missing);
    ls_records_compare(page->records, page->count, count_difference, &differences);
    if (differences) {
        begin_table(page, "key");
        ls_records_compare(page->records, page->count, print_difference, (void *)(uintptr_t)page);
        fputs("</tbody></table></div>\n", page->out);
    } else if (!missing)
        fputs("<p>Nothing: all keys have the same values.</p>\n", page->out);
    fputs("</section>\n", page->out);
}
