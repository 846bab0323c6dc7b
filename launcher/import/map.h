/* The map of `import-weights`: which names in a file of weights are which of a model's.
 *
 * A mapping of YAML, or JSON: `theirs: ours`, a parameter or a layer with all below it; `*` stands
 * for any characters, as few as possible, and those behind the same `*` of ours. Nothing behind the
 * colon leaves them out; a list gives them to several; `{to: ours, layout: in_out}` says more. Of
 * several that match a name the last one counts. */
#ifndef LS_LAUNCHER_IMPORT_MAP_H
#define LS_LAUNCHER_IMPORT_MAP_H

#include "core/base/field.h"
#include "core/graph/parameters.h"

/* How matrices lie in the file: as PyTorch's, [out, in], but where only [in, out] fits; [in, out],
 * as the Conv1D of GPT-2 has them; or [out, in] in any case. */
enum ls_map_layout { LS_MAP_BY_SHAPE, LS_MAP_IN_OUT, LS_MAP_OUT_IN };

/* How their model lays out images as rows: channels first, as PyTorch does, or last. */
enum ls_map_flat { LS_MAP_CHANNELS_FIRST, LS_MAP_CHANNELS_LAST };

/* Which numbers of a head rotary positions turn together: neighbours, as here and in the paper, or
 * one of each half, as in Hugging Face's models. Both are common, so it must be said. */
enum ls_map_rotary { LS_MAP_UNSAID, LS_MAP_PAIRS, LS_MAP_HALVES };

struct ls_map_options {
    int layout; /* enum ls_map_layout */
    int flat;   /* enum ls_map_flat */
    int rotary; /* enum ls_map_rotary */
};

struct ls_map_rule {
    char *theirs; /* owned, like the next */
    char **ours;  /* [our_count]; none: they are left out */
    int our_count;
    struct ls_map_options options;
    int line, column;
    bool used;
};

struct ls_map {
    char path[LS_TEXT_MAX];    /* "": there is no map */
    struct ls_map_rule *rules; /* [count] owned */
    int count;
};

/* Errors begin FILE:LINE:COLUMN. ls_map_clear, also after an error. */
LS_MUST_USE enum ls_status ls_map_load(struct ls_map *map, const char *path,
                                       struct ls_error *error);
void ls_map_clear(struct ls_map *map); /* also of a zeroed one */

/* The rule for a name (marked as used); NULL: there is none. */
const struct ls_map_rule *ls_map_find(struct ls_map *map, const char *name);
/* What name `target` (of the rule's ours) makes of it; false if that is too long. */
bool ls_map_rename(const struct ls_map_rule *rule, int target, const char *name,
                   char renamed[LS_NAME_MAX]);

#endif
