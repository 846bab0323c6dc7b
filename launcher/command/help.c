/* lockstep help: every text comes from the tables that also parse. */
#include <string.h>

#include "launcher/command/list.h"
#include "launcher/command/options.h"
#include "launcher/config/config.h"
#include "launcher/exit_codes.h"

static const char *placeholder(const struct ls_field *field) {
    static const char *const names[] = {[LS_FIELD_BOOL] = "",
                                        [LS_FIELD_INTEGER] = " N",
                                        [LS_FIELD_REAL] = " X",
                                        [LS_FIELD_TEXT] = " TEXT",
                                        [LS_FIELD_CHOICE] = " NAME",
                                        [LS_FIELD_PAIR] = " N|[N, N]",
                                        [LS_FIELD_LIST] = " [X, ...]",
                                        [LS_FIELD_PATTERNS] = " [NAME, ...]",
                                        [LS_FIELD_FACTORS] = " {NAME: X, ...}"};
    return names[field->kind];
}

static void print_option(FILE *out, const struct ls_option *option) {
    const struct ls_field *field = &option->field;
    char name[80];
    snprintf(name, sizeof name, "%c%c%s--%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? ", " : "  ", field->name,
             !strcmp(field->name, "set") ? " KEY=VALUE" : placeholder(field));
    fprintf(out, "  %-28s %s", name, field->help);
    if (field->unit)
        fprintf(out, " (%s)", field->unit);
    for (int i = 0; field->kind == LS_FIELD_CHOICE && field->choices[i]; i++)
        fprintf(out, "%s%s", i ? ", " : ": ", field->choices[i]);
    const bool shown = field->kind != LS_FIELD_BOOL && field->initial && field->initial[0] &&
                       strcmp(field->initial, "0") != 0;
    if (shown)
        fprintf(out, "; default %s", field->initial);
    fputc('\n', out);
}

void ls_command_print_help(FILE *out, const struct ls_command *command) {
    fprintf(out, "usage: lockstep %s %s\n\n%s\n", command->name, command->usage, command->help);
    if (command->details)
        fprintf(out, "%s\n", command->details);
    if (command->option_count)
        fputs("\noptions:\n", out);
    for (int i = 0; i < command->option_count; i++)
        print_option(out, &command->options[i]);
    if (command->more)
        command->more(out);
    for (const struct ls_command *const *part = command->parts; part && *part; part++) {
        fputc('\n', out);
        ls_command_print_help(out, *part);
    }
}

void ls_command_print_overview(FILE *out) {
    fputs("Lockstep trains neural networks on MPI: the same bits at any number of ranks.\n\n"
          "usage: lockstep COMMAND ...\n\n",
          out);
    for (int i = 0; i < ls_command_count; i++)
        fprintf(out, "  %-14s %s\n", ls_commands[i]->name, ls_commands[i]->help);
    fputs(
        "\n`lockstep help COMMAND` explains one command, `lockstep help config` the config file,\n"
        "`lockstep help exit-codes` the exit codes, `lockstep --version` what this program is made "
        "of.\n",
        out);
}

static int print_exit_codes(void) {
#define LS_EXIT_LINE(name, code, text) printf("%3d  %s\n", code, text);
    LS_EXIT_CODES(LS_EXIT_LINE)
#undef LS_EXIT_LINE
    return LS_EXIT_DONE;
}

static int help_config(const char *section) {
    struct ls_error error;
    if (ls_config_help(stdout, section))
        return LS_EXIT_DONE;
    const char *nearest = ls_config_help_nearest(section);
    if (nearest)
        ls_fail(&error, LS_INVALID, "help config: no section or layer '%.60s' (did you mean '%s'?)",
                section, nearest);
    else
        ls_fail(&error, LS_INVALID,
                "help config: no section or layer '%.60s'\n`lockstep help config` and "
                "`lockstep help config model` list all",
                section);
    return ls_command_fail(&error);
}

static int run_help(int argument_count, char **arguments, const void *options) {
    (void)options;
    struct ls_error error;
    char hint[160];
    if (!argument_count) {
        ls_command_print_overview(stdout);
        return LS_EXIT_DONE;
    }
    if (!strcmp(arguments[0], "config"))
        return help_config(argument_count > 1 ? arguments[1] : NULL);
    if (argument_count > 1) {
        ls_fail(&error, LS_INVALID, "help: one argument too many: '%.60s'", arguments[1]);
        return ls_command_fail(&error);
    }
    if (!strcmp(arguments[0], "exit-codes"))
        return print_exit_codes();
    const struct ls_command *command = ls_command_find(arguments[0]);
    if (command) {
        ls_command_print_help(stdout, command);
        return LS_EXIT_DONE;
    }
    ls_command_did_you_mean(arguments[0], true, hint, sizeof hint);
    ls_fail(&error, LS_INVALID, "help: no command '%.60s'%s\n`lockstep help` lists all",
            arguments[0], hint);
    return ls_command_fail(&error);
}

const struct ls_command ls_command_help = {
    .name = "help",
    .usage = "[COMMAND | config [SECTION | LAYER] | exit-codes]",
    .help = "explain a command, the config file or the exit codes",
    .arguments_max = 2,
    .run = run_help,
};
