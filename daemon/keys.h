/*
 * Keys: which clients a daemon admits, and to which streams.
 *
 * A table of the public keys in a folder, one file NAME.key a client, read at the start and with
 * each reload, and never changed.  A client whose file is gone stands in the next table as removed,
 * so that the log can name it.  It knows no sockets.
 */
#ifndef STK_KEYS_H
#define STK_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "proto/key_file.h"
#include "proto/message.h"
#include "proto/status.h"

enum { KEYS_MAX = 4096 }; /* files, and clients that were removed */

struct key_client {
    char key[STK_KEY_BYTES];           /* public */
    char name[STK_NAME_BYTES_MAX + 1]; /* of its file, without ".key" */
    char *streams;                     /* owned; the names it may ask for, with a blank before and
                                          behind each; NULL: all */
    bool removed;
};

struct keys;

/**
 * Read the keys that a configuration names.
 *
 *   before   the table until now, for what was removed; NULL: there is none
 *   keys     set on success, NULL otherwise
 *   error    CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *keys and gives it to keys_close.
 * Returns: STK_OK; STK_CONFIG where a file is no public key, has a name that is none, or two have
 *          the same key; STK_SYSTEM where the folder cannot be read; STK_MEMORY.
 * Threads: any, while nobody closes before.  Blocks: on files.
 */
STK_MUST_CHECK enum stk_status keys_open(const struct config *config, const struct keys *before,
                                         struct keys **keys, char *error);

/** Give a table back; *keys becomes NULL.  NULL is fine. */
void keys_close(struct keys **keys);

/** How many clients have a key. */
size_t keys_count(const struct keys *keys);

/**
 * Whether who has the secret of a key, and connects from an address, is let in.
 *
 *   client   set to whose key it is, removed ones too; NULL where it is nobody's
 *
 * Owns: nothing; *client is borrowed from keys.  Threads: any.  Blocks: no.
 */
bool keys_admit(const struct keys *keys, const char *key, const char *address,
                const struct key_client **client);

/** Whether somebody whom one table lets in may be kept out by another one: a key is gone, or
 *  networks differ. */
bool keys_withdraw(const struct keys *before, const struct keys *after);

/** Whether a client may ask for a stream; NULL, a client without a name, may ask for all. */
bool key_client_may(const struct key_client *client, const char *stream, size_t len);

#endif
