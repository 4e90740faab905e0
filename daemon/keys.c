/*
 * Keys: a table sorted by key.
 */
#include "daemon/keys.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/networks.h"

struct keys {
    struct config_networks networks;
    size_t count;
    size_t removed_count;
    struct key_client *clients; /* room for KEYS_MAX, sorted by key once all are there */
};

static int by_key(const void *left, const void *right)
{
    const struct key_client *const clients[] = {left, right};
    return strcmp(clients[0]->key, clients[1]->key);
}

static const struct key_client *find(const struct keys *keys, const char *key)
{
    struct key_client wanted;
    snprintf(wanted.key, sizeof wanted.key, "%s", key);
    return bsearch(&wanted, keys->clients, keys->count, sizeof wanted, by_key);
}

/* "train  valid" as " train valid ", so that a name is found with the blanks around it. */
static char *spread(const char *streams)
{
    size_t capacity = strlen(streams) + 3;
    char *spread = malloc(capacity);
    char *end = spread;
    if (spread == NULL)
        return NULL;
    *end++ = ' ';
    for (const char *word = streams; *word != '\0';) {
        word += strspn(word, " \t,");
        size_t len = strcspn(word, " \t,");
        memcpy(end, word, len);
        end += len;
        *end = ' ';
        end += len > 0;
        word += len;
    }
    *end = '\0';
    return spread;
}

/* Of "alice.key" 5; 0 where a file's name is no client's. */
static size_t name_len(const char *file)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";
    size_t len = strlen(file);
    size_t ending = strlen(".key");
    if (len <= ending || strcmp(file + len - ending, ".key") != 0)
        return 0;
    len -= ending;
    return len <= STK_NAME_BYTES_MAX && strspn(file, allowed) >= len ? len : 0;
}

static enum stk_status add(struct keys *keys, const struct key_client *client, char *error)
{
    if (keys->count == KEYS_MAX) {
        snprintf(error, CONFIG_ERROR_BYTES, "more than %d keys of clients; remove some", KEYS_MAX);
        return STK_CONFIG;
    }
    keys->clients[keys->count++] = *client;
    return STK_OK;
}

static enum stk_status add_file(struct keys *keys, const char *folder, const char *file,
                                char *error)
{
    char path[PATH_MAX];
    char reason[STK_KEY_REASON_BYTES];
    struct stk_key_file read;
    struct key_client client = {0};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    size_t len = name_len(file);
    if (len == 0) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "\"%.300s\" is not called as a client: NAME.key, 1 .. %d of A-Z a-z 0-9 . _ - @",
                 path, STK_NAME_BYTES_MAX);
        return STK_CONFIG;
    }
    enum stk_status status = stk_key_file_read(path, false, &read, reason);
    if (status != STK_OK) {
        snprintf(error, CONFIG_ERROR_BYTES, "%s", reason);
        return STK_CONFIG;
    }
    bool limited = read.streams[0] != '\0';
    memcpy(client.key, read.public_key, sizeof client.key);
    memcpy(client.name, file, len);
    explicit_bzero(&read.secret_key, sizeof read.secret_key);
    client.streams = limited ? spread(read.streams) : NULL;
    if (limited && client.streams == NULL)
        return STK_MEMORY;
    status = add(keys, &client, error);
    if (status != STK_OK)
        free(client.streams);
    return status;
}

static enum stk_status add_files(struct keys *keys, const char *folder, char *error)
{
    enum stk_status status = STK_OK;
    DIR *files = opendir(folder);
    struct dirent *entry = NULL;
    /* Hidden files and directories are an editor's or a mount's. */
    while (files != NULL && status == STK_OK && (entry = (errno = 0, readdir(files))) != NULL) {
        if (entry->d_name[0] != '.' && entry->d_type != DT_DIR)
            status = add_file(keys, folder, entry->d_name, error);
    }
    int reason = files == NULL || (status == STK_OK && entry == NULL) ? errno : 0;
    if (files != NULL)
        closedir(files);
    if (reason == 0)
        return status;
    snprintf(error, CONFIG_ERROR_BYTES, "cannot read the clients' keys in \"%s\": %s", folder,
             strerror(reason));
    return STK_SYSTEM;
}

static enum stk_status check_unique(const struct keys *keys, char *error)
{
    for (size_t i = 1; i < keys->count; i++) {
        if (strcmp(keys->clients[i - 1].key, keys->clients[i].key) != 0)
            continue;
        snprintf(error, CONFIG_ERROR_BYTES,
                 "the clients \"%s\" and \"%s\" have the same key; make each its own",
                 keys->clients[i - 1].name, keys->clients[i].name);
        return STK_CONFIG;
    }
    return STK_OK;
}

/* Only the log asks for them, so those that find no room are left out. */
static void add_removed(struct keys *keys, const struct keys *before)
{
    size_t present = keys->count;
    for (size_t i = 0; before != NULL && i < before->count && keys->count < KEYS_MAX; i++) {
        struct key_client client = before->clients[i];
        if (bsearch(&client, keys->clients, present, sizeof client, by_key) != NULL)
            continue;
        client.removed = true;
        client.streams = NULL;
        keys->clients[keys->count++] = client;
        keys->removed_count++;
    }
    qsort(keys->clients, keys->count, sizeof keys->clients[0], by_key);
}

enum stk_status keys_open(const struct config *config, const struct keys *before,
                          struct keys **keys, char *error)
{
    *keys = NULL;
    struct keys *made = calloc(1, sizeof *made);
    if (made != NULL)
        made->clients = calloc(KEYS_MAX, sizeof made->clients[0]);
    enum stk_status status = made == NULL || made->clients == NULL ? STK_MEMORY : STK_OK;
    if (status == STK_OK)
        status = config_networks_parse(config->client_addresses, &made->networks);
    if (status == STK_OK && config->client_keys[0] != '\0')
        status = add_files(made, config->client_keys, error);
    if (status == STK_OK) {
        qsort(made->clients, made->count, sizeof made->clients[0], by_key);
        status = check_unique(made, error);
    }
    if (status == STK_MEMORY)
        snprintf(error, CONFIG_ERROR_BYTES, "no memory for the clients' keys");
    if (status != STK_OK) {
        keys_close(&made);
        return status;
    }
    add_removed(made, before);
    *keys = made;
    return STK_OK;
}

void keys_close(struct keys **keys)
{
    struct keys *closing = *keys;
    *keys = NULL;
    if (closing == NULL)
        return;
    for (size_t i = 0; i < closing->count; i++)
        free(closing->clients[i].streams);
    free(closing->clients);
    free(closing);
}

size_t keys_count(const struct keys *keys)
{
    return keys->count - keys->removed_count;
}

bool keys_admit(const struct keys *keys, const char *key, const char *address,
                const struct key_client **client)
{
    *client = find(keys, key);
    if (*client != NULL && !(*client)->removed)
        return true;
    return *client == NULL && config_networks_have(&keys->networks, address);
}

bool keys_withdraw(const struct keys *before, const struct keys *after)
{
    if (memcmp(&before->networks, &after->networks, sizeof before->networks) != 0)
        return true;
    for (size_t i = 0; i < before->count; i++) {
        const struct key_client *now = find(after, before->clients[i].key);
        if (!before->clients[i].removed && (now == NULL || now->removed))
            return true;
    }
    return false;
}

bool key_client_may(const struct key_client *client, const char *stream, size_t len)
{
    char word[STK_NAME_BYTES_MAX + 3];
    if (client == NULL || client->streams == NULL)
        return true;
    if (len > STK_NAME_BYTES_MAX)
        return false;
    snprintf(word, sizeof word, " %.*s ", (int)len, stream);
    return strstr(client->streams, word) != NULL;
}
