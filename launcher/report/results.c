/* What was trained, and how well. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/chart/markup.h"
#include "launcher/report/page.h"
#include "launcher/worker/data.h"
#include "launcher/worker/restarts.h"

enum { NEST_MAX = 32 };

static const char *duration(double seconds, char text[48]) {
    const int64_t whole = (int64_t)(seconds + 0.5);
    if (seconds < 100)
        snprintf(text, 48, "%.3g s", seconds);
    else if (whole < 3600)
        snprintf(text, 48, "%" PRId64 " min %" PRId64 " s", whole / 60, whole % 60);
    else
        snprintf(text, 48, "%" PRId64 " h %" PRId64 " min", whole / 3600, whole / 60 % 60);
    return text;
}

static int64_t integer(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

/* A run that did as many steps as it was told to was not stopped by anybody. */
static const char *status_of(const struct ls_record *record) {
    const char *status = json_string_value(json_object_get(record->result, "status"));
    const char *most = ls_settings_find(&record->settings, "train.steps_max");
    const bool limited = most && strcmp(most, "0") != 0 && status && !strcmp(status, "stopped") &&
                         integer(record->result, "steps") == strtoll(most, NULL, 10);
    return limited ? "done, as train.steps_max says" : status ? status : "";
}

/* "begun by import-weights from FILE, not trained yet"; false: somebody has trained it. */
static bool tell_given(const struct ls_record *record, char text[LS_ENDING_MAX + 32]) {
    const size_t count = json_array_size(record->starts);
    const json_t *last = count ? json_array_get(record->starts, count - 1) : NULL;
    if (!json_object_get(last, "given"))
        return false;
    strcat(ls_starts_ending(last, true, text), ", not trained yet");
    return true;
}

/* "done: 4690 steps (10 epochs) in 3 min 25 s on 2 ranks" */
static void print_status(const struct ls_page *page, const struct ls_record *record) {
    const struct ls_history *history = &record->history;
    const json_t *result = record->result;
    const char *message = json_string_value(json_object_get(result, "message"));
    char time[48], given[LS_ENDING_MAX + 32];
    if (result) {
        const int64_t ranks = integer(result, "world_size");
        ls_page_text(page, "<p class=\"lead\">", status_of(record), ": ");
        fprintf(page->out,
                "%" PRId64 " steps (%" PRId64 " whole epochs), %s of training, %" PRId64 " rank%s, "
                "%.0f samples/s</p>\n",
                integer(result, "steps"), integer(result, "epochs"),
                duration(json_number_value(json_object_get(result, "seconds")), time), ranks,
                ranks == 1 ? "" : "s", json_number_value(json_object_get(result, "samples_per_s")));
    }
    if (message)
        ls_page_text(page, "<pre>", message, "</pre>\n");
    if (!result || ls_record_outdated(record)) {
        fprintf(page->out, "<p class=\"%s\">", result ? "note" : "lead");
        ls_page_text(page, "",
                     result                      ? "That was written before the run went on"
                     : tell_given(record, given) ? given
                                                 : "No result yet",
                     "");
        if (history->count)
            fprintf(page->out, ": at step %" PRIu64 ", epoch %.3g, %s of training",
                    history->lines[history->count - 1].step,
                    history->lines[history->count - 1].epoch,
                    duration(history->lines[history->count - 1].seconds, time));
        fputs(".</p>\n", page->out);
    }
    if (record->history_problem)
        ls_page_text(page, "<p class=\"note\">No curves: ", record->history_problem, "</p>\n");
}

/* The numbers of the training are another kind than those of the other parts. */
static void print_train_note(const struct ls_page *page, const struct ls_record *record) {
    if (!ls_record_part(record, LS_SOURCE_TRAIN))
        return;
    fputs("<p class=\"note\">train: the mean over the steps of the last epoch, while the "
          "parameters still changed",
          page->out);
    if (ls_record_part(record, LS_SOURCE_VALIDATION) || ls_record_part(record, LS_SOURCE_TEST))
        fputs(", with dropout and augmentation where there is any; the others were measured when "
              "it was over, without these",
              page->out);
    fputs(".</p>\n", page->out);
}

/* A row for each metric of the parts that were measured at the end. */
static void print_parts(const struct ls_page *page, const struct ls_record *record) {
    const char *key;
    json_t *value;
    char text[32];
    bool any = false;
    for (int role = 0; role < LS_PARTS; role++)
        any = any || ls_record_part(record, role);
    if (!any)
        return;
    fputs("<div class=\"wide\"><table><thead><tr><th>metric</th>", page->out);
    for (int role = 0; role < LS_PARTS; role++)
        if (ls_record_part(record, role))
            fprintf(page->out, "<th class=\"n\">%s</th>", ls_part_name(role));
    fputs("</tr></thead><tbody>\n", page->out);
    for (int role = 0; role < LS_PARTS; role++)
        json_object_foreach((json_t *)(uintptr_t)ls_record_part(record, role), key, value) {
            bool before = false;
            for (int earlier = 0; earlier < role; earlier++)
                before = before || json_object_get(ls_record_part(record, earlier), key);
            if (before || json_is_object(value) || json_is_array(value))
                continue;
            ls_page_text(page, "<tr><td>", key, "</td>");
            for (int each = 0; each < LS_PARTS; each++) {
                const json_t *part = ls_record_part(record, each);
                const json_t *found = json_object_get(part, key);
                if (part)
                    fprintf(page->out, "<td class=\"n\">%s</td>",
                            !found
                                ? ""
                                : ls_markup_number(json_is_number(found) ? json_number_value(found)
                                                                         : (double)NAN,
                                                   text));
            }
            fputs("</tr>\n", page->out);
        }
    fputs("</tbody></table></div>\n", page->out);
    print_train_note(page, record);
}

static void print_best(const struct ls_page *page, const struct ls_record *record) {
    const json_t *best = json_object_get(record->result, "best");
    const char *metric = json_string_value(json_object_get(best, "metric"));
    if (!metric)
        return;
    ls_page_text(page, "<p>What was measured are the parameters of the best ", metric, "");
    fprintf(page->out,
            ", %.6g after epoch %" PRId64 " (step %" PRId64 "), not the last ones.</p>\n",
            json_number_value(json_object_get(best, "value")), integer(best, "epoch"),
            integer(best, "step"));
}

static void print_fact(const struct ls_page *page, const struct ls_record *record, const char *name,
                       const char *key) {
    const char *value = ls_settings_find(&record->settings, key);
    if (!value || !value[0] || !strcmp(value, "[]") || !strcmp(value, "0"))
        return;
    fprintf(page->out, "<dt>%s</dt>", name);
    ls_page_text(page, "<dd>", value, "</dd>\n");
}

/* Whether a setting is a layer: its options follow. */
static bool is_layer(const struct ls_settings *settings, int i) {
    const size_t length = strlen(settings->items[i].key);
    return i + 1 < settings->count &&
           !strncmp(settings->items[i + 1].key, settings->items[i].key, length) &&
           settings->items[i + 1].key[length] == '.';
}

/* What says most of how large a layer is. */
static void print_size(const struct ls_page *page, const struct ls_settings *settings, int layer) {
    static const struct {
        const char *key, *before, *after;
    } sizes[] = {{".units", " ", ""}, {".filters", " ", ""},        {".rate", " ", ""},
                 {".width", " ", ""}, {".heads", " of ", " heads"}, {".times", " \xC3\x97", ""},
                 {".feed", " ", ""}};
    const char *key = settings->items[layer].key;
    char option[1100];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(option, sizeof option, "%s%s", key, sizes[i].key);
        const char *value = ls_settings_find(settings, option);
        if (value && strcmp(value, "0") != 0)
            ls_page_text(page, sizes[i].before, value, sizes[i].after);
    }
}

/* The name of the network that a key like model.generator.linear1 belongs to: its length, 0 where
 * the model is one network, whose keys are model.linear1. */
static size_t network_of(const struct ls_settings *settings, const char *key, const char *scope) {
    char first[1024];
    const size_t length = strcspn(key + strlen(scope), ".");
    snprintf(first, sizeof first, "%s%.*s", scope, (int)length, key + strlen(scope));
    return ls_settings_find(settings, first) ? 0 : length;
}

/* Layers that are open where another one stands: those around it, and the one before it. */
struct nest {
    const struct ls_settings *settings;
    int count, layers[NEST_MAX];
    bool filled[NEST_MAX]; /* a layer inside is said already */
};

static bool lies_in(const struct nest *nest, int layer, const char *key) {
    const char *outer = nest->settings->items[layer].key;
    return !strncmp(key, outer, strlen(outer)) && key[strlen(outer)] == '.';
}

/* Closes what does not hold the key (NULL: nothing does); returns what stands in front of it. */
static const char *enter(const struct ls_page *page, struct nest *nest, const char *key,
                         const char *between) {
    while (nest->count && !(key && lies_in(nest, nest->layers[nest->count - 1], key)))
        if (nest->filled[--nest->count])
            fputs(")", page->out);
    bool *filled = nest->count ? &nest->filled[nest->count - 1] : NULL;
    const char *before = !filled || *filled ? between : " (";
    if (filled)
        *filled = true;
    return before;
}

/* Layers, in the order of the config, those inside of others in brackets; a line for each network.
 */
static void print_layers(const struct ls_page *page, const struct ls_record *record,
                         const char *scope, const char *name) {
    const struct ls_settings *settings = &record->settings;
    const char *between = !strcmp(scope, "model.") ? " \xE2\x86\x92 " : ", ";
    const char *network = NULL;
    size_t network_length = 0;
    struct nest nest = {.settings = settings};
    for (int i = 0; i < settings->count; i++) {
        const char *key = settings->items[i].key, *inner = key + strlen(scope);
        if (strncmp(key, scope, strlen(scope)) != 0 || !is_layer(settings, i))
            continue;
        const size_t length = network_of(settings, key, scope);
        if (!network || length != network_length || strncmp(network, inner, length) != 0) {
            enter(page, &nest, NULL, "");
            fprintf(page->out, "%s<dt>%s", network ? "</dd>\n" : "", name);
            if (length) {
                char own[1024];
                snprintf(own, sizeof own, "%.*s", (int)length, inner);
                ls_page_text(page, " ", own, "");
            }
            fputs("</dt><dd>", page->out);
            ls_page_text(page, "", settings->items[i].value, "");
            network = inner;
            network_length = length;
        } else
            ls_page_text(page, enter(page, &nest, key, between), settings->items[i].value, "");
        print_size(page, settings, i);
        if (nest.count < NEST_MAX) {
            nest.filled[nest.count] = false;
            nest.layers[nest.count++] = i;
        }
    }
    enter(page, &nest, NULL, "");
    if (network)
        fputs("</dd>\n", page->out);
}

static void print_trained(const struct ls_page *page, const struct ls_record *record) {
    static const char *const facts[][2] = {{"training data", "data.train"},
                                           {"validation data", "data.validation"},
                                           {"test data", "data.test"},
                                           {"split", "data.split"},
                                           {"batch", "train.batch"},
                                           {"epochs", "train.epochs"},
                                           {"at most steps", "train.steps_max"},
                                           {"optimiser", "optimizer.name"},
                                           {"learning rate", "optimizer.learning_rate"},
                                           {"schedule", "schedule.name"},
                                           {"seed", "seed"},
                                           {"began with", "start.from"}};
    if (!record->settings.count) {
        fputs("<p class=\"note\">The run's folder has no config.</p>\n", page->out);
        return;
    }
    fputs("<h3>What was trained</h3><dl>\n", page->out);
    print_fact(page, record, "task", "task.kind");
    print_layers(page, record, "losses.", "loss");
    print_layers(page, record, "model.", "model");
    if (record->kept_count)
        fprintf(page->out, "<dt>parameters</dt><dd>%" PRId64 "</dd>\n",
                record->kept[record->kept_count - 1].parameters);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        print_fact(page, record, facts[i][0], facts[i][1]);
    fputs("</dl>\n", page->out);
}

void ls_page_results(const struct ls_page *page) {
    for (int r = 0; r < page->count; r++) {
        const struct ls_record *record = &page->records[r];
        ls_page_text(page, page->count > 1 ? "<h3>" : "<h1>", record->history.name,
                     page->count > 1 ? "</h3>\n" : "</h1>\n");
        print_status(page, record);
        if (page->count > 1)
            continue;
        print_parts(page, record);
        print_best(page, record);
        print_trained(page, record);
    }
}
