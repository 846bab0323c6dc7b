#include "io/version.h"

#include <hdf5.h>
#include <stdio.h>

const char *ls_hdf5_version(void) {
    static char text[48]; /* the same value every time */
    unsigned major = 0, minor = 0, release = 0;
    if (H5get_libversion(&major, &minor, &release) < 0)
        return "unknown";
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}
