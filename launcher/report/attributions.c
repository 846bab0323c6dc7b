/* How strongly each value of a sample speaks: bars of the strongest, or a curve along a series. */
#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/explain/explain.h"
#include "io/file.h"
#include "io/schema.h"
#include "launcher/chart/curves.h"
#include "launcher/report/explained.h"

enum { SHOWN_MAX = 20, NAME_MAX_BYTES = 256 };

/* The names of the run's table, one for each value of a row; NULL: it is none. Owned by the caller:
 * ls_schema_free_names. */
static char **load_columns(const struct ls_page *page, int *count) {
    char path[LS_TEXT_MAX], **names = NULL;
    struct ls_schema schema = {0};
    struct ls_error ignored;
    bool found = false;
    *count = 0;
    snprintf(path, sizeof path, "%.1000s/schema.json", page->records[0].history.run);
    if (ls_file_exists(path) && ls_schema_load(&schema, path, &found, &ignored) == LS_OK && found)
        *count = ls_schema_inputs(&schema, &names, NULL);
    ls_schema_clear(&schema);
    return names;
}

/* Methods that look at no layer explain what an embedding made, if they name one: tokens. */
static bool is_of_tokens(const struct ls_finding *finding) {
    const struct ls_explain_method *method = ls_explain_find(finding->notes[LS_FINDING_METHOD]);
    return finding->shape.rank == 1 && method && method->layer == LS_LAYER_UNUSED &&
           finding->notes[LS_FINDING_LAYER][0];
}

static void print_bar(const struct ls_page *page, const char *name, double value, double most) {
    ls_page_text(page, "<tr><td>", name, "</td>");
    fprintf(page->out,
            "<td class=\"n\">%.4g</td><td><div "
            "style=\"height:12px;margin-top:5px;width:calc(%.4f*min(180px,"
            "30vw));background:#0072B2\"></div></td></tr>\n",
            value, most > 0 ? fmax(value, 0) / most : 0.0);
}

static void print_bars(const struct ls_page *page, const struct ls_finding *finding,
                       char *const *columns, bool tokens) {
    double most = 0;
    bool *shown = ls_calloc((size_t)finding->width, sizeof *shown);
    for (int64_t i = 0; i < finding->width; i++)
        most = fmax(most, fabs(finding->strengths[i]));
    fputs("<table><tbody>\n", page->out);
    for (int n = 0; n < SHOWN_MAX && n < finding->width; n++) {
        char number[NAME_MAX_BYTES];
        int64_t best = -1;
        for (int64_t i = 0; i < finding->width; i++)
            if (!shown[i] && (best < 0 || finding->strengths[i] > finding->strengths[best]))
                best = i;
        shown[best] = true;
        snprintf(number, sizeof number, "%s %lld", tokens ? "position" : "value", (long long)best);
        print_bar(page, columns ? columns[best] : number, finding->strengths[best], most);
    }
    fputs("</tbody></table>\n", page->out);
    if (finding->width > SHOWN_MAX)
        fprintf(page->out, "<p class=\"note\">The %d largest of %lld.</p>\n", SHOWN_MAX,
                (long long)finding->width);
    free(shown);
}

/* Of each channel; of many, all of them together. */
static void print_curves(struct ls_page *page, const struct ls_finding *finding,
                         char *const *columns) {
    const int64_t positions = finding->shape.dims[0], channels = finding->width / positions;
    const bool each = channels <= LS_CURVES_MAX;
    struct ls_chart chart;
    ls_chart_create(&chart, "mean size of the attributions", LS_X_POSITION, LS_SCALE_LINEAR);
    for (int64_t c = 0; c < (each ? channels : 1); c++) {
        char name[NAME_MAX_BYTES];
        if (!each)
            snprintf(name, sizeof name, "%lld channels together", (long long)channels);
        else if (columns)
            snprintf(name, sizeof name, "%s", columns[c]);
        else
            snprintf(name, sizeof name, channels > 1 ? "channel %lld" : "all samples",
                     (long long)c);
        struct ls_series *series = ls_chart_add(&chart, name, (int)c, (int)c);
        for (int64_t p = 0; p < positions; p++) {
            double sum = 0;
            for (int64_t k = each ? c : 0; k < (each ? c + 1 : channels); k++)
                sum += finding->strengths[p * channels + k];
            ls_series_add(series, (double)p, sum);
        }
    }
    fputs("<div class=\"grid\">\n", page->out);
    ls_page_chart(page, &chart);
    fputs("</div>\n", page->out);
    ls_chart_clear(&chart);
}

/* What the numbers are. */
static void print_meaning(const struct ls_page *page, const struct ls_finding *finding) {
    if (finding->samples)
        fprintf(page->out, "<p>Mean size of the attributions of %llu samples.</p>\n",
                (unsigned long long)finding->samples);
    if (!finding->notes[LS_FINDING_METRIC][0])
        return;
    ls_page_text(page, "<p>Loss in ", finding->notes[LS_FINDING_METRIC], "");
    if (isfinite(finding->metric_value))
        fprintf(page->out, ", which is %.4g", finding->metric_value);
    if (finding->metric_samples > 0)
        fprintf(page->out, " of %.0f samples", finding->metric_samples);
    fputs(".</p>\n", page->out);
}

void ls_page_attributions(struct ls_page *page, const struct ls_finding *finding) {
    int count;
    char **columns = load_columns(page, &count);
    const bool series = finding->shape.rank == 2, tokens = is_of_tokens(finding);
    const bool named = count == (series ? finding->shape.dims[1] : finding->width);
    print_meaning(page, finding);
    if (series || (tokens && finding->width > 1))
        print_curves(page, finding, named && series ? columns : NULL);
    if (!series)
        print_bars(page, finding, named && !tokens ? columns : NULL, tokens);
    ls_schema_free_names(columns, count);
}
