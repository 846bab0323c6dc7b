#include "launcher/command/ranks.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/file.h"
#include "launcher/exit_codes.h"
#include "launcher/supervisor/reason.h"

int ls_ranks_launch(const struct ls_launch *what) {
    static const struct ls_launcher_options options = {.mpirun = "mpirun"};
    char run[PATH_MAX], program[PATH_MAX];
    struct ls_error error;
    if (ls_folder_temporary(run, sizeof run, &error) != LS_OK)
        return ls_command_fail(&error);
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    struct ls_launch launch = *what;
    launch.program = program;
    if (!launch.command)
        launch.command = "bench";
    launch.run = run;
    launch.options = &options;
    const int code = ls_supervise(&launch, NULL);
    if (ls_folder_remove(run, &error) != LS_OK)
        return ls_command_fail(&error);
    return code;
}

int ls_ranks_run(enum ls_status (*run)(const void *context, struct ls_communicator *communicator,
                                       struct ls_error *error),
                 const void *context) {
    struct ls_error error;
    struct ls_communicator *communicator;
    enum ls_status status = ls_communicator_create(&communicator, &error);
    if (status != LS_OK)
        return ls_command_fail(&error);
    const int rank = ls_communicator_rank(communicator);
    status = ls_communicator_agree(communicator, ls_reason_open_launched(rank, &error), &error);
    if (status == LS_OK)
        status = run(context, communicator, &error);
    int code = LS_EXIT_DONE;
    if (status != LS_OK)
        code = rank == 0 ? ls_command_fail(&error) : (int)ls_exit_code(status);
    ls_reason_finish(code, status == LS_OK ? "" : error.text);
    ls_communicator_destroy(communicator);
    return code;
}
