/* Commands: one file each, one constant struct, listed in list.h. Options are parsed by one
 * function from the table that also prints the help. */
#ifndef LS_LAUNCHER_COMMAND_H
#define LS_LAUNCHER_COMMAND_H

#include <stdio.h>

#include "core/base/field.h"

/* An option of a command: --name VALUE, or -x VALUE; a BOOL takes no value. */
struct ls_option {
    char letter;           /* 0: none */
    struct ls_field field; /* name, kind, offset in the command's options struct, default, help */
    bool repeated;         /* LS_FIELD_TEXT only: member is struct ls_texts */
};

struct ls_texts {
    int count;
    char *items[64]; /* borrowed from argv */
};

struct ls_command {
    const char *name;
    const struct ls_command *const *parts; /* commands named by the first word ("bench kernels");
                                              ends with NULL; or NULL */
    const char *usage;       /* "CONFIG [-n RANKS] [--out RUN] [--set KEY=VALUE ...]" */
    const char *help;        /* one line */
    const char *details;     /* further lines, or NULL */
    void (*more)(FILE *out); /* prints what comes after the options, or NULL */
    const struct ls_option *options;
    int option_count;
    int arguments_min, arguments_max; /* words that are not options; -1: any number */
    bool raw;                         /* gets its arguments as they are (data import) */
    int (*run)(int argument_count, char **arguments, const void *options); /* exit code */
    size_t options_size;
};

/* Finds the command in argv, parses, runs. What main returns. */
int ls_command_main(int argc, char **argv);

const struct ls_command *ls_command_find(const char *name);

/* Prints an error as people read it and returns the exit code that goes with it. A text that starts
 * with FILE:LINE:COLUMN is printed as it is, others with "lockstep: error: " in front. */
int ls_command_fail(const struct ls_error *error);

#endif
