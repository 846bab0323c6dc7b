/* How the run came to be: starts, checkpoints, machine; and its config in full. */
#include <inttypes.h>
#include <string.h>

#include "launcher/report/page.h"
#include "launcher/worker/restarts.h"

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Of a start that ended before it could begin there are none. */
static void print_number(const struct ls_page *page, const json_t *number) {
    fputs("<td class=\"n\">", page->out);
    if (number)
        fprintf(page->out, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
    fputs("</td>", page->out);
}

static void print_start(const struct ls_page *page, const json_t *start, bool last) {
    const json_t *end = json_object_get(start, "end");
    char ending[LS_ENDING_MAX];
    fputs("<tr>", page->out);
    ls_page_text(page, "<td>", text_of(start, "time"), "</td>");
    print_number(page, json_object_get(start, "from_step"));
    print_number(page, json_object_get(start, "ranks"));
    ls_page_text(page, "<td>", text_of(start, "host"), "</td>");
    ls_page_text(page, "<td>", ls_starts_ending(start, last, ending), "");
    ls_page_text(page, text_of(end, "message")[0] ? ": " : "", text_of(end, "message"),
                 "</td></tr>\n");
}

/* A start continues a checkpoint; of runs of before, result.json knows of the last one. */
static void print_starts(const struct ls_page *page, const struct ls_record *record) {
    const size_t count = json_array_size(record->starts);
    if (count) {
        fputs("<p>Starts:</p>\n<div class=\"wide\"><table><thead><tr><th>time</th>"
              "<th class=\"n\">from step</th><th class=\"n\">ranks</th><th>host</th>"
              "<th>ended</th></tr></thead><tbody>\n",
              page->out);
        for (size_t i = 0; i < count; i++)
            print_start(page, json_array_get(record->starts, i), i + 1 == count);
        fputs("</tbody></table></div>\n", page->out);
        return;
    }
    const json_t *result = record->result;
    const json_int_t from = json_integer_value(json_object_get(result, "resumed_from_step"));
    if (from > 0)
        fprintf(page->out,
                "<p>The last start went on from the checkpoint of step %" JSON_INTEGER_FORMAT
                " and did %" JSON_INTEGER_FORMAT " steps; of starts before it the run keeps no "
                "record.</p>\n",
                from, json_integer_value(json_object_get(result, "steps_this_run")));
    else if (result)
        fputs("<p>The last start began with the first step.</p>\n", page->out);
}

static void print_checkpoints(const struct ls_page *page, const struct ls_record *record) {
    if (!record->kept_count) {
        fputs("<p>The run's folder has no checkpoint.</p>\n", page->out);
        return;
    }
    fputs("<p>Checkpoints that are there, by their manifests (<code>lockstep checkpoint verify"
          "</code> reads all of their bytes):</p>\n<div class=\"wide\"><table><thead><tr>"
          "<th class=\"n\">step</th><th class=\"n\">training time</th><th class=\"n\">written by"
          "</th><th class=\"n\">size</th></tr></thead><tbody>\n",
          page->out);
    for (int i = 0; i < record->kept_count; i++) {
        const struct ls_kept *kept = &record->kept[i];
        fprintf(page->out,
                "<tr><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%.4g s</td><td class=\"n\">%d "
                "rank%s</td><td class=\"n\">%.3g MB</td></tr>\n",
                kept->step, kept->seconds, kept->world_size, kept->world_size == 1 ? "" : "s",
                (double)kept->bytes / 1e6);
    }
    fputs("</tbody></table></div>\n", page->out);
}

static void print_rank(const struct ls_page *page, const json_t *rank, bool machine) {
    const json_int_t code = json_integer_value(json_object_get(rank, "exit_code"));
    fprintf(page->out, "<tr><td class=\"n\">%" JSON_INTEGER_FORMAT "</td>",
            json_integer_value(json_object_get(rank, "rank")));
    ls_page_text(page, "<td>", text_of(rank, "host"), "</td>");
    if (machine) {
        ls_page_text(page, "<td>", text_of(rank, "processor"), "</td>");
        fprintf(page->out, "<td class=\"n\">%" JSON_INTEGER_FORMAT "</td>",
                json_integer_value(json_object_get(rank, "cores")));
    }
    if (code < 0)
        fprintf(page->out, "<td>no: at step %" JSON_INTEGER_FORMAT,
                json_integer_value(json_object_get(rank, "step")));
    else
        fprintf(page->out, "<td>with exit code %" JSON_INTEGER_FORMAT, code);
    ls_page_text(page, text_of(rank, "message")[0] ? ": " : "", text_of(rank, "message"),
                 "</td></tr>\n");
}

/* Runs of before say nothing of the processor. */
static void print_machine(const struct ls_page *page, const struct ls_record *record) {
    size_t i;
    json_t *rank;
    bool machine = false;
    if (!json_array_size(record->ranks))
        return;
    json_array_foreach(record->ranks, i, rank) machine =
        machine || json_is_integer(json_object_get(rank, "cores"));
    fprintf(page->out,
            "<p>Ranks of the last start:</p><div class=\"wide\"><table><thead><tr>"
            "<th class=\"n\">rank</th><th>host</th>%s<th>ended</th></tr></thead><tbody>\n",
            machine ? "<th>processor</th><th class=\"n\">cores it may use</th>" : "");
    json_array_foreach(record->ranks, i, rank) print_rank(page, rank, machine);
    fputs("</tbody></table></div>\n", page->out);
}

void ls_page_story(const struct ls_page *page) {
    ls_page_section(page, "story", "Starts, checkpoints, machine");
    for (int r = 0; r < page->count; r++) {
        const struct ls_record *record = &page->records[r];
        if (page->count > 1)
            ls_page_text(page, "<h3>", record->history.name, "</h3>\n");
        print_starts(page, record);
        print_checkpoints(page, record);
        print_machine(page, record);
    }
    fputs("</section>\n", page->out);
}

void ls_page_configs(const struct ls_page *page) {
    ls_page_section(page, "config", page->count > 1 ? "Configs" : "Config");
    for (int r = 0; r < page->count; r++) {
        const struct ls_record *record = &page->records[r];
        if (!record->config)
            continue;
        ls_page_text(page, "<details><summary>All keys of ", record->history.name, "</summary>");
        ls_page_text(page, "<pre>", record->config, "</pre></details>\n");
    }
    fputs("</section>\n", page->out);
}
