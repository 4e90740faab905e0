/*
 * Status codes: what a fallible function returns, and the word that stands for it on the wire.
 *
 * One list feeds the enum, the words of an error reply's "code" and the texts; PROTOCOL.md
 * explains to a trainer what each word asks of it.  No state; any thread.
 */
#ifndef STK_STATUS_H
#define STK_STATUS_H

/* X(name, word on the wire, text for a person) */
#define STK_STATUS_LIST(X)                                                                         \
    X(OK, "ok", "success")                                                                         \
    X(END, "end", "there is nothing more")                                                         \
    X(TIMEOUT, "timeout", "no answer in time")                                                     \
    X(CLOSED, "closed", "closed while waiting")                                                    \
    X(MEMORY, "memory", "out of memory")                                                           \
    X(SYSTEM, "system", "a system call failed")                                                    \
    X(INVALID, "invalid", "not a valid message or argument")                                       \
    X(VERSION, "version", "the peer speaks another major version of the protocol")                 \
    X(UNKNOWN_KIND, "unknown_kind", "no such kind of request")                                     \
    X(UNKNOWN_STREAM, "unknown_stream", "no such stream")                                          \
    X(RANGE, "range", "outside the epoch")                                                         \
    X(FINGERPRINT, "fingerprint", "the daemon serves other data than the one pinned")              \
    X(WINDOW, "window", "more requests in flight than the window granted")                         \
    X(LIMIT, "limit", "over a limit")                                                              \
    X(CORRUPT, "corrupt", "not a picture that can be decoded")                                     \
    X(UNSUPPORTED, "unsupported", "a kind of picture that this build cannot decode")               \
    X(UNREADABLE, "unreadable", "the file cannot be read")                                         \
    X(OVERLOADED, "overloaded", "the daemon has no room for this now")                             \
    X(DRAINING, "draining", "the daemon is shutting down")                                         \
    X(CONFIG, "config", "the configuration is wrong")                                              \
    X(IN_USE, "in_use", "the address is in use")                                                   \
    X(FORBIDDEN, "forbidden", "not allowed with this key")                                         \
    X(STALE, "stale", "what an index says of the file does not fit it")

#define STK_STATUS_ENUM(name, word, text) STK_##name,
enum stk_status { STK_STATUS_LIST(STK_STATUS_ENUM) STK_STATUS_COUNT };
#undef STK_STATUS_ENUM

/** A function so marked returns a status (or a pointer) that the caller must look at. */
#define STK_MUST_CHECK __attribute__((warn_unused_result))

/**
 * The word that stands for a status on the wire, e.g. "unknown_stream"; never NULL.
 *
 * Owns: nothing; the text is constant.  Threads: any.  Blocks: no.  Allocates: no.
 */
const char *stk_status_word(enum stk_status status);

/** The status in a few words for a person, e.g. "no such stream"; never NULL.  Threads: any. */
const char *stk_status_text(enum stk_status status);

/**
 * The status of a wire word; STK_INVALID where a newer peer sends a word that we do not know.
 *
 *   word   len bytes, not terminated
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
enum stk_status stk_status_of_word(const char *word, unsigned long len);

#endif
