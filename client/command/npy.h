/*
 * Files of tensors: NumPy's .npy, format 1.0, and whole files by a rename.
 */
#ifndef STK_NPY_H
#define STK_NPY_H

#include <stdio.h>

#include "client/stoker.h"

/* A file that appears under its name only when all of it is there. */
struct whole_file {
    FILE *out; /* NULL once it was finished */
    char path[4096];
    char temporary[4096 + 16];
};

/**
 * Begin a file.
 *
 *   folder, name   where it is to be
 *
 * Returns: STK_OK; STK_SYSTEM with errno set, and nothing is left.
 */
STK_MUST_CHECK enum stk_status whole_file_begin(struct whole_file *file, const char *folder,
                                                const char *name);

/** Put the file in its place, or take it away where writing failed; STK_SYSTEM with errno set. */
STK_MUST_CHECK enum stk_status whole_file_finish(struct whole_file *file);

/**
 * Write a tensor; what fails shows in whole_file_finish.
 *
 *   tensor   STK_BF16 becomes NumPy's <V2, as ml_dtypes' bfloat16 does
 *   data     stk_tensor_bytes(tensor) bytes, C order, little-endian
 */
void npy_write(FILE *out, const struct stk_tensor_info *tensor, const void *data);

#endif
