#include "launcher/report/report.h"

#include "launcher/report/page.h"

void ls_report_write(FILE *out, const struct ls_report *report) {
    const int count = report->count;
    struct ls_page page = {.out = out,
                           .records = report->records,
                           .count = count,
                           .look = report->look,
                           .folders = report->folders,
                           .folder_count = report->folder_count};
    ls_page_begin(&page);
    if (count > 1)
        fprintf(out, "<h1>%d runs</h1>\n", count);
    ls_page_results(&page);
    if (count > 1)
        ls_page_differences(&page);
    ls_page_curves(&page);
    if (count == 1) {
        ls_page_times(&page);
        ls_page_classes(&page);
        ls_page_mistakes(&page);
        ls_page_explained(&page);
        ls_page_samples(&page);
    }
    ls_page_story(&page);
    ls_page_configs(&page);
    ls_page_end(&page);
}
