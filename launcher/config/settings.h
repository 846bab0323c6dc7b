/* A config as a plain list of keys and values, whatever version of the program wrote it: for people
 * who compare runs. */
#ifndef LS_LAUNCHER_SETTINGS_H
#define LS_LAUNCHER_SETTINGS_H

#include <stddef.h>

#include "core/base/status.h"

struct ls_setting {
    char *key;   /* owned: "train.batch", "model.linear1.units", "data.split" */
    char *value; /* owned: as a config would say it, a list in brackets */
};

struct ls_settings {
    int count;
    struct ls_setting *items; /* [count] owned; in the order of the text */
};

/* Layers and losses are known by their names (else by their kind), so that one more in the middle
 * leaves the keys of the others as they are. The layer itself is a setting, too: its kind. */
LS_MUST_USE enum ls_status ls_settings_parse(struct ls_settings *settings, const char *text,
                                             size_t size, const char *path, struct ls_error *error);
void ls_settings_clear(struct ls_settings *settings);

/* The value of a key; NULL: it has none. */
const char *ls_settings_find(const struct ls_settings *settings, const char *key);

#endif
