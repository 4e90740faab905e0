/*
 * A client's keys: see keys.h.
 */
#include "client/keys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "client/fail.h"

static bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A file of the user's; an empty path where there is none. */
static void user_file(const char *name, char path[PATH_MAX])
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    path[0] = '\0';
    if (config != NULL && config[0] == '/')
        snprintf(path, PATH_MAX, "%s/stoker/%s", config, name);
    else if (home != NULL && home[0] == '/')
        snprintf(path, PATH_MAX, "%s/.config/stoker/%s", home, name);
    if (!file_exists(path))
        path[0] = '\0';
}

/* The option, or what the environment says; NULL where neither does. */
static const char *said(const char *option, const char *variable)
{
    const char *value = option != NULL ? option : getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A file's key, or the key that a text is. */
static enum stk_status read_key(const char *text, bool secret, char key[STK_KEY_BYTES], char *error)
{
    struct stk_key_file file;
    char reason[STK_KEY_REASON_BYTES];
    if (!file_exists(text) && stk_key_is_valid(text)) {
        memcpy(key, text, STK_KEY_BYTES);
        return STK_OK;
    }
    enum stk_status status = stk_key_file_read(text, secret, &file, reason);
    if (status != STK_OK)
        return stk_fail(error, status, "%s", reason);
    memcpy(key, secret ? file.secret_key : file.public_key, STK_KEY_BYTES);
    explicit_bzero(&file, sizeof file);
    return STK_OK;
}

static enum stk_status read_own(const char *text, struct stk_keys *keys, char *error)
{
    if (text == NULL)
        return stk_keys_make(keys->public, keys->secret)
                   ? STK_OK
                   : stk_fail(error, STK_SYSTEM, "cannot make a key: libzmq has no CURVE");
    enum stk_status status = read_key(text, true, keys->secret, error);
    if (status == STK_OK && zmq_curve_public(keys->public, keys->secret) != 0)
        return stk_fail(error, STK_SYSTEM, "cannot use a key: libzmq has no CURVE");
    return status;
}

enum stk_status stk_keys_find(const char *server_key, const char *key, struct stk_keys *keys,
                              char *error)
{
    char server_path[PATH_MAX], own_path[PATH_MAX];
    memset(keys, 0, sizeof *keys);
    const char *server = said(server_key, "STOKER_SERVER_KEY");
    const char *own = said(key, "STOKER_KEY");
    keys->everywhere = server != NULL;
    user_file("server.key", server_path);
    user_file("client.key_secret", own_path);
    if (server == NULL && server_path[0] != '\0')
        server = server_path;
    if (server == NULL && own != NULL)
        return stk_fail(error, STK_INVALID,
                        "there is a key, but no server_key: a client proves itself only to a "
                        "daemon that it knows by the daemon's public key");
    if (server == NULL)
        return STK_OK;
    if (own == NULL && own_path[0] != '\0')
        own = own_path;
    enum stk_status status = read_key(server, false, keys->server, error);
    if (status == STK_OK)
        status = read_own(own, keys, error);
    if (status == STK_OK)
        keys->used = true;
    else
        stk_keys_wipe(keys);
    return status;
}

void stk_keys_wipe(struct stk_keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}

/* As the daemon judges it. */
static bool is_this_host(const char *endpoint)
{
    static const char tcp[] = "tcp://", number[] = "127.";
    if (strncmp(endpoint, tcp, sizeof tcp - 1) != 0)
        return true;
    const char *host = endpoint + sizeof tcp - 1;
    return strncmp(host, "localhost:", 10) == 0 || strncmp(host, "[::1]:", 6) == 0 ||
           (strncmp(host, number, sizeof number - 1) == 0 &&
            host[strspn(host, "0123456789.")] == ':');
}

bool stk_keys_are_for(const struct stk_keys *keys, const char *endpoint)
{
    return keys != NULL && keys->used && (keys->everywhere || !is_this_host(endpoint));
}

bool stk_keys_make(char public[STK_KEY_BYTES], char secret[STK_KEY_BYTES])
{
    return zmq_curve_keypair(public, secret) == 0;
}
