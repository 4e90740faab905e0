/*
 * A probe: what an endpoint says before any handshake.
 *
 * A daemon that does not understand us closes the connection without a word, as one does that is
 * full, and as a proxy does whose daemon is down.  ZMTP's greeting comes before that and names a
 * mechanism, with keys or without; so a connection of its own, on which nothing else is said, tells
 * these apart.
 *
 * A client's thread.  Private to libstoker.
 */
#ifndef STK_PROBE_H
#define STK_PROBE_H

#include <stddef.h>
#include <stdint.h>

enum stk_probe_answer {
    STK_PROBE_NONE, /* yet, or none was open */
    STK_PROBE_NULL, /* it speaks without keys */
    STK_PROBE_CURVE,
};

struct stk_probe {
    void *socket; /* STREAM; NULL: it is not open */
    size_t len;
    uint8_t greeting[64];
};

/** Connect to a tcp endpoint; where that cannot be, no answer comes.  It was zeroed, or closed.
 *  Threads: the owner's.  Blocks: no. */
void stk_probe_open(struct stk_probe *probe, void *context, const char *endpoint);

/** Say and hear what is due.  Returns: the answer, once.  Threads: the owner's.  Blocks: no. */
enum stk_probe_answer stk_probe_work(struct stk_probe *probe);

/** Close it if it is open.  Threads: the owner's.  Blocks: no. */
void stk_probe_close(struct stk_probe *probe);

#endif
