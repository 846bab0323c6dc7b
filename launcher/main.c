/* lockstep: the program. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "launcher/command/command.h"
#include "launcher/exit_codes.h"

/* $LOCKSTEP_DATA is relative to where the program was started, wherever mpirun starts the ranks. A
 * folder that does not exist stays as it is written: the error names it. */
static void make_data_folder_absolute(void) {
    const char *folder = getenv("LOCKSTEP_DATA");
    char *absolute = folder && *folder ? realpath(folder, NULL) : NULL;
    if (absolute)
        setenv("LOCKSTEP_DATA", absolute, 1);
    free(absolute);
}

/* What ends this process after a bug, or for want of memory, where there are no other ranks. */
static void end_process(bool bug) {
    if (bug)
        abort();
    _Exit(LS_EXIT_SYSTEM);
}

/* A descriptor that was closed would be the next file's: of a data set, or of a checkpoint, into
 * which our lines would then go. */
static void open_standard_files(void) {
    int file;
    do
        file = open("/dev/null", O_RDWR);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0)
        close(file);
}

int main(int argc, char **argv) {
    /* A reader that goes away (`lockstep ... | head`) must not kill a run that is training: writing
     * to it fails instead, and the command says so. */
    signal(SIGPIPE, SIG_IGN);
    open_standard_files();
    ls_job_set_end(end_process);
    make_data_folder_absolute();
    return ls_command_main(argc, argv);
}
