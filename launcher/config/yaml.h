/* YAML as configs use it: one document without anchors, aliases and tags, with libyaml's marks for
 * errors. */
#ifndef LS_LAUNCHER_YAML_H
#define LS_LAUNCHER_YAML_H

#include <stdio.h>
#include <yaml.h>

#include "core/base/status.h"

/* Loads the one document in text; *document is owned by the caller (yaml_document_delete). Errors
 * start "PATH:LINE:COLUMN: error: ". */
LS_MUST_USE enum ls_status ls_yaml_load(yaml_document_t *document, const char *text, size_t size,
                                        const char *path, struct ls_error *error);

/* What a node is, in an error's words: "a list", "a mapping", "'text'". buffer: where a text goes.
 */
const char *ls_yaml_describe(const yaml_node_t *node, char *buffer, size_t size);

/* A scalar's text, or NULL if the node is none or holds a NUL byte. */
const char *ls_yaml_text(const yaml_node_t *node);

/* An empty value, as in `augment:` without anything behind it. */
bool ls_yaml_empty(const yaml_node_t *node);

/* Text in double quotes, so that YAML reads it back byte for byte. */
void ls_yaml_quote(FILE *out, const char *text);

/* Whether YAML can carry it at all: valid UTF-8 without characters that YAML forbids. */
bool ls_yaml_representable(const char *text);

#endif
