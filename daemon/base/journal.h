/*
 * The journal: an entry an event, with a field for each of the event's.
 *
 *     EVENT=image.corrupt STREAM=train PATH=n01/x.jpg INDEX=81322 PRIORITY=4 MESSAGE=warn image...
 *
 * systemd's native protocol, a datagram an entry, without libsystemd.  A field's key is the event's
 * in capitals; its value has a length, so that nothing in a file's name can make another field.
 */
#ifndef STK_JOURNAL_H
#define STK_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/log.h"

/**
 * Open the socket that entries are sent by.
 *
 *   path   of the journal's own socket; borrowed for the call
 *
 * Returns: whether there is one now; false leaves nothing open.
 * Threads: one, before entries are sent.
 */
bool journal_open(const char *path);

/**
 * Send an entry.
 *
 *   priority   syslog's, 0 to 7
 *   event      a stable id
 *   message    the whole line, message_len bytes
 *   fields     count pairs; those that do not fit the entry any more are left out
 *
 * Returns: whether the journal has it.
 * Threads: any.  Blocks: while the journal's queue is full.  Allocates: no.
 */
bool journal_send(int priority, const char *event, const char *message, size_t message_len,
                  const struct log_field *fields, unsigned count);

#endif
