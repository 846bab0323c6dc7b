/* One value: from a YAML node or an assignment's text into its member. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/config/reader.h"

static bool is_number(const struct ls_field *field) {
    return field->kind == LS_FIELD_INTEGER || field->kind == LS_FIELD_REAL;
}

/* A word that stands for a number ("auto" for 0); -1 if text is none. */
static int find_word(const struct ls_field *field, const char *text) {
    if (is_number(field) && field->choices)
        for (int i = 0; field->choices[i]; i++)
            if (!strcmp(field->choices[i], text))
                return i;
    return -1;
}

static enum ls_status parse(const struct ls_field *field, const char *text, void *target,
                            struct ls_error *error) {
    const int word = find_word(field, text);
    if (word >= 0 && field->kind == LS_FIELD_INTEGER) {
        *(int64_t *)(void *)((char *)target + field->offset) = word;
        return LS_OK;
    }
    if (word >= 0) {
        *(double *)(void *)((char *)target + field->offset) = word;
        return LS_OK;
    }
    const enum ls_status status = ls_field_parse(field, text, target, error);
    if (status != LS_OK && is_number(field) && field->choices) {
        const size_t used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, " (or the word %s)",
                 field->choices[0]);
    }
    return status;
}

char *ls_config_field_print(const struct ls_field *field, const void *target, char *text,
                            size_t size) {
    ls_field_print(field, target, text, size);
    if (is_number(field) && field->choices)
        for (int i = 0; field->choices[i]; i++) {
            char number[16];
            snprintf(number, sizeof number, "%d", i);
            if (!strcmp(number, text)) {
                snprintf(text, size, "%s", field->choices[i]);
                break;
            }
        }
    return text;
}

enum ls_status ls_reader_set_text(const struct ls_config_reader *reader,
                                  const struct ls_field *field, const char *name, const char *text,
                                  struct ls_origin origin, void *target) {
    struct ls_error problem;
    if (parse(field, text, target, &problem) == LS_OK)
        return LS_OK;
    if (field->unit)
        return ls_reader_fail(reader, origin, "%s (%s): %s", name, field->unit, problem.text);
    return ls_reader_fail(reader, origin, "%s: %s", name, problem.text);
}

/* One element as a text; false if it is none, or would not be read back as one. */
static bool put_element(FILE *out, yaml_document_t *document, int node, const char *between) {
    const char *element = ls_yaml_text(yaml_document_get_node(document, node));
    const bool plain = element && !strpbrk(element, ",[]{}");
    if (plain)
        fprintf(out, "%s%s", between, element);
    return plain;
}

/* A sequence of scalars as a text like "[0.8, 0, 0.2]", a mapping as one like "{encoder: 0.1}";
 * owned by the caller, NULL if it holds more. */
static char *join(yaml_document_t *document, const yaml_node_t *node) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory for a list of line %zu", node->start_mark.line + 1);
    const bool list = node->type == YAML_SEQUENCE_NODE;
    bool plain = true;
    fputc(list ? '[' : '{', out);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         list && plain && item < node->data.sequence.items.top; item++)
        plain =
            put_element(out, document, *item, item > node->data.sequence.items.start ? ", " : "");
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         !list && plain && pair < node->data.mapping.pairs.top; pair++)
        plain = put_element(out, document, pair->key,
                            pair > node->data.mapping.pairs.start ? ", " : "") &&
                put_element(out, document, pair->value, ": ");
    fputc(list ? ']' : '}', out);
    fclose(out);
    if (!plain) {
        free(text);
        return NULL;
    }
    return text;
}

/* Lists and mappings of plain values. */
static enum ls_status set_joined(const struct ls_config_reader *reader,
                                 const struct ls_field *field, const char *name,
                                 const yaml_node_t *node, void *target) {
    char *text = join(reader->document, node);
    if (!text)
        return ls_reader_fail(reader, ls_origin_of(node), "%s: expected a %s of plain %s", name,
                              node->type == YAML_MAPPING_NODE ? "mapping" : "list",
                              field->kind == LS_FIELD_PATTERNS  ? "names"
                              : field->kind == LS_FIELD_FACTORS ? "names to numbers"
                                                                : "numbers");
    const enum ls_status status =
        ls_reader_set_text(reader, field, name, text, ls_origin_of(node), target);
    free(text);
    return status;
}

enum ls_status ls_reader_set(const struct ls_config_reader *reader, const struct ls_field *field,
                             const char *name, const yaml_node_t *node, void *target) {
    const bool named = field->kind == LS_FIELD_PATTERNS || field->kind == LS_FIELD_FACTORS;
    const bool takes_list = field->kind == LS_FIELD_PAIR || field->kind == LS_FIELD_LIST ||
                            field->kind == LS_FIELD_PATTERNS;
    const struct ls_origin origin = ls_origin_of(node);
    char found[80];
    if ((takes_list && node->type == YAML_SEQUENCE_NODE) ||
        (field->kind == LS_FIELD_FACTORS && node->type == YAML_MAPPING_NODE))
        return set_joined(reader, field, name, node, target);
    const char *text = ls_yaml_text(node);
    const bool empty = ls_yaml_empty(node) && field->kind != LS_FIELD_TEXT;
    if (!text || empty)
        return ls_reader_fail(reader, origin, "%s: expected %s, found %s", name,
                              field->kind == LS_FIELD_TEXT ? "a text" : "a value",
                              ls_yaml_describe(node, found, sizeof found));
    const bool quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (quoted && !named && field->kind != LS_FIELD_TEXT && field->kind != LS_FIELD_CHOICE)
        return ls_reader_fail(reader, origin, "%s: expected %s, found the text \"%.60s\" in quotes",
                              name, field->kind == LS_FIELD_BOOL ? "true or false" : "a number",
                              text);
    return ls_reader_set_text(reader, field, name, text, origin, target);
}
