/* What this program is made of. */
#ifndef LS_LAUNCHER_VERSION_H
#define LS_LAUNCHER_VERSION_H

#include <stdio.h>

/* "0.1.0", and the commit it was built from ("1234567890ab", "... with changes", "unknown"). */
const char *ls_version(void);
const char *ls_version_commit(void);

/* `lockstep --version` */
void ls_version_print(FILE *out);

#endif
