/* What answers depend on, where `lockstep explain` has found out: folders of its files. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/explained.h"
#include "io/file.h"
#include "launcher/chart/markup.h"
#include "launcher/report/page.h"

enum {
    SHOWN_MAX = 20,
    SIZES_MAX = 33,
    PICTURE_BYTES_MAX = 600 << 10,
    PICTURES_BYTES_MAX = 1500 << 10
};

struct found {
    struct ls_explained explained;
    char picture[LS_TEXT_MAX];
};

/* The same parameters as those that the page is about, as far as the run says. */
static bool same_parameters(const struct ls_page *page, const struct ls_explained *explained) {
    const struct ls_record *record = &page->records[0];
    const char *digest = json_string_value(json_object_get(record->result, "parameters_digest"));
    if (digest && !ls_record_outdated(record) && !json_object_get(record->result, "best"))
        return !strcmp(digest, explained->notes[LS_EXPLAINED_DIGEST]);
    char step[32];
    snprintf(step, sizeof step, "%llu", page->look ? (unsigned long long)page->look->step : 0ull);
    return page->look && !strcmp(step, explained->notes[LS_EXPLAINED_STEP]);
}

static void print_note(const struct ls_page *page, const struct ls_explained *explained,
                       enum ls_explained_note note, const char *name) {
    if (explained->notes[note][0])
        ls_page_text(page, name, explained->notes[note], "");
}

static void print_origin(const struct ls_page *page, const struct ls_explained *explained) {
    print_note(page, explained, LS_EXPLAINED_STEP, "<p>Step ");
    print_note(page, explained, LS_EXPLAINED_PART, ", data: ");
    print_note(page, explained, LS_EXPLAINED_TARGET, ", explained: ");
    print_note(page, explained, LS_EXPLAINED_LAYER, ", layer ");
    print_note(page, explained, LS_EXPLAINED_OPTIONS, ", ");
    fputs(".</p>\n", page->out);
    if (strcmp(explained->notes[LS_EXPLAINED_WEIGHTS], "random") == 0)
        fputs(
            "<p><b>Of random weights: what a model that has learned nothing would show.</b></p>\n",
            page->out);
    else if (!same_parameters(page, explained))
        fputs("<p><b>Of other parameters than those that this page is about.</b></p>\n", page->out);
}

/* The strongest values of a sample, with bars. */
static void print_strengths(const struct ls_page *page, const struct ls_explained *explained) {
    const struct ls_look *look = page->look;
    const bool named = look && look->columns && look->column_count == explained->width;
    double most = 0;
    bool *shown = ls_calloc((size_t)explained->width, sizeof *shown);
    for (int64_t i = 0; i < explained->width; i++)
        most = fmax(most, fabs(explained->strengths[i]));
    if (explained->samples)
        fprintf(page->out, "<p>Mean size of the attributions of %llu samples.</p>\n",
                (unsigned long long)explained->samples);
    fputs("<table><tbody>\n", page->out);
    for (int n = 0; n < SHOWN_MAX && n < explained->width; n++) {
        int64_t best = -1;
        for (int64_t i = 0; i < explained->width; i++)
            if (!shown[i] && (best < 0 || explained->strengths[i] > explained->strengths[best]))
                best = i;
        const double value = explained->strengths[best];
        char number[32];
        shown[best] = true;
        snprintf(number, sizeof number, "%lld", (long long)best);
        ls_page_text(page, "<tr><td>", named ? look->columns[best] : number, "</td>");
        fprintf(page->out,
                "<td class=\"n\">%.4g</td><td><div style=\"height:12px;width:%.0fpx;"
                "background:#0072B2\"></div></td></tr>\n",
                value, most > 0 ? 180 * fmax(value, 0) / most : 0.0);
    }
    fputs("</tbody></table>\n", page->out);
    if (explained->width > SHOWN_MAX)
        fprintf(page->out, "<p class=\"note\">The first %d of %lld values.</p>\n", SHOWN_MAX,
                (long long)explained->width);
    free(shown);
}

/* How answers change where concepts are set. */
static void print_change(const struct ls_page *page, const struct ls_explained_change *change) {
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
}

/* Returns the bytes that the page grew by. */
static size_t print_picture(const struct ls_page *page, const struct found *found, size_t left) {
    char *bytes;
    uint64_t count;
    struct ls_error error;
    if (!ls_file_exists(found->picture))
        return 0;
    if (ls_file_read(found->picture, left < PICTURE_BYTES_MAX ? left : PICTURE_BYTES_MAX, &bytes,
                     &count, &error) != LS_OK) {
        ls_page_text(page, "<p class=\"note\">The picture is not shown: ", error.text, "</p>\n");
        return 0;
    }
    if (found->explained.attributions)
        fputs("<p>What speaks for the explained value is red, what speaks against it blue.</p>\n",
              page->out);
    if (!strcmp(found->explained.notes[LS_EXPLAINED_METHOD], "prototypes"))
        fputs(
            "<p>A line for each prototype: what the decoder draws of it, where the model has one, "
            "then the training images nearest to it.</p>\n",
            page->out);
    fputs("<p class=\"sheet\">", page->out);
    const char *alternative = "the picture that goes with it";
    if (ls_path_ends(found->picture, ".svg"))
        ls_page_svg(page, bytes, count, alternative);
    else
        ls_page_png(page, bytes, count, alternative);
    fputs("</p>\n", page->out);
    free(bytes);
    return count;
}

static int is_file(const struct dirent *entry) {
    return ls_path_ends(entry->d_name, ".h5");
}

/* What was asked for and is not there is said to whoever asks, too. */
static void print_missing(const struct ls_page *page, const char *what, const char *why) {
    ls_log(LS_LOG_WARNING, "not shown: %s%s", what, why);
    ls_page_text(page, "<p class=\"note\">Not shown: ", what, "");
    ls_page_text(page, "", why, "</p>\n");
}

/* Files in the order of their names; others than those of explain are named. */
static void print_folder(const struct ls_page *page, const char *folder, size_t *left) {
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_file, alphasort);
    if (count <= 0)
        print_missing(page, folder, ": it has no file of lockstep explain");
    for (int i = 0; i < count; i++) {
        struct found found;
        struct ls_error error;
        char path[LS_TEXT_MAX];
        snprintf(path, sizeof path, "%.500s/%.255s", folder, entries[i]->d_name);
        for (int k = 0; k < 2; k++) { /* with words, where there is such a one */
            snprintf(found.picture, sizeof found.picture, "%.*s.%s", (int)strlen(path) - 3, path,
                     k ? "png" : "svg");
            if (ls_file_exists(found.picture))
                break;
        }
        if (ls_explained_load(&found.explained, path, &error) == LS_OK) {
            ls_page_text(page, "<h3>", found.explained.notes[LS_EXPLAINED_METHOD], "</h3>\n");
            print_origin(page, &found.explained);
            if (found.explained.width)
                print_strengths(page, &found.explained);
            if (found.explained.change.samples)
                print_change(page, &found.explained.change);
            *left -= print_picture(page, &found, *left);
        } else
            print_missing(page, error.text, "");
        ls_explained_clear(&found.explained);
        free(entries[i]);
    }
    free(entries);
}

void ls_page_explained(const struct ls_page *page) {
    size_t left = PICTURES_BYTES_MAX;
    if (!page->folder_count)
        return;
    ls_page_section(page, "explained", "What its answers depend on");
    for (int i = 0; i < page->folder_count; i++)
        print_folder(page, page->folders[i], &left);
    fputs("</section>\n", page->out);
}
