/* `lockstep data info`: what a data set holds. */
#ifndef LS_LAUNCHER_DATA_INFO_H
#define LS_LAUNCHER_DATA_INFO_H

#include "core/base/status.h"
#include "launcher/command/command.h"

extern const struct ls_command ls_command_data_info;

/* What it prints of one HDF5 file, without options. */
LS_MUST_USE enum ls_status ls_data_info_print(const char *path, struct ls_error *error);

#endif
