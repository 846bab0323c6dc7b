#include "launcher/command/version.h"

#include "core/base/numerics.h"
#include "core/tensor/blas.h"
#include "core/tensor/isa.h"
#include "dist/communicator.h"
#include "io/version.h"
#include "ls_version_generated.h" /* cmake/Version.cmake writes it at every build */

const char *ls_version(void) {
    return LS_VERSION;
}

const char *ls_version_commit(void) {
    return LS_COMMIT;
}

void ls_version_print(FILE *out) {
    fprintf(out, "lockstep %s\n", ls_version());
    fprintf(out, "commit   %s\n", ls_version_commit());
    fprintf(out, "numerics %d (%s kernels here)\n", LS_NUMERICS_VERSION,
            ls_variant_name(ls_variant_best()));
    fprintf(out, "MPI      %s\n", ls_mpi_version());
    fprintf(out, "HDF5     %s\n", ls_hdf5_version());
    fprintf(out, "BLAS     %s\n", ls_blas_describe());
}
