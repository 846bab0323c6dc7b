/* `lockstep help config`: the tables as people read them. */
#include <math.h>
#include <string.h>

#include "launcher/config/reader.h"

static void print_kind(FILE *out, const struct ls_field *field) {
    static const char *const kinds[] = {[LS_FIELD_BOOL] = "true or false",
                                        [LS_FIELD_INTEGER] = "integer",
                                        [LS_FIELD_REAL] = "number",
                                        [LS_FIELD_TEXT] = "text",
                                        [LS_FIELD_CHOICE] = "one of",
                                        [LS_FIELD_PAIR] = "integer or pair [3, 5]",
                                        [LS_FIELD_LIST] = "list of numbers",
                                        [LS_FIELD_PATTERNS] = "list of names; * is a wildcard",
                                        [LS_FIELD_FACTORS] = "names with numbers; * is a wildcard"};
    fputs(kinds[field->kind], out);
    if (field->min < 0 || field->min > 0 || field->max < 0 || field->max > 0) {
        if (isinf(field->max))
            fprintf(out, " of at least %.10g", field->min);
        else
            fprintf(out, " from %.10g to %.10g", field->min, field->max);
    }
    for (int i = 0; field->choices && field->choices[i]; i++)
        fprintf(out, "%s%s",
                i                                ? ", "
                : field->kind == LS_FIELD_CHOICE ? " "
                                                 : " or ",
                field->choices[i]);
    if (field->unit)
        fprintf(out, "; %s", field->unit);
}

/* Two lines: key, default and help; below them what it takes. */
static void print_field(FILE *out, const struct ls_field *field) {
    const char *initial = field->initial ? field->initial : "(required)";
    if (field->choices && field->kind == LS_FIELD_INTEGER && !strcmp(initial, "0"))
        initial = field->choices[0];
    if (!initial[0])
        initial = "\"\"";
    char key[80];
    snprintf(key, sizeof key, "%s: %s", field->name, initial);
    fprintf(out, "  %-26s %s\n  %-26s (", key, field->help ? field->help : "", "");
    print_kind(out, field);
    fprintf(out, "%s)\n", field->resume_free ? "; may change when a run continues" : "");
}

static void print_feeds(FILE *out) {
    fputs("  feeds:                     instead of inputs, targets, window and length: what a "
          "sample is, by "
          "names that layers\n"
          "                             and losses take it by: `feeds: {NAME: {column: C, ...}, "
          "...}`, each with the keys\n",
          out);
    for (int i = 0; i < ls_feed_fields.count; i++)
        print_field(out, &ls_feed_fields.items[i]);
}

static void print_section(FILE *out, const struct ls_config_section *section) {
    if (section->name[0])
        fprintf(out, "\n%s:  # %s\n", section->name, section->help);
    for (int i = 0; i < section->fields->count; i++)
        print_field(out, &section->fields->items[i]);
    if (!strcmp(section->name, "data"))
        print_feeds(out);
}

static void print_layer(FILE *out, const struct ls_layer *layer) {
    fprintf(out, "\n- %s  # %s\n", layer->name, layer->help);
    if (layer->main_field)
        fprintf(out, "  `%s: VALUE` is short for `%s: {%s: VALUE}`\n", layer->name, layer->name,
                layer->main_field);
    for (int i = 0; i < layer->fields.count; i++)
        print_field(out, &layer->fields.items[i]);
    for (int i = 0; layer->inputs && layer->inputs[i]; i++)
        fprintf(out, "  %s: %s\n", layer->inputs[i],
                ls_layer_key_lists(layer->inputs[i]) ? "a list of names of values"
                                                     : "the name of a value");
    if (layer->weight_fields)
        fprintf(out,
                "  weight_of: the name of an earlier linear or embedding whose weight it uses; "
                "without the keys");
    for (int i = 0; layer->weight_fields && layer->weight_fields[i]; i++)
        fprintf(out, "%s %s", i ? "," : "", layer->weight_fields[i]);
    if (layer->weight_fields)
        fputc('\n', out);
    for (int i = 0; layer->branches && layer->branches[i]; i++)
        fprintf(out, "  %s: a list of layers\n", layer->branches[i]);
}

static void print_losses(FILE *out) {
    int count;
    const struct ls_layer *const *losses = ls_loss_layers(&count);
    fputs(
        "\nlosses:  # a list of terms, whose weighted sum training makes small; without it, the "
        "task's own\n"
        "  A term judges the model's output, or the value named in `from`; `target` names what it "
        "is compared with\n"
        "  (default: the feed targets). Several terms give metrics with the term's name in "
        "front;\n"
        "  one of weight 0 trains nothing and measures.\n",
        out);
    for (int i = 0; i < count; i++)
        print_layer(out, losses[i]);
}

static void print_phases(FILE *out) {
    fputs("\nphases:  # names of the task's phases; what differs from optimizer and schedule\n"
          "  A task runs its phases in this order in each step; tasks that are not listed have "
          "one.\n",
          out);
    for (int kind = 0; kind <= LS_TASK_TRANSLATION; kind++) {
        const struct ls_task *task = ls_task_of(kind);
        if (task->phase_count == 1)
            continue;
        fprintf(out, "  %s:", task->name);
        for (int p = 0; p < task->phase_count; p++)
            fprintf(out, "%s %s", p ? "," : "", task->phases[p]);
        fputc('\n', out);
    }
    fputs("  optimizer: keys of the section optimizer\n"
          "  schedule: keys of the section schedule\n",
          out);
    for (int i = 0; i < ls_phase_fields.count; i++)
        print_field(out, &ls_phase_fields.items[i]);
}

static void print_model(FILE *out) {
    int count;
    const struct ls_layer *const *layers = ls_layers(&count);
    fputs("\nmodel:  # a list of layers: `- relu`, `- linear: 256`, `- linear: {units: 256, name: "
          "fc1}`\n"
          "  Or a mapping of names to such lists: networks, which the layer `network` records. The "
          "one called main, else\n"
          "  the last, is what the task trains.\n"
          "  Every layer takes a name, which becomes part of its parameters' names, and by which "
          "later layers may take\n"
          "  its value: `from: NAME` in place of the value of the layer before, or by further keys "
          "(memory: NAME).\n",
          out);
    for (int i = 0; i < count; i++)
        print_layer(out, layers[i]);
}

/* What is explained besides sections, layers and losses. */
static const struct {
    const char *name;
    void (*print)(FILE *out);
} topics[] = {{"model", print_model},
              {"losses", print_losses},
              {"phases", print_phases},
              {"feeds", print_feeds}};

bool ls_config_help(FILE *out, const char *name) {
    if (!name) {
        fputs("A config is YAML: keys with their defaults, in sections, and the model, a list of "
              "layers.\n"
              "Any key of a section can be changed for one run: --set train.batch=256. The model, "
              "losses, phases and\ndata.feeds are changed in the file.\n\n",
              out);
        for (int s = 0; s < ls_config_section_count; s++)
            print_section(out, &ls_config_sections[s]);
        fputs("\nmodel:  # a list of layers, see `lockstep help config model`\n"
              "\nlosses:  # a list of losses, see `lockstep help config losses`\n"
              "\nphases:  # of a task with several, see `lockstep help config phases`\n",
              out);
        return true;
    }
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (!strcmp(topics[i].name, name)) {
            topics[i].print(out);
            return true;
        }
    for (int s = 1; s < ls_config_section_count; s++)
        if (!strcmp(ls_config_sections[s].name, name)) {
            print_section(out, &ls_config_sections[s]);
            return true;
        }
    const struct ls_layer *layer = ls_layer_find(name);
    if (!layer)
        layer = ls_loss_layer_find(name);
    if (layer)
        print_layer(out, layer);
    return layer;
}

const char *ls_config_help_nearest(const char *name) {
    struct ls_names names = {0};
    int count;
    for (int s = 1; s < ls_config_section_count; s++)
        ls_names_add(&names, ls_config_sections[s].name);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        ls_names_add(&names, topics[i].name);
    const struct ls_layer *const *layers = ls_layers(&count);
    for (int i = 0; i < count; i++)
        ls_names_add(&names, layers[i]->name);
    const struct ls_layer *const *losses = ls_loss_layers(&count);
    for (int i = 0; i < count; i++)
        ls_names_add(&names, losses[i]->name);
    return ls_nearest(name, names.items, names.count);
}
