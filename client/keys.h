/*
 * A client's keys: the daemon's public one, which proves that it is the daemon, and the client's
 * own pair, which proves who the client is.
 *
 * Each is looked for in the options, then in the environment (STOKER_SERVER_KEY, STOKER_KEY), then
 * in the user's files: stoker/server.key and stoker/client.key_secret in $XDG_CONFIG_HOME, or in
 * ~/.config.  What an option or the environment says holds for every endpoint, the files for tcp to
 * other hosts alone, as a daemon asks for keys there.  Without a key of its own a client makes one
 * up, which a daemon lets in that admits its address.  Private to libstoker.
 */
#ifndef STK_CLIENT_KEYS_H
#define STK_CLIENT_KEYS_H

#include <stdbool.h>

#include "proto/key_file.h"
#include "proto/status.h"

struct stk_keys {
    bool used;       /* there is a server's key, and so all three */
    bool everywhere; /* on this host too */
    char server[STK_KEY_BYTES];
    char public[STK_KEY_BYTES];
    char secret[STK_KEY_BYTES];
};

/**
 * Find the keys.
 *
 *   server_key   a file with a public key, or the key itself; NULL: see above
 *   key          a file with a secret key, or the key itself; NULL: see above
 *   keys         set; wiped on failure
 *   error        STK_ERROR_BYTES of storage: what is wrong, and with which file
 *
 * Returns: STK_OK, also where there are none; STK_INVALID where one is neither a file nor a key, or
 *          there is no server's; STK_FORBIDDEN where others can read the secret; STK_SYSTEM.
 * Owns: nothing.  Threads: any, while nobody changes the environment.  Blocks: on files.
 */
STK_MUST_CHECK enum stk_status stk_keys_find(const char *server_key, const char *key,
                                             struct stk_keys *keys, char *error);

/** Forget the keys. */
void stk_keys_wipe(struct stk_keys *keys);

/** Whether keys are for an endpoint. */
bool stk_keys_are_for(const struct stk_keys *keys, const char *endpoint);

/** Make a pair; false where libzmq was built without CURVE. */
bool stk_keys_make(char public[STK_KEY_BYTES], char secret[STK_KEY_BYTES]);

#endif
