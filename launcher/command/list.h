/* Every command, once, in the order of the help. Adding one: its file with a constant struct
 * ls_command_NAME, and a line here. */
#ifndef LS_LAUNCHER_COMMAND_LIST_H
#define LS_LAUNCHER_COMMAND_LIST_H

#include "launcher/command/command.h"

#define LS_COMMANDS(X)                                                                             \
    X(train)                                                                                       \
    X(worker)                                                                                      \
    X(evaluate)                                                                                    \
    X(predict)                                                                                     \
    X(generate)                                                                                    \
    X(explain)                                                                                     \
    X(export)                                                                                      \
    X(import_weights)                                                                              \
    X(watch)                                                                                       \
    X(report)                                                                                      \
    X(plot)                                                                                        \
    X(compare)                                                                                     \
    X(inspect)                                                                                     \
    X(data)                                                                                        \
    X(checkpoint)                                                                                  \
    X(doctor)                                                                                      \
    X(bench)                                                                                       \
    X(help)

#define LS_COMMAND_DECLARE(name) extern const struct ls_command ls_command_##name;
LS_COMMANDS(LS_COMMAND_DECLARE)
#undef LS_COMMAND_DECLARE

extern const struct ls_command *const ls_commands[];
extern const int ls_command_count;

#endif
