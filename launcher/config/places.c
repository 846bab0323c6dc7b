/* Keys that only the model can judge: where they were given, and errors about them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "launcher/config/reader.h"

static const char *const keys[LS_PLACES] = {
    [LS_PLACE_WATCH] = "train.watch",   [LS_PLACE_FROZEN] = "train.frozen",
    [LS_PLACE_START] = "start.from",    [LS_PLACE_NEED] = "start.need",
    [LS_PLACE_EXCEPT] = "start.except", [LS_PLACE_FACTORS] = "optimizer.factors",
};

void ls_reader_note_places(const struct ls_config_reader *reader) {
    for (int p = 0; p < LS_PLACES; p++) {
        const struct ls_origin origin = *ls_reader_origin(reader, keys[p]);
        char *place = reader->config->places[p];
        if (origin.assignment)
            snprintf(place, LS_TEXT_MAX, "--set %.200s", origin.assignment);
        else
            snprintf(place, LS_TEXT_MAX, "%.900s:%zu:%zu", reader->path,
                     origin.line ? origin.line : 1, origin.line ? origin.column : 1);
    }
}

enum ls_status ls_config_fail(const struct ls_config *config, enum ls_config_place place,
                              struct ls_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->status = LS_INVALID;
    return ls_fail_context(error, "%s: error: %s: ", config->places[place], keys[place]);
}

/* Among the parameters and the scopes that they lie in, the name that is spelt most like a pattern;
 * "" if none is. */
static void find_nearest(const char *pattern, const struct ls_parameter_set *parameters,
                         char nearest[LS_NAME_MAX]) {
    nearest[0] = '\0';
    for (int i = 0; i < parameters->count; i++) {
        char name[LS_NAME_MAX], *dot = name;
        for (strcpy(name, parameters->items[i]->name); dot; dot = strrchr(name, '.')) {
            if (dot > name)
                *dot = '\0';
            const char *const both[] = {nearest[0] ? nearest : name, name};
            const char *found = ls_nearest(pattern, both, 2);
            if (found == name)
                strcpy(nearest, name);
        }
    }
}

enum ls_status ls_config_check_patterns(const struct ls_config *config, enum ls_config_place place,
                                        const struct ls_pattern_list *patterns,
                                        const struct ls_parameter_set *parameters,
                                        struct ls_error *error) {
    for (int i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->items[i].pattern;
        int matched = 0;
        for (int p = 0; p < parameters->count; p++)
            matched += ls_pattern_matches(pattern, parameters->items[p]->name);
        char nearest[LS_NAME_MAX];
        find_nearest(pattern, parameters, nearest);
        if (!matched)
            return ls_config_fail(config, place, error,
                                  "the model has no parameter '%s', nor any below a layer of that "
                                  "name%s%s%s",
                                  pattern, nearest[0] ? "; nearest is '" : "", nearest,
                                  nearest[0] ? "'" : "");
    }
    return LS_OK;
}
