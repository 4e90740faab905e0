/*
 * The journal: an entry is made in the caller's stack and sent whole.
 */
#include "daemon/base/journal.h"

#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ENTRY_BYTES = 8192, /* a line of 2,048 bytes, and its values once more each */
    KEY_BYTES = 64,     /* of the journal's own limit */
};

struct entry {
    char bytes[ENTRY_BYTES];
    size_t len;
};

/* Set before there are threads. */
static int journal_fd = -1;
static struct sockaddr_un journal;

bool journal_open(const char *path)
{
    if (journal_fd < 0)
        journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    journal = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(journal.sun_path, sizeof journal.sun_path, "%s", path);
    if (journal_fd >= 0 && access(path, W_OK) == 0)
        return true;
    if (journal_fd >= 0)
        close(journal_fd);
    journal_fd = -1;
    return false;
}

/* KEY, a line's end, the value's length in 64 bits, little-endian, the value, a line's end. */
static void put(struct entry *entry, const char *key, const char *value, size_t len)
{
    size_t key_len = strnlen(key, KEY_BYTES);
    uint64_t told = htole64(len);
    if (len > ENTRY_BYTES || entry->len + key_len + sizeof told + len + 2 > ENTRY_BYTES)
        return;
    char *end = entry->bytes + entry->len;
    for (size_t i = 0; i < key_len; i++)
        *end++ = isalnum((unsigned char)key[i]) ? (char)toupper((unsigned char)key[i]) : '_';
    *end++ = '\n';
    memcpy(end, &told, sizeof told);
    memcpy(end + sizeof told, value, len);
    end[sizeof told + len] = '\n';
    entry->len += key_len + sizeof told + len + 2;
}

static void put_text(struct entry *entry, const char *key, const char *text)
{
    put(entry, key, text, strlen(text));
}

static void put_number(struct entry *entry, const char *key, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, number);
    put(entry, key, text, (size_t)len);
}

/* Sent by address: a journal that was started again is found by it. */
bool journal_send(int priority, const char *event, const char *message, size_t message_len,
                  const struct log_field *fields, unsigned count)
{
    struct entry entry;
    entry.len = 0;
    put_number(&entry, "PRIORITY", (uint64_t)priority);
    put_text(&entry, "SYSLOG_IDENTIFIER", "stokerd");
    put(&entry, "MESSAGE", message, message_len);
    put_text(&entry, "EVENT", event);
    for (unsigned i = 0; i < count; i++) {
        if (fields[i].text != NULL)
            put_text(&entry, fields[i].key, fields[i].text);
        else
            put_number(&entry, fields[i].key, fields[i].number);
    }
    return sendto(journal_fd, entry.bytes, entry.len, MSG_NOSIGNAL, (struct sockaddr *)&journal,
                  sizeof journal) == (ssize_t)entry.len;
}
