/*
 * Files of tensors: see npy.h.
 */
#include "client/command/npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC_BYTES = 10, /* the magic, the version and the header's length */
    ALIGNMENT = 64,   /* of the elements in the file */
};

/* Create the temporary file with the rights that any new file gets. */
static FILE *create(char *temporary)
{
    int descriptor = mkstemp(temporary);
    if (descriptor < 0)
        return NULL;
    mode_t mask = umask(0);
    umask(mask);
    FILE *out = fchmod(descriptor, 0666 & ~mask) == 0 ? fdopen(descriptor, "wb") : NULL;
    if (out == NULL) {
        int code = errno;
        close(descriptor);
        unlink(temporary);
        errno = code;
    }
    return out;
}

enum stk_status whole_file_begin(struct whole_file *file, const char *folder, const char *name)
{
    *file = (struct whole_file){.out = NULL};
    int len = snprintf(file->path, sizeof file->path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof file->path) {
        errno = ENAMETOOLONG;
        return STK_SYSTEM;
    }
    snprintf(file->temporary, sizeof file->temporary, "%s.XXXXXX", file->path);
    file->out = create(file->temporary);
    return file->out == NULL ? STK_SYSTEM : STK_OK;
}

enum stk_status whole_file_finish(struct whole_file *file)
{
    /* errno of the write that failed may be lost by now; EIO is what it comes to. */
    int code = ferror(file->out) ? EIO : 0;
    if (fclose(file->out) != 0)
        code = errno;
    file->out = NULL;
    if (code == 0 && rename(file->temporary, file->path) != 0)
        code = errno;
    if (code == 0)
        return STK_OK;
    unlink(file->temporary);
    errno = code;
    return STK_SYSTEM;
}

/* NumPy knows no bfloat16 of its own.  This is what it writes for the one of ml_dtypes: two bytes
 * without a meaning, which nobody takes for whole numbers. */
static const char *descr_of(enum stk_dtype dtype)
{
    return dtype == STK_BF16 ? "<V2" : stk_dtype_word(dtype);
}

void npy_write(FILE *out, const struct stk_tensor_info *tensor, const void *data)
{
    char header[256];
    int len = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                       descr_of(tensor->dtype));
    for (uint32_t i = 0; i < tensor->rank; i++)
        len +=
            snprintf(header + len, sizeof header - (size_t)len, "%" PRIu32 ", ", tensor->shape[i]);
    len += snprintf(header + len, sizeof header - (size_t)len, "), }");
    /* Blanks and a line feed fill the header up so that the elements are aligned. */
    int total = (MAGIC_BYTES + len + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    int header_len = total - MAGIC_BYTES;
    const unsigned char magic[MAGIC_BYTES] = {0x93,
                                              'N',
                                              'U',
                                              'M',
                                              'P',
                                              'Y',
                                              1,
                                              0,
                                              (unsigned char)(header_len & 0xff),
                                              (unsigned char)(header_len >> 8)};
    fwrite(magic, 1, sizeof magic, out);
    fprintf(out, "%-*s\n", header_len - 1, header);
    fwrite(data, 1, stk_tensor_bytes(tensor), out);
}
