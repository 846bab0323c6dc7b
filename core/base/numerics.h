/* The version of the bits: raised by every change after which the same config may end in other
 * bits. It stands in each checkpoint; a run is not continued under another version. */
#ifndef LS_BASE_NUMERICS_H
#define LS_BASE_NUMERICS_H

#define LS_NUMERICS_VERSION 5

#endif
