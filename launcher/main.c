/* lockstep: the program. */
#include <signal.h>

#include "launcher/command/command.h"

int main(int argc, char **argv) {
    /* A reader that goes away (`lockstep ... | head`) must not kill a run that is training: writing
     * to it fails instead, and the command says so. */
    signal(SIGPIPE, SIG_IGN);
    return ls_command_main(argc, argv);
}
