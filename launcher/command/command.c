#include "launcher/command/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/command/list.h"
#include "launcher/command/options.h"
#include "launcher/command/version.h"
#include "launcher/exit_codes.h"

#define LS_COMMAND_ADDRESS(name) &ls_command_##name,
const struct ls_command *const ls_commands[] = {LS_COMMANDS(LS_COMMAND_ADDRESS)};
const int ls_command_count = (int)(sizeof ls_commands / sizeof *ls_commands);

const struct ls_command *ls_command_find(const char *name) {
    for (int i = 0; i < ls_command_count; i++)
        if (!strcmp(ls_commands[i]->name, name))
            return ls_commands[i];
    return NULL;
}

const char *ls_command_did_you_mean(const char *name, bool topics, char *buffer, size_t size) {
    const char *names[32] = {"config", "exit-codes"};
    int count = topics ? 2 : 0;
    for (int i = 0; i < ls_command_count; i++)
        names[count++] = ls_commands[i]->name;
    return ls_did_you_mean(name, names, count, "", buffer, size);
}

/* "FILE:LINE:COLUMN: error: " or "--set KEY=VALUE: error: " in the first line. */
static bool names_a_place(const char *text) {
    const char *found = strstr(text, ": error: "), *end = strchr(text, '\n');
    return found && (!end || found < end);
}

int ls_command_fail(const struct ls_error *error) {
    fprintf(stderr, "%s%s\n", names_a_place(error->text) ? "" : "lockstep: error: ", error->text);
    return (int)ls_exit_code(error->status);
}

static int run_with_options(const struct ls_command *command, int argc, char **argv) {
    struct ls_error error;
    struct ls_words words = {.items = ls_calloc((size_t)argc + 1, sizeof *words.items)};
    void *options = ls_calloc(1, command->options_size ? command->options_size : 1);
    int code = LS_EXIT_DONE;
    if (ls_options_parse(command, argc, argv, options, &words, &error) != LS_OK)
        code = ls_command_fail(&error);
    else if (words.help)
        ls_command_print_help(stdout, command);
    else
        code = command->run(words.count, words.items, options);
    free(options);
    free(words.items);
    return code;
}

static int run_command(const struct ls_command *command, int argc, char **argv) {
    for (const struct ls_command *const *part = command->parts; argc && part && *part; part++)
        if (!strcmp(strchr((*part)->name, ' ') + 1, argv[0]))
            return run_with_options(*part, argc - 1, argv + 1);
    if (!command->raw)
        return run_with_options(command, argc, argv);
    if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
        ls_command_print_help(stdout, command);
        return LS_EXIT_DONE;
    }
    return command->run(argc, argv, NULL);
}

static int unknown_command(const char *name) {
    struct ls_error error;
    char hint[160];
    ls_command_did_you_mean(name, false, hint, sizeof hint);
    ls_fail(&error, LS_INVALID, "unknown command '%.60s'%s\n`lockstep help` lists all", name, hint);
    return ls_command_fail(&error);
}

/* What was printed must have arrived: a full disk or a closed pipe is not success. */
static int finish_output(int code) {
    const bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (code != LS_EXIT_DONE || !failed)
        return code;
    struct ls_error error;
    ls_fail(&error, LS_SYSTEM, "cannot write to standard output: %s", strerror(errno));
    return ls_command_fail(&error);
}

int ls_command_main(int argc, char **argv) {
    const char *first = argc > 1 ? argv[1] : "--help";
    if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
        ls_command_print_overview(stdout);
        return finish_output(LS_EXIT_DONE);
    }
    if (!strcmp(first, "--version")) {
        ls_version_print(stdout);
        return finish_output(LS_EXIT_DONE);
    }
    const struct ls_command *command = ls_command_find(first);
    if (!command)
        return unknown_command(first);
    return finish_output(run_command(command, argc - 2, argv + 2));
}
