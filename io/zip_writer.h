/* Writes a ZIP archive of stored members, up to 4 GB: what numpy.load reads as .npz. Internal to
 * io. PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.4. */
#ifndef LS_IO_ZIP_WRITER_H
#define LS_IO_ZIP_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Zero it but for `out`. */
struct ls_zip_writer {
    FILE *out;                /* borrowed */
    unsigned char *directory; /* owned: the records of the members so far */
    size_t directory_bytes;
    uint32_t offset; /* bytes written */
    int count;
};

/* Bytes of a member, which is made of several. */
struct ls_zip_part {
    const void *bytes;
    size_t count;
};

/* False if it cannot be written; the sizes of all members must fit an archive without ZIP64. */
bool ls_zip_writer_add(struct ls_zip_writer *zip, const char *name, const struct ls_zip_part *parts,
                       int part_count);
/* Writes the directory and frees what the writer has. */
bool ls_zip_writer_finish(struct ls_zip_writer *zip);

#endif
