/* The resolved config as YAML: every field of every section, defaults included. */
#include <stdlib.h>
#include <string.h>

#include "launcher/config/reader.h"

void ls_config_print_field(FILE *out, const struct ls_field *field, const void *target,
                           int indent) {
    char text[LS_FIELD_PRINT_MAX];
    ls_config_field_print(field, target, text, sizeof text);
    fprintf(out, "%*s%s: ", indent, "", field->name);
    if (field->kind == LS_FIELD_TEXT)
        ls_yaml_quote(out, text);
    else
        fputs(text, out);
    fputc('\n', out);
}

/* `from: NAME`; several of one key: `of: [NAME, NAME]`. */
static void print_references(FILE *out, const struct ls_layer_spec *spec, int indent) {
    for (int i = 0; i < spec->reference_count; i++) {
        const struct ls_reference *reference = &spec->references[i];
        const bool first = i == 0 || reference[-1].key != reference->key;
        const bool last = i + 1 == spec->reference_count || reference[1].key != reference->key;
        if (first)
            fprintf(out, "%*s%s: %s", indent, "", reference->key, last ? "" : "[");
        fprintf(out, "%s%s", first ? "" : ", ", reference->name);
        if (last)
            fputs(first ? "\n" : "]\n", out);
    }
}

static void print_layers(FILE *out, const struct ls_layer_list *list, int indent) {
    for (int i = 0; i < list->count; i++) {
        const struct ls_layer_spec *spec = &list->items[i];
        const struct ls_layer *layer = spec->layer;
        fprintf(out, "%*s- %s:\n", indent, "", layer->name);
        fprintf(out, "%*sname: %s\n", indent + 6, "", spec->name);
        print_references(out, spec, indent + 6);
        for (int f = 0; f < layer->fields.count; f++)
            if (!ls_layer_spec_follows(spec, &layer->fields.items[f]))
                ls_config_print_field(out, &layer->fields.items[f], spec->options, indent + 6);
        for (int b = 0; layer->branches && layer->branches[b]; b++) {
            const bool empty = !spec->branches[b].count;
            fprintf(out, "%*s%s:%s\n", indent + 6, "", layer->branches[b], empty ? " []" : "");
            print_layers(out, &spec->branches[b], indent + 8);
        }
    }
}

static void print_fields(FILE *out, struct ls_fields fields, const void *target, int indent) {
    for (int i = 0; i < fields.count; i++)
        ls_config_print_field(out, &fields.items[i], target, indent);
}

/* One phase is what the sections optimizer and schedule say. */
static void print_phases(FILE *out, const struct ls_config *config) {
    if (config->phase_count > 1)
        fputs("phases:\n", out);
    for (int p = 0; config->phase_count > 1 && p < config->phase_count; p++) {
        const struct ls_phase_options *phase = &config->phases[p];
        fprintf(out, "  %s:\n", phase->name);
        print_fields(out, ls_phase_fields, phase, 4);
        fputs("    optimizer:\n", out);
        print_fields(out, ls_optimizer_fields, &phase->optimizer, 6);
        fputs("    schedule:\n", out);
        print_fields(out, ls_schedule_fields, &phase->schedule, 6);
    }
}

char *ls_config_print(const struct ls_config *config) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory to print config %s", config->path);
    for (int s = 0; s < ls_config_section_count; s++) {
        const struct ls_config_section *section = &ls_config_sections[s];
        const bool named = section->name[0];
        if (section->fields == &ls_loss_fields)
            continue; /* the section losses says it in full */
        if (named)
            fprintf(out, "%s:\n", section->name);
        print_fields(out, *section->fields, (const char *)config + section->offset, named ? 2 : 0);
        if (!strcmp(section->name, "data"))
            ls_config_print_feeds(out, &config->data.feeds, 2);
    }
    print_phases(out, config);
    fputs("losses:\n", out);
    print_layers(out, &config->losses, 2);
    fputs("model:\n", out);
    for (int i = 0; i < config->model.count; i++) {
        const struct ls_network *network = &config->model.items[i];
        if (network->name[0])
            fprintf(out, "  %s:\n", network->name);
        print_layers(out, &network->layers, network->name[0] ? 4 : 2);
    }
    LS_ASSERT(!fclose(out), "no memory to print config %s", config->path);
    return text;
}
