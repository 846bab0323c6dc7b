/* lockstep: the program. */
#include <signal.h>
#include <stdlib.h>

#include "launcher/command/command.h"

/* $LOCKSTEP_DATA is relative to where the program was started, wherever mpirun starts the ranks. A
 * folder that does not exist stays as it is written: the error names it. */
static void make_data_folder_absolute(void) {
    const char *folder = getenv("LOCKSTEP_DATA");
    char *absolute = folder && *folder ? realpath(folder, NULL) : NULL;
    if (absolute)
        setenv("LOCKSTEP_DATA", absolute, 1);
    free(absolute);
}

int main(int argc, char **argv) {
    /* A reader that goes away (`lockstep ... | head`) must not kill a run that is training: writing
     * to it fails instead, and the command says so. */
    signal(SIGPIPE, SIG_IGN);
    make_data_folder_absolute();
    return ls_command_main(argc, argv);
}
