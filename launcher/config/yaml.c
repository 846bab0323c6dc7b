#include "launcher/config/yaml.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 }; /* of lists and mappings inside each other */

static enum ls_status fail_at(struct ls_error *error, const char *path, yaml_mark_t mark,
                              const char *text) {
    return ls_fail(error, LS_INVALID, "%s:%zu:%zu: error: %s", path, mark.line + 1, mark.column + 1,
                   text);
}

/* The reader knows only a byte's offset. */
static yaml_mark_t mark_of(const char *text, size_t offset) {
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset; i++) {
        mark.column++;
        if (text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

/* libyaml's own words at its own mark. */
static enum ls_status fail_syntax(const yaml_parser_t *parser, const char *text, size_t size,
                                  const char *path, struct ls_error *error) {
    const char *problem = parser->problem ? parser->problem : "this is not YAML";
    if (parser->error == YAML_READER_ERROR) {
        const size_t offset = parser->problem_offset < size ? parser->problem_offset : size;
        const yaml_mark_t mark = mark_of(text, offset);
        return ls_fail(error, LS_INVALID, "%s:%zu:%zu: error: not YAML text: %s", path,
                       mark.line + 1, mark.column + 1, problem);
    }
    fail_at(error, path, parser->problem_mark, "YAML syntax: ");
    const size_t used = strlen(error->text);
    if (parser->context)
        snprintf(error->text + used, sizeof error->text - used, "%s (%s that began on line %zu)",
                 problem, parser->context, parser->context_mark.line + 1);
    else
        snprintf(error->text + used, sizeof error->text - used, "%s", problem);
    return LS_INVALID;
}

/* What configs do without, because it would make a key's place or type unclear. */
static const char *refuse(const yaml_event_t *event, int depth, int documents) {
    const bool scalar = event->type == YAML_SCALAR_EVENT;
    const bool sequence = event->type == YAML_SEQUENCE_START_EVENT;
    const bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const bool tag = (scalar && event->data.scalar.tag) ||
                     (sequence && event->data.sequence_start.tag) ||
                     (mapping && event->data.mapping_start.tag);
    const bool anchor = (scalar && event->data.scalar.anchor) ||
                        (sequence && event->data.sequence_start.anchor) ||
                        (mapping && event->data.mapping_start.anchor);
    if (event->type == YAML_ALIAS_EVENT || anchor)
        return "configs take no anchors (&name) and aliases (*name); quote a text that begins with "
               "& or *";
    if (tag)
        return "configs take no tags (!name); quote a text that begins with !";
    if (depth > DEPTH_MAX)
        return "lists and mappings lie too deep inside each other (32 levels at most)";
    if (documents > 1)
        return "a config is one document; a second one (---) begins here";
    return NULL;
}

/* Reads all events once: syntax, and what is refused. */
static enum ls_status check_events(const char *text, size_t size, const char *path,
                                   struct ls_error *error) {
    yaml_parser_t parser;
    LS_ASSERT(yaml_parser_initialize(&parser), "libyaml has no memory for %s", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    enum ls_status status = LS_OK;
    int depth = 0, documents = 0;
    for (bool end = false; !end && status == LS_OK;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = fail_syntax(&parser, text, size, path, error);
            break;
        }
        depth += event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
        depth -= event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        documents += event.type == YAML_DOCUMENT_START_EVENT;
        end = event.type == YAML_STREAM_END_EVENT;
        const char *problem = refuse(&event, depth, documents);
        if (problem)
            status = fail_at(error, path, event.start_mark, problem);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

enum ls_status ls_yaml_load(yaml_document_t *document, const char *text, size_t size,
                            const char *path, struct ls_error *error) {
    const enum ls_status status = check_events(text, size, path, error);
    if (status != LS_OK)
        return status;
    yaml_parser_t parser;
    LS_ASSERT(yaml_parser_initialize(&parser), "libyaml has no memory for %s", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    LS_ASSERT(yaml_parser_load(&parser, document), "%s parsed once and not twice: %s", path,
              parser.problem);
    yaml_parser_delete(&parser);
    return LS_OK;
}

const char *ls_yaml_text(const yaml_node_t *node) {
    if (node->type != YAML_SCALAR_NODE)
        return NULL;
    const char *text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

bool ls_yaml_empty(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE && !node->data.scalar.length &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

const char *ls_yaml_describe(const yaml_node_t *node, char *buffer, size_t size) {
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    if (ls_yaml_empty(node))
        return "nothing";
    snprintf(buffer, size, "'%.60s'", (const char *)node->data.scalar.value);
    return buffer;
}

void ls_yaml_quote(FILE *out, const char *text) {
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f)
            fprintf(out, "\\x%02x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

bool ls_yaml_representable(const char *text) {
    char *quoted = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&quoted, &size);
    LS_ASSERT(out, "no memory for a text of %zu bytes", strlen(text));
    ls_yaml_quote(out, text);
    fclose(out);
    yaml_document_t document;
    struct ls_error error;
    bool same = false;
    if (ls_yaml_load(&document, quoted, size, "", &error) == LS_OK) {
        const char *back = ls_yaml_text(yaml_document_get_root_node(&document));
        same = back && !strcmp(back, text);
        yaml_document_delete(&document);
    }
    free(quoted);
    return same;
}
