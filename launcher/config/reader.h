/* Private to this folder: a config while it is being read, with the place that each value came
 * from. */
#ifndef LS_LAUNCHER_CONFIG_READER_H
#define LS_LAUNCHER_CONFIG_READER_H

#include "launcher/config/config.h"
#include "launcher/config/yaml.h"

/* Line 0 and no assignment: a default. */
struct ls_origin {
    size_t line, column;
    const char *assignment; /* borrowed: "train.batch=256" of --set */
};

struct ls_config_reader {
    struct ls_config *config;   /* borrowed */
    const char *path;           /* borrowed */
    yaml_document_t *document;  /* borrowed */
    struct ls_origin *origins;  /* owned; of all sections' fields in order */
    struct ls_origin *sections; /* owned */
    struct ls_origin model, feeds, losses, phases;
    const yaml_node_t *phase_nodes; /* read when everything else is known */
    struct ls_error *error;         /* borrowed */
};

struct ls_origin ls_origin_of(const yaml_node_t *node);

/* The origin of a field, named as in --set ("train.batch"); a name that is in no table is a bug. */
struct ls_origin *ls_reader_origin(const struct ls_config_reader *reader, const char *key);

/* LS_INVALID with "PATH:LINE:COLUMN: error: " or "--set KEY=VALUE: error: " in front. A default's
 * place is the beginning of the file. */
enum ls_status ls_reader_fail(const struct ls_config_reader *reader, struct ls_origin origin,
                              const char *format, ...) LS_PRINTF(3, 4);

/* "line 12", "--set train.batch=5", "the default": for a second place in a text. */
const char *ls_origin_print(struct ls_origin origin, char *buffer, size_t size);

/* Sets one member from a YAML node (name: of the field in messages, "train.batch"). */
LS_MUST_USE enum ls_status ls_reader_set(const struct ls_config_reader *reader,
                                         const struct ls_field *field, const char *name,
                                         const yaml_node_t *node, void *target);

/* The same from the text of an assignment. */
LS_MUST_USE enum ls_status ls_reader_set_text(const struct ls_config_reader *reader,
                                              const struct ls_field *field, const char *name,
                                              const char *text, struct ls_origin origin,
                                              void *target);

/* "unknown key 'bacth' in section train; nearest is 'batch'" */
enum ls_status ls_reader_unknown(const struct ls_config_reader *reader, struct ls_origin origin,
                                 const struct ls_config_section *section, const char *key);

/* Gives the files that data.* names their absolute names (paths.c). */
LS_MUST_USE enum ls_status ls_reader_settle_paths(const struct ls_config_reader *reader);

/* Made of letters, digits, _ and -, shorter than `size`; a path also of dots. */
bool ls_name_good(const char *name, size_t size, bool path);

/* A mapping of keys to values that is no section: `data.feeds.words`, `phases.generator`. */
struct ls_mapping {
    const char *scope; /* what it is called in messages */
    struct ls_fields fields;
    void *target;               /* of the fields */
    const char *help;           /* section of `lockstep help config` that explains it */
    const char *const *further; /* keys that are no fields, to NULL; or NULL: there are none */
    enum ls_status (*read)(const struct ls_config_reader *reader, const struct ls_mapping *mapping,
                           const char *key, const yaml_node_t *value); /* one of them */
};
LS_MUST_USE enum ls_status ls_reader_mapping(const struct ls_config_reader *reader,
                                             const struct ls_mapping *mapping,
                                             const yaml_node_t *node);

/* Refuses a key that the same mapping has before: "SCOPE.KEY is given twice". */
LS_MUST_USE enum ls_status ls_reader_check_once(const struct ls_config_reader *reader,
                                                const char *scope, const yaml_node_t *node,
                                                const yaml_node_pair_t *pair);

/* The model section: a list of layers, or a mapping of names to such lists. */
LS_MUST_USE enum ls_status ls_reader_model(const struct ls_config_reader *reader,
                                           const yaml_node_t *node, struct ls_networks *networks);

/* The losses section: a list of losses, written like layers. */
LS_MUST_USE enum ls_status ls_reader_losses(const struct ls_config_reader *reader,
                                            const yaml_node_t *node, struct ls_layer_list *list);

/* The losses and phases that the task has, with what the sections of these names say. */
LS_MUST_USE enum ls_status ls_reader_resolve(struct ls_config_reader *reader);

extern const struct ls_fields ls_phase_fields; /* of struct ls_phase_options: every */

/* Where a phase's value of a key of the section `schedule` was given: in `phases`, or there. */
struct ls_origin ls_reader_schedule_origin(const struct ls_config_reader *reader,
                                           const struct ls_phase_options *phase, const char *key);

/* `feeds` of the section data: a mapping of names. */
LS_MUST_USE enum ls_status ls_reader_feeds(struct ls_config_reader *reader,
                                           const yaml_node_t *key_node, const yaml_node_t *node);
/* What the name of a ragged feed gets for the feed of its lengths. */
#define LS_LENGTH_ENDING "_length"
/* Whether the keys about windows and feeds go together (check_feeds.c). */
LS_MUST_USE enum ls_status ls_reader_check_feeds(const struct ls_config_reader *reader);
void ls_config_print_feeds(FILE *out, const struct ls_feed_list *list, int indent);
/* "NAME: VALUE" of one field, as YAML. */
void ls_config_print_field(FILE *out, const struct ls_field *field, const void *target, int indent);

/* config->places (places.c). */
void ls_reader_note_places(const struct ls_config_reader *reader);

/* What no single field can tell: batch and microbatches, shares of a split, ... */
LS_MUST_USE enum ls_status ls_reader_check(const struct ls_config_reader *reader);

/* The names that a mapping may have; for the nearest one in errors. */
enum { LS_NAMES_MAX = 128 };
struct ls_names {
    int count;
    const char *items[LS_NAMES_MAX];
};
void ls_names_add(struct ls_names *names, const char *name);

/* As ls_field_print, with words for numbers that have them (config.h). */
char *ls_config_field_print(const struct ls_field *field, const void *target, char *text,
                            size_t size);

#endif
