/* Private to this folder: a command's words against its table of options. */
#ifndef LS_LAUNCHER_OPTIONS_H
#define LS_LAUNCHER_OPTIONS_H

#include <stdio.h>

#include "launcher/command/command.h"

/* What a command line gives. */
struct ls_words {
    char **items; /* words that are not options, in order; room for all of argv (borrowed) */
    int count;
    bool help; /* --help or -h */
};

/* Fills options (command->options_size bytes) with defaults, then with what argv[0 .. argc-1] says,
 * and collects the other words. Stops early at --help. The error is at most three lines. */
LS_MUST_USE enum ls_status ls_options_parse(const struct ls_command *command, int argc, char **argv,
                                            void *options, struct ls_words *words,
                                            struct ls_error *error);

/* The help of one command. */
void ls_command_print_help(FILE *out, const struct ls_command *command);

/* The list of commands. */
void ls_command_print_overview(FILE *out);

/* " (did you mean 'train'?)" or "", for a word that is none of the names. */
const char *ls_did_you_mean(const char *word, const char *const *names, int count,
                            const char *prefix, char *buffer, size_t size);

/* The command (or topic of help) spelt most like name, as ls_did_you_mean has it. */
const char *ls_command_did_you_mean(const char *name, bool topics, char *buffer, size_t size);

#endif
