/* How far attributions can be trusted (`lockstep explain --faithfulness`), and what setting
 * concepts changes. */
#include <math.h>

#include "launcher/chart/chart.h"
#include "launcher/chart/markup.h"
#include "launcher/report/explained.h"

enum { SIZES_MAX = 33 };

/* Under a curve of points from 0 to 1. */
static double area_of(const double *values, int64_t points) {
    double sum = 0;
    for (int64_t i = 0; i + 1 < points; i++)
        sum += (values[i] + values[i + 1]) / 2;
    return sum / (double)(points - 1);
}

static void print_check(const struct ls_page *page, const char *name, double value,
                        const char *meaning) {
    char number[32];
    if (isfinite(value))
        fprintf(page->out, "<tr><td>%s</td><td class=\"n\">%s</td><td>%s</td></tr>\n", name,
                ls_markup_number(value, number), meaning);
}

static void print_curves(struct ls_page *page, const struct ls_finding_checks *checks) {
    const double *const values[] = {checks->deletion, checks->insertion};
    static const char *const names[] = {"deletion", "insertion"};
    struct ls_chart chart;
    ls_chart_create(&chart, "explained value, mean over samples", LS_X_FEATURES, LS_SCALE_LINEAR);
    for (int k = 0; k < 2; k++) {
        struct ls_series *series = ls_chart_add(&chart, names[k], k, k);
        for (int64_t i = 0; i < checks->points; i++)
            ls_series_add(series, 100 * (double)i / (double)(checks->points - 1), values[k][i]);
    }
    fputs("<div class=\"grid\">\n", page->out);
    ls_page_chart(page, &chart);
    fputs("</div>\n", page->out);
    ls_chart_clear(&chart);
}

void ls_page_checks(struct ls_page *page, const struct ls_finding_checks *checks) {
    const bool curves = checks->points > 1;
    if (!curves && isnan(checks->noise_sensitivity) && isnan(checks->random_weights_correlation))
        return;
    fputs("<h4>How far that can be trusted</h4>\n<table class=\"read\"><thead><tr><th>check</th>"
          "<th class=\"n\">mean</th><th>how to read it</th></tr></thead><tbody>\n",
          page->out);
    if (curves) {
        print_check(page, "area under deletion", area_of(checks->deletion, checks->points),
                    "The explained value while features are taken away, those with the largest "
                    "attributions first: the lower, the better these were found.");
        print_check(page, "area under insertion", area_of(checks->insertion, checks->points),
                    "The explained value while they are put in, in the same order, where nothing "
                    "was: the higher, the better.");
    }
    print_check(page, "sensitivity to noise", checks->noise_sensitivity,
                "How far attributions move, as a share of their size, with a little noise on the "
                "sample: near 0 they are steady, from about 1 on they are another explanation.");
    print_check(page, "correlation with random weights", checks->random_weights_correlation,
                "How alike they are to the attributions of a model that has learned nothing: near "
                "1 they say nothing of what was learned.");
    fputs("</tbody></table>\n", page->out);
    if (curves)
        print_curves(page, checks);
}

void ls_page_change(const struct ls_page *page, const struct ls_finding_change *change) {
    const double samples = (double)change->samples;
    fprintf(page->out, "<p>%llu of %llu answers change", (unsigned long long)change->changed,
            (unsigned long long)change->samples);
    if (change->judged)
        fprintf(page->out, "; accuracy %.4f before, %.4f after",
                (double)change->right_before / samples, (double)change->right_after / samples);
    fputs(".</p>\n", page->out);
    if (!change->sizes)
        return;
    fputs("<table><thead><tr><th class=\"n\">concepts put right</th><th class=\"n\">accuracy</th>"
          "</tr></thead><tbody>\n",
          page->out);
    for (int64_t k = 0; k < change->sizes && k < SIZES_MAX; k++)
        fprintf(page->out, "<tr><td class=\"n\">%lld</td><td class=\"n\">%.4f</td></tr>\n",
                (long long)k, change->corrected[k]);
    fputs("</tbody></table>\n", page->out);
    if (change->sizes > SIZES_MAX)
        fprintf(page->out, "<p class=\"note\">The first %d of %lld.</p>\n", SIZES_MAX,
                (long long)change->sizes);
}
