/* Mistakes as pictures or rows, and what the model makes up. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/png.h"
#include "launcher/chart/markup.h"
#include "launcher/report/page.h"

enum { SIDE_MAX = 80, COLUMNS_MAX = 12 };

static bool is_picture(const struct ls_look *look) {
    return look->shape.rank == 3 && (look->shape.dims[2] == 1 || look->shape.dims[2] == 3);
}

/* Squares of `by` pixels become one: pages stay small. */
static float *shrink(const float *sample, struct ls_shape shape, int64_t by) {
    const int64_t height = shape.dims[0] / by, width = shape.dims[1] / by, channels = shape.dims[2];
    float *small = ls_calloc((size_t)(height * width * channels), sizeof *small);
    for (int64_t y = 0; y < height * by; y++)
        for (int64_t x = 0; x < width * by; x++)
            for (int64_t c = 0; c < channels; c++)
                small[((y / by) * width + x / by) * channels + c] +=
                    sample[(y * shape.dims[1] + x) * channels + c] / (float)(by * by);
    return small;
}

/* Black and white are 0 and 1, unless the values lie elsewhere. */
static void print_picture(const struct ls_page *page, const float *sample,
                          const char *alternative) {
    const struct ls_shape shape = page->look->shape;
    const int64_t side = shape.dims[0] > shape.dims[1] ? shape.dims[0] : shape.dims[1];
    int64_t by = (side + SIDE_MAX - 1) / SIDE_MAX;
    by = by < shape.dims[0] ? by : shape.dims[0];
    by = by < shape.dims[1] ? by : shape.dims[1];
    float *small = shrink(sample, shape, by);
    struct ls_png_grid grid = {.count = 1,
                               .height = shape.dims[0] / by,
                               .width = shape.dims[1] / by,
                               .channels = shape.dims[2],
                               .high = 1};
    for (int64_t i = 0; i < grid.height * grid.width * grid.channels; i++) {
        grid.low = small[i] < grid.low ? small[i] : grid.low;
        grid.high = small[i] > grid.high ? small[i] : grid.high;
    }
    void *bytes;
    size_t count;
    struct ls_error error;
    if (ls_png_encode_grid("a picture", small, &grid, &bytes, &count, &error) == LS_OK)
        ls_page_png(page, bytes, count, alternative);
    else
        ls_page_text(page, "<p class=\"note\">", error.text, "</p>");
    free(bytes);
    free(small);
}

/* The sample's own name, or its number in the data set. */
static void row_name(const struct ls_look *look, uint64_t row, char *text, size_t size) {
    const struct ls_row_names *names = &look->names;
    if (names->ids && row < names->count && names->ids[row])
        snprintf(text, size, "%s", names->ids[row]);
    else if (names->numbers && row < names->count)
        snprintf(text, size, "%" PRId64, names->numbers[row]);
    else
        snprintf(text, size, "%" PRIu64, row);
}

static void print_pictures(const struct ls_page *page, const struct ls_mistakes *mistakes) {
    const struct ls_look *look = page->look;
    fputs("<div class=\"pictures\">\n", page->out);
    for (int i = 0; i < mistakes->count; i++) {
        const struct ls_mistake *mistake = &mistakes->items[i];
        char row[LS_ROW_NAME_BYTES_MAX + 1], name[LS_ROW_NAME_BYTES_MAX + 16];
        row_name(look, mistake->row, row, sizeof row);
        snprintf(name, sizeof name, "sample %s", row);
        fputs("<figure>", page->out);
        print_picture(page, mistake->sample, name);
        if (mistake->made)
            print_picture(page, mistake->made, "what the model makes of it");
        ls_page_text(page, "<figcaption>", name, "<br/>");
        if (look->kind == LS_LOOK_CLASSES) {
            ls_page_text(page, "answer <b>", look->classes[mistake->answer], "</b>");
            fprintf(page->out, " (%.1f%%)", 100 * mistake->answer_share);
            ls_page_text(page, "<br/>label <b>", look->classes[mistake->label], "</b>");
            fprintf(page->out, " (%.2g%%)", 100 * mistake->label_share);
        } else
            fprintf(page->out, "error %.4g", mistake->score);
        fputs("</figcaption></figure>\n", page->out);
    }
    fputs("</div>\n", page->out);
}

static void print_numbers(const struct ls_page *page, const double *values, int64_t count) {
    fputs("<td class=\"n\">", page->out);
    for (int64_t i = 0; i < count && i < LS_ANSWERS_SHOWN_MAX; i++)
        fprintf(page->out, "%s%.5g", i ? ", " : "", values[i]);
    fprintf(page->out, "%s</td>", count > LS_ANSWERS_SHOWN_MAX ? ", \xE2\x80\xA6" : "");
}

static void print_row(const struct ls_page *page, const struct ls_mistake *mistake, int64_t shown) {
    const struct ls_look *look = page->look;
    char row[LS_ROW_NAME_BYTES_MAX + 1];
    row_name(look, mistake->row, row, sizeof row);
    ls_page_text(page, "<tr><td>", row, "</td>");
    if (look->kind == LS_LOOK_CLASSES) {
        ls_page_text(page, "<td>", look->classes[mistake->label], "");
        fprintf(page->out, " (%.2g%%)</td>", 100 * mistake->label_share);
        ls_page_text(page, "<td>", look->classes[mistake->answer], "");
        fprintf(page->out, " (%.1f%%)</td>", 100 * mistake->answer_share);
    } else {
        print_numbers(page, mistake->targets, look->width);
        print_numbers(page, mistake->outputs, look->width);
        fprintf(page->out, "<td class=\"n\">%.4g</td>", mistake->score);
    }
    for (int64_t i = 0; mistake->sample && i < shown; i++)
        fprintf(page->out, "<td class=\"n\">%.5g</td>", (double)mistake->sample[i]);
    fputs("</tr>\n", page->out);
}

/* With the values of samples that are short. */
static void print_rows(const struct ls_page *page, const struct ls_mistakes *mistakes) {
    const struct ls_look *look = page->look;
    const int64_t values = mistakes->items[0].sample ? ls_shape_count(look->shape) : 0;
    const int64_t shown = look->shape.rank > 1 && !look->columns ? 0
                          : values < COLUMNS_MAX                 ? values
                                                                 : COLUMNS_MAX;
    fputs("<div class=\"wide\"><table><thead><tr><th>sample</th>", page->out);
    fputs(look->kind == LS_LOOK_CLASSES
              ? "<th>label</th><th>answer</th>"
              : "<th class=\"n\">is</th><th class=\"n\">answer</th><th class=\"n\">error</th>",
          page->out);
    for (int64_t i = 0; i < shown; i++) {
        if (look->columns)
            ls_page_text(page, "<th class=\"n\">", look->columns[i], "</th>");
        else
            fprintf(page->out, "<th class=\"n\">%" PRId64 "</th>", i);
    }
    fputs("</tr></thead><tbody>\n", page->out);
    for (int i = 0; i < mistakes->count; i++)
        print_row(page, &mistakes->items[i], shown);
    fputs("</tbody></table></div>\n", page->out);
    if (shown && shown < values)
        fprintf(page->out, "<p class=\"note\">%" PRId64 " of a sample's %" PRId64 " values.</p>\n",
                shown, values);
}

static void print_list(const struct ls_page *page, const char *title,
                       const struct ls_mistakes *mistakes) {
    if (!mistakes->count)
        return;
    fprintf(page->out, "<h3>%s</h3>\n", title);
    if (is_picture(page->look) && mistakes->items[0].sample)
        print_pictures(page, mistakes);
    else
        print_rows(page, mistakes);
}

static bool same_rows(const struct ls_mistakes *a, const struct ls_mistakes *b) {
    bool same = a->count == b->count;
    for (int i = 0; i < a->count && same; i++)
        same = a->items[i].row == b->items[i].row;
    return same;
}

void ls_page_mistakes(const struct ls_page *page) {
    const struct ls_look *look = page->look;
    if (!look || (!look->problem && look->kind == LS_LOOK_NOTHING))
        return;
    ls_page_section(page, "mistakes", "Where it is wrong");
    if (look->problem) {
        ls_page_text(page, "<p class=\"note\">The model was not tried: ", look->problem,
                     "</p></section>\n");
        return;
    }
    if (look->kind == LS_LOOK_CLASSES) {
        const bool once = same_rows(&look->worst, &look->confident);
        fprintf(page->out,
                "<p>Parameters of step %" PRIu64 " on the %s data: %" PRId64 " of %" PRId64
                " samples are answered wrong.</p>\n",
                look->step, look->part, look->wrong, look->rows);
        print_list(page,
                   once ? "Worst and most confident mistakes"
                        : "Worst mistakes: the least "
                          "probable labels",
                   &look->worst);
        if (!once)
            print_list(page, "Most confident mistakes", &look->confident);
    } else {
        fprintf(page->out,
                "<p>Parameters of step %" PRIu64 " on the %s data, %" PRId64 " samples: those with "
                "the largest errors%s.</p>\n",
                look->step, look->part, look->rows,
                look->width > 1 ? ", root mean square over a sample's numbers" : "");
        print_list(page,
                   look->worst.count && look->worst.items[0].made
                       ? "Largest errors: samples, and what is made of them"
                       : "Largest errors",
                   &look->worst);
    }
    fputs("</section>\n", page->out);
}

void ls_page_samples(const struct ls_page *page) {
    const struct ls_look *look = page->look;
    if (!look || !(look->text || look->picture || look->made_problem))
        return;
    ls_page_section(page, "samples", "What it makes up");
    if (look->made_problem) {
        ls_page_text(page, "<p class=\"note\">Nothing: ", look->made_problem, "</p></section>\n");
        return;
    }
    fprintf(page->out, "<p>Parameters of step %" PRIu64 ", drawn with seed %d", look->made_step,
            LS_LOOK_SEED);
    if (look->text) {
        fprintf(page->out, " at temperature %g.</p>\n", LS_LOOK_TEMPERATURE);
        ls_page_text(page, "<pre>", look->text, "</pre>\n");
    } else {
        fputs(".</p>\n", page->out);
        fputs("<p class=\"sample\">", page->out);
        ls_page_png(page, look->picture, look->picture_bytes, "images that the model made");
        fputs("</p>\n", page->out);
    }
    fputs("</section>\n", page->out);
}
