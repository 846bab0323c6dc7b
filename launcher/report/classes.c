/* How well each class is known, and which are taken for which: of the last part that was measured
 * (test, else validation). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/schema.h"
#include "io/vocabulary.h"
#include "launcher/report/page.h"
#include "launcher/worker/data.h"

enum { MATRIX_MAX = 26, PAIRS_MAX = 20, KEY_MAX = 128 };

struct table {
    const json_t *classes, *confusion;
    char **names; /* [count] owned */
    int count;
};

/* The labels of a language model are its tokens: their texts, with blanks that can be seen. */
static char *name_token(const struct ls_vocabulary *vocabulary, int k) {
    const char *text = vocabulary->texts[k];
    return ls_strdup(!strcmp(text, " ")    ? "(blank)"
                     : !strcmp(text, "\n") ? "(end of line)"
                     : !strcmp(text, "\t") ? "(tab)"
                                           : text);
}

/* Names of the classes as the result has them; where it has none, the vocabulary's, or numbers. */
static void name_classes(struct table *table, const char *run) {
    struct ls_vocabulary vocabulary = {0};
    struct ls_error ignored;
    char path[LS_TEXT_MAX];
    const char *name;
    json_t *value;
    int k = 0;
    table->names = ls_calloc((size_t)table->count, sizeof *table->names);
    json_object_foreach((json_t *)(uintptr_t)table->classes, name, value) table->names[k++] =
        ls_strdup(name);
    bool found = false;
    if (!k && ls_file_exists(ls_vocabulary_path(run, path)) &&
        ls_vocabularies_load(&vocabulary, path, NULL, &found, &ignored) != LS_OK)
        found = false;
    const bool tokens = found && vocabulary.count == table->count;
    for (; k < table->count; k++) {
        char number[16];
        snprintf(number, sizeof number, "%d", k);
        table->names[k] = tokens ? name_token(&vocabulary, k) : ls_strdup(number);
    }
    ls_vocabulary_clear(&vocabulary);
}

/* The table of the loss whose metrics have that prefix, out of what was measured. */
static bool find_table(struct table *table, const json_t *measured, const char *prefix,
                       const char *run) {
    char key[KEY_MAX + 16];
    snprintf(key, sizeof key, "%sclasses", prefix);
    table->classes = json_object_get(measured, key);
    snprintf(key, sizeof key, "%sconfusion", prefix);
    table->confusion = json_object_get(measured, key);
    table->count = (int)(table->classes ? json_object_size(table->classes)
                                        : json_array_size(table->confusion));
    if (json_array_size(table->confusion) != (size_t)table->count)
        table->confusion = NULL;
    if (table->count)
        name_classes(table, run);
    return table->count > 0;
}

/* The prefix of a key like "digit.classes" or "confusion"; returns whether it is one. */
static bool take_prefix(const char *key, char prefix[KEY_MAX]) {
    const char *dot = strrchr(key, '.'), *last = dot ? dot + 1 : key;
    snprintf(prefix, KEY_MAX, "%.*s", (int)(last - key), key);
    return !strcmp(last, "classes") || !strcmp(last, "confusion");
}

/* Of the last part that has any; of a run that has not measured itself at its end, what the look
 * through its model counted. NULL: nothing. */
static const json_t *find_measured(const struct ls_page *page, const char **part) {
    char prefix[KEY_MAX];
    const char *key;
    json_t *value;
    for (int role = LS_SOURCE_TEST; role >= 0; role--) {
        const json_t *own = ls_record_part(&page->records[0], role);
        *part = ls_part_name(role);
        json_object_foreach((json_t *)(uintptr_t)own, key,
                            value) if (take_prefix(key, prefix)) return own;
    }
    *part = page->look ? page->look->part : NULL;
    return page->look ? page->look->measured : NULL;
}

static double cell(const struct table *table, int label, int answer) {
    return json_number_value(
        json_array_get(json_array_get(table->confusion, (size_t)label), (size_t)answer));
}

static void print_scores(const struct ls_page *page, const struct table *table) {
    static const char *const scores[] = {"precision", "recall", "f1"};
    fputs("<div class=\"wide\"><table><thead><tr><th>class</th><th class=\"n\">samples</th>"
          "<th class=\"n\">precision</th><th class=\"n\">recall</th><th class=\"n\">F1</th></tr>"
          "</thead><tbody>\n",
          page->out);
    for (int k = 0; k < table->count; k++) {
        const json_t *class = json_object_get(table->classes, table->names[k]);
        ls_page_text(page, "<tr><td>", table->names[k], "</td>");
        fprintf(page->out, "<td class=\"n\">%lld</td>",
                (long long)json_integer_value(json_object_get(class, "support")));
        for (int s = 0; s < 3; s++)
            fprintf(page->out, "<td class=\"n\">%.4f</td>",
                    json_number_value(json_object_get(class, scores[s])));
        fputs("</tr>\n", page->out);
    }
    fputs("</tbody></table></div>\n", page->out);
}

static void print_matrix(const struct ls_page *page, const struct table *table) {
    fputs("<h3>Confusion matrix</h3><p>A row for each label, a column for each answer; darker: a "
          "larger share of the label's samples.</p>\n<div class=\"wide\"><table "
          "class=\"confusion\"><thead><tr><th class=\"r\">label \\ answer</th>",
          page->out);
    for (int k = 0; k < table->count; k++)
        ls_page_text(page, "<th>", table->names[k], "</th>");
    fputs("</tr></thead><tbody>\n", page->out);
    for (int i = 0; i < table->count; i++) {
        double total = 0;
        for (int k = 0; k < table->count; k++)
            total += cell(table, i, k);
        ls_page_text(page, "<tr><th class=\"r\">", table->names[i], "</th>");
        for (int k = 0; k < table->count; k++) {
            const double value = cell(table, i, k), share = total > 0 ? value / total : 0;
            fprintf(page->out, "<td style=\"background:rgba(%s,%.2f)%s\">%.0f</td>",
                    i == k ? "0,114,178" : "213,94,0", sqrt(share) * 0.85,
                    share > 0.5 ? ";color:#fff" : "", value);
        }
        fputs("</tr>\n", page->out);
    }
    fputs("</tbody></table></div>\n", page->out);
}

/* Of many classes: what is taken for what most often. */
static void print_pairs(const struct ls_page *page, const struct table *table) {
    fprintf(page->out, "<h3>Taken for each other most often</h3><table><thead><tr><th>label</th>"
                       "<th>answer</th><th class=\"n\">samples</th></tr></thead><tbody>\n");
    double below = INFINITY;
    int last = -1;
    for (int shown = 0; shown < PAIRS_MAX; shown++) {
        int best = -1;
        double most = 0;
        for (int at = 0; at < table->count * table->count; at++) {
            const double value = cell(table, at / table->count, at % table->count);
            const bool later = value < below || (value == below && at > last);
            if (at / table->count != at % table->count && later && value > most) {
                most = value;
                best = at;
            }
        }
        if (best < 0)
            break;
        below = most;
        last = best;
        ls_page_text(page, "<tr><td>", table->names[best / table->count], "</td>");
        ls_page_text(page, "<td>", table->names[best % table->count], "</td>");
        fprintf(page->out, "<td class=\"n\">%.0f</td></tr>\n", most);
    }
    fputs("</tbody></table>\n", page->out);
}

static void print_table(const struct ls_page *page, const struct table *table) {
    if (table->classes)
        print_scores(page, table);
    if (table->confusion && table->count > 1 && table->count <= MATRIX_MAX)
        print_matrix(page, table);
    else if (table->confusion && table->count > 1)
        print_pairs(page, table);
}

void ls_page_classes(const struct ls_page *page) {
    struct table table;
    const char *part, *key;
    const json_t *measured = find_measured(page, &part);
    json_t *value;
    char prefix[KEY_MAX], shown[KEY_MAX] = "?"; /* the last prefix: its keys are neighbours */
    json_object_foreach((json_t *)(uintptr_t)measured, key, value) {
        if (!take_prefix(key, prefix) || !strcmp(prefix, shown) ||
            !find_table(&table, measured, prefix, page->records[0].history.run))
            continue;
        if (!strcmp(shown, "?")) {
            ls_page_section(page, "classes", "Classes");
            fprintf(page->out, "<p>Measured on the %s data.</p>\n", part);
        }
        strcpy(shown, prefix);
        prefix[strlen(prefix) - (prefix[0] != '\0')] = '\0'; /* the dot */
        if (prefix[0])
            ls_page_text(page, "<h3>", prefix, "</h3>\n");
        print_table(page, &table);
        ls_schema_free_names(table.names, table.count);
    }
    if (strcmp(shown, "?") != 0)
        fputs("</section>\n", page->out);
}
