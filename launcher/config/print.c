/* The resolved config as YAML: every field of every section, defaults included. */
#include <stdlib.h>

#include "launcher/config/reader.h"

static void print_field(FILE *out, const struct ls_field *field, const void *target, int indent) {
    char text[32 * LS_LIST_MAX > LS_TEXT_MAX ? 32 * LS_LIST_MAX : LS_TEXT_MAX];
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
            print_field(out, &layer->fields.items[f], spec->options, indent + 6);
        for (int b = 0; layer->branches && layer->branches[b]; b++) {
            const bool empty = !spec->branches[b].count;
            fprintf(out, "%*s%s:%s\n", indent + 6, "", layer->branches[b], empty ? " []" : "");
            print_layers(out, &spec->branches[b], indent + 8);
        }
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
        if (named)
            fprintf(out, "%s:\n", section->name);
        for (int i = 0; i < section->fields->count; i++)
            print_field(out, &section->fields->items[i], (const char *)config + section->offset,
                        named ? 2 : 0);
    }
    fputs("model:\n", out);
    print_layers(out, &config->model, 2);
    LS_ASSERT(!fclose(out), "no memory to print config %s", config->path);
    return text;
}
