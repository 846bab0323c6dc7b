#include "launcher/command/options.h"

#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 64, REPEATED_MAX = 64 };

struct parser {
    const struct ls_command *command;
    char **argv;
    int argc, at; /* at: the next word */
    void *options;
    bool given[OPTIONS_MAX];
    struct ls_error *error;
};

static struct ls_texts *texts_of(const struct ls_option *option, void *options) {
    return (struct ls_texts *)(void *)((char *)options + option->field.offset);
}

static void reset(const struct ls_command *command, void *options) {
    memset(options, 0, command->options_size);
    for (int i = 0; i < command->option_count; i++) {
        const struct ls_option *option = &command->options[i];
        if (!option->repeated)
            ls_fields_reset((struct ls_fields){&option->field, 1}, options);
    }
}

static enum ls_status usage_error(const struct parser *parser) {
    const size_t used = strlen(parser->error->text);
    snprintf(parser->error->text + used, sizeof parser->error->text - used,
             "\nusage: lockstep %s %s\nsee `lockstep help %.*s`", parser->command->name,
             parser->command->usage, (int)strcspn(parser->command->name, " "),
             parser->command->name);
    return LS_INVALID;
}

const char *ls_did_you_mean(const char *word, const char *const *names, int count,
                            const char *prefix, char *buffer, size_t size) {
    const char *nearest = ls_nearest(word, names, count);
    buffer[0] = '\0';
    if (nearest)
        snprintf(buffer, size, " (did you mean '%s%s'?)", prefix, nearest);
    return buffer;
}

static enum ls_status unknown(const struct parser *parser, const char *name, int length,
                              bool is_long) {
    const char *names[OPTIONS_MAX + 1];
    char word[80], hint[160];
    int count = 0;
    for (int i = 0; i < parser->command->option_count; i++)
        names[count++] = parser->command->options[i].field.name;
    names[count++] = "help";
    snprintf(word, sizeof word, "%.*s", length, name);
    if (is_long)
        ls_did_you_mean(word, names, count, "--", hint, sizeof hint);
    else
        hint[0] = '\0';
    ls_fail(parser->error, LS_INVALID, "%s: unknown option '%s%s'%s", parser->command->name,
            is_long ? "--" : "-", word, hint);
    return usage_error(parser);
}

/* Stores a value (NULL: a switch without one). spelt: as the user wrote the option, without the
 * value. */
static enum ls_status store(struct parser *parser, const struct ls_option *option, char *value,
                            const char *spelt) {
    const char *command = parser->command->name;
    bool *given = &parser->given[option - parser->command->options];
    struct ls_error problem;
    if (option->repeated) {
        struct ls_texts *texts = texts_of(option, parser->options);
        if (texts->count == REPEATED_MAX)
            return ls_fail(parser->error, LS_INVALID, "%s: %s is given more than %d times", command,
                           spelt, REPEATED_MAX);
        texts->items[texts->count++] = value;
        return LS_OK;
    }
    if (*given)
        return ls_fail(parser->error, LS_INVALID, "%s: %s is given twice", command, spelt);
    *given = true;
    if (ls_field_parse(&option->field, value ? value : "true", parser->options, &problem) == LS_OK)
        return LS_OK;
    return ls_fail(parser->error, LS_INVALID, "%s: %s%s%s%s: %s", command, spelt,
                   option->field.unit ? " (" : "", option->field.unit ? option->field.unit : "",
                   option->field.unit ? ")" : "", problem.text);
}

/* The value behind an option: attached, or the next word. */
static enum ls_status take_value(struct parser *parser, const struct ls_option *option,
                                 char *attached, const char *spelt) {
    const bool is_switch = option->field.kind == LS_FIELD_BOOL;
    if (is_switch && attached) {
        ls_fail(parser->error, LS_INVALID, "%s: %s takes no value, found '%.60s'",
                parser->command->name, spelt, attached);
        return usage_error(parser);
    }
    if (!is_switch && !attached) {
        if (parser->at == parser->argc) {
            ls_fail(parser->error, LS_INVALID, "%s: %s needs a value", parser->command->name,
                    spelt);
            return usage_error(parser);
        }
        attached = parser->argv[parser->at++];
    }
    return store(parser, option, attached, spelt);
}

/* --name, --name VALUE, --name=VALUE */
static enum ls_status parse_long(struct parser *parser, char *word) {
    char *name = word + 2, *equals = strchr(name, '=');
    const size_t length = equals ? (size_t)(equals - name) : strlen(name);
    for (int i = 0; i < parser->command->option_count; i++) {
        const struct ls_option *option = &parser->command->options[i];
        if (strlen(option->field.name) == length && !strncmp(option->field.name, name, length)) {
            char spelt[80];
            snprintf(spelt, sizeof spelt, "--%s", option->field.name);
            return take_value(parser, option, equals ? equals + 1 : NULL, spelt);
        }
    }
    return unknown(parser, name, (int)length, true);
}

/* -n 4, -n4; switches may not be joined. */
static enum ls_status parse_short(struct parser *parser, char *word) {
    for (int i = 0; i < parser->command->option_count; i++) {
        const struct ls_option *option = &parser->command->options[i];
        if (option->letter && option->letter == word[1]) {
            const char spelt[] = {'-', word[1], '\0'};
            return take_value(parser, option, word[2] ? word + 2 : NULL, spelt);
        }
    }
    return unknown(parser, word + 1, (int)strlen(word + 1), false);
}

static enum ls_status check_count(const struct parser *parser, const struct ls_words *words) {
    const struct ls_command *command = parser->command;
    if (words->count < command->arguments_min)
        ls_fail(parser->error, LS_INVALID, "%s: an argument is missing", command->name);
    else if (command->arguments_max >= 0 && words->count > command->arguments_max)
        ls_fail(parser->error, LS_INVALID, "%s: one argument too many: '%.60s'", command->name,
                words->items[command->arguments_max]);
    else
        return LS_OK;
    return usage_error(parser);
}

enum ls_status ls_options_parse(const struct ls_command *command, int argc, char **argv,
                                void *options, struct ls_words *words, struct ls_error *error) {
    struct parser parser = {
        .command = command, .argv = argv, .argc = argc, .options = options, .error = error};
    LS_ASSERT(command->option_count <= OPTIONS_MAX, "%s has %d options", command->name,
              command->option_count);
    reset(command, options);
    words->count = 0;
    words->help = false;
    for (bool only_words = false; parser.at < argc;) {
        char *word = argv[parser.at++];
        enum ls_status status = LS_OK;
        if (only_words || word[0] != '-' || !word[1])
            words->items[words->count++] = word;
        else if (!strcmp(word, "--"))
            only_words = true;
        else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            words->help = true;
            return LS_OK;
        } else
            status = word[1] == '-' ? parse_long(&parser, word) : parse_short(&parser, word);
        if (status != LS_OK)
            return status;
    }
    return check_count(&parser, words);
}
