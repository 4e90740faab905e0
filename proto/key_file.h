/*
 * Key files: the certificates of CZMQ and of pyzmq's zmq.auth, read.
 *
 * Such a file is a text in ZPL, with the sections "metadata" and "curve".  FILE holds a public key,
 * FILE_secret both.  Keys are the 40 characters of Z85 that libzmq takes.  No state; any thread.
 */
#ifndef STK_KEY_FILE_H
#define STK_KEY_FILE_H

#include <stdbool.h>

#include "proto/status.h"

enum {
    STK_KEY_BYTES = 41,           /* storage for a key, its end mark included */
    STK_KEY_STREAMS_BYTES = 4096, /* storage for the names of streams, likewise */
    STK_KEY_REASON_BYTES = 384,   /* storage for a sentence, likewise */
};

struct stk_key_file {
    char public_key[STK_KEY_BYTES];      /* empty where the file has none */
    char secret_key[STK_KEY_BYTES];      /* likewise */
    char streams[STK_KEY_STREAMS_BYTES]; /* of the metadata, separated by blanks; empty: all */
};

/** Whether a text is a key: 40 characters of Z85 that stand for 32 bytes.  Threads: any. */
bool stk_key_is_valid(const char *text);

/**
 * Read a file of keys.
 *
 *   path     the file
 *   secret   a secret key is wanted: it must be in the file, and others must not be able to read
 *            it; otherwise a public key must be
 *   file     set on success; wiped otherwise.  Whoever asked for a secret wipes it after use
 *   reason   STK_KEY_REASON_BYTES of storage: what is wrong, with the path
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_SYSTEM     the file cannot be read
 *          STK_FORBIDDEN  others than its owner and group can read it, or others than its owner
 *                         can write it
 *          STK_INVALID    no certificate, or without the key that is wanted
 * Threads: any.  Blocks: on the file.  Allocates: no.
 * Source:  ZeroMQ RFC 4 (ZPL) and RFC 32 (Z85); zcert(7) of CZMQ.
 */
STK_MUST_CHECK enum stk_status stk_key_file_read(const char *path, bool secret,
                                                 struct stk_key_file *file, char *reason);

#endif
