/* What answers depend on, where `lockstep explain` has found out: folders of its files. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/explain/explain.h"
#include "io/file.h"
#include "launcher/report/explained.h"

enum { PICTURE_BYTES_MAX = 600 << 10, PICTURES_BYTES_MAX = 1500 << 10 };

struct found {
    struct ls_finding finding; /* where status is LS_OK, else the error says why not */
    enum ls_status status;
    struct ls_error error;
    char path[LS_TEXT_MAX], picture[LS_TEXT_MAX];
};

/* The same parameters as those that the page is about, as far as the run says. */
static bool same_parameters(const struct ls_page *page, const struct ls_finding *finding) {
    const struct ls_record *record = &page->records[0];
    const char *digest = json_string_value(json_object_get(record->result, "parameters_digest"));
    if (digest && !ls_record_outdated(record) && !json_object_get(record->result, "best"))
        return !strcmp(digest, finding->notes[LS_FINDING_DIGEST]);
    char step[32];
    snprintf(step, sizeof step, "%llu", page->look ? (unsigned long long)page->look->step : 0ull);
    return page->look && !strcmp(step, finding->notes[LS_FINDING_STEP]);
}

/* What the method shows, then of what. */
static void print_origin(const struct ls_page *page, const struct ls_finding *finding) {
    static const struct {
        enum ls_finding_note note;
        const char *name;
    } notes[] = {{LS_FINDING_STEP, "Step "},
                 {LS_FINDING_PART, "data: "},
                 {LS_FINDING_TARGET, "explained: "},
                 {LS_FINDING_LAYER, "layer "},
                 {LS_FINDING_OPTIONS, ""}};
    const struct ls_explain_method *method = ls_explain_find(finding->notes[LS_FINDING_METHOD]);
    char help[256];
    if (method) { /* without what only a reader of the help needs */
        snprintf(help, sizeof help, "%c%.*s", toupper((unsigned char)method->help[0]),
                 (int)strcspn(method->help + 1, ";:"), method->help + 1);
        ls_page_text(page, "<p>", help, ".</p>\n");
    }
    const char *between = "<p class=\"note\">";
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        const char *text = finding->notes[notes[i].note];
        if (!text[0])
            continue;
        ls_page_text(page, between, notes[i].name, "");
        ls_page_text(page, "", text, "");
        between = ", ";
    }
    if (between[0] == ',')
        fputs(".</p>\n", page->out);
    if (strcmp(finding->notes[LS_FINDING_WEIGHTS], "random") == 0)
        fputs(
            "<p><b>Of random weights: what a model that has learned nothing would show.</b></p>\n",
            page->out);
    else if (!same_parameters(page, finding))
        fputs("<p><b>Of other parameters than those that this page is about.</b></p>\n", page->out);
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
    if (found->finding.attributions)
        fputs("<p>What speaks for the explained value is red, what speaks against it blue.</p>\n",
              page->out);
    if (!strcmp(found->finding.notes[LS_FINDING_METHOD], "prototypes"))
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

/* With words, where there is such a picture. */
static void find_picture(struct found *found) {
    for (int k = 0; k < 2; k++) {
        snprintf(found->picture, sizeof found->picture, "%.*s.%s", (int)strlen(found->path) - 3,
                 found->path, k ? "png" : "svg");
        if (ls_file_exists(found->picture))
            return;
    }
}

/* Its folder, where there are several; its file, where another one has the same method. */
static void print_heading(const struct ls_page *page, const struct found *found, const char *folder,
                          bool twice) {
    const char *slash = strrchr(found->path, '/');
    const char *where = page->folder_count > 1 ? twice ? found->path : folder
                        : twice                ? slash + 1
                                               : NULL;
    ls_page_text(page, "<h3>", found->finding.notes[LS_FINDING_METHOD], "");
    if (where)
        ls_page_text(page, " (", where, ")");
    fputs("</h3>\n", page->out);
}

static void print_found(struct ls_page *page, const struct found *found, size_t *left) {
    const struct ls_finding *finding = &found->finding;
    print_origin(page, finding);
    if (finding->width)
        ls_page_attributions(page, finding);
    if (finding->change.samples)
        ls_page_change(page, &finding->change);
    const size_t bytes = print_picture(page, found, *left);
    *left -= bytes;
    if (!finding->width && !finding->change.samples && !bytes) {
        ls_page_text(page, "<p>Numbers only: <code>", found->path, "</code>");
        ls_page_text(page, finding->datasets[0] ? " with " : "", finding->datasets, ".</p>\n");
    }
    ls_page_checks(page, &finding->checks);
}

/* Files in the order of their names; others than those of explain are named. */
static void print_folder(struct ls_page *page, const char *folder, size_t *left) {
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_file, alphasort);
    if (count <= 0)
        print_missing(page, folder, ": it has no file of lockstep explain");
    struct found *all = ls_calloc((size_t)(count > 0 ? count : 1), sizeof *all);
    for (int i = 0; i < count; i++) {
        snprintf(all[i].path, sizeof all[i].path, "%.500s/%.255s", folder, entries[i]->d_name);
        find_picture(&all[i]);
        all[i].status = ls_finding_load(&all[i].finding, all[i].path, &all[i].error);
        free(entries[i]);
    }
    for (int i = 0; i < count; i++) {
        bool twice = false;
        if (all[i].status != LS_OK) {
            print_missing(page, all[i].error.text, "");
            continue;
        }
        for (int k = 0; k < count; k++)
            twice = twice || (k != i && all[k].status == LS_OK &&
                              !strcmp(all[k].finding.notes[LS_FINDING_METHOD],
                                      all[i].finding.notes[LS_FINDING_METHOD]));
        print_heading(page, &all[i], folder, twice);
        print_found(page, &all[i], left);
    }
    for (int i = 0; i < count; i++)
        ls_finding_clear(&all[i].finding);
    free(all);
    free(entries);
}

void ls_page_explained(struct ls_page *page) {
    size_t left = PICTURES_BYTES_MAX;
    if (!page->folder_count)
        return;
    ls_page_section(page, "explained", "What its answers depend on");
    for (int i = 0; i < page->folder_count; i++)
        print_folder(page, page->folders[i], &left);
    fputs("</section>\n", page->out);
}
