/* Which HDF5 library is linked. */
#ifndef LS_IO_VERSION_H
#define LS_IO_VERSION_H

/* "1.10.8" */
const char *ls_hdf5_version(void);

#endif
