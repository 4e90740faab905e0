/*
 * A channel: one connection to one endpoint, made again whenever it breaks.
 *
 * libzmq connects, and tries again with a growing interval until it succeeds.  A connection that
 * was lost is given up together with its socket, so that nothing of the old one (a request that
 * waits to be sent, a late reply) shows up in the new one: whoever uses the channel asks again
 * when it is told that it is up.  A channel knows frames, not what they say.
 *
 * A peer that is dead or stopped, or cannot be reached any more, sends nothing, not even an answer
 * to ZMTP's heartbeats.  Over tcp the kernel is asked when bytes came last: libzmq counts whole
 * frames alone, and would give up a daemon whose 38 MB on a slow link take longer than the
 * heartbeat.  Over ipc no link is slow, and libzmq's own count serves.
 *
 * A client's thread; libzmq's I/O thread works behind the socket.  Private to libstoker.
 */
#ifndef STK_CHANNEL_H
#define STK_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "client/keys.h"
#include "client/probe.h"
#include "proto/message.h"

enum { STK_FRAMES_MAX = 1 + STK_TENSORS_MAX }; /* a header, then a frame a tensor */

/* A message as it was received.  Not to be copied: libzmq keeps short frames inside zmq_msg_t. */
struct stk_frames {
    uint32_t count; /* received; those beyond STK_FRAMES_MAX were thrown away */
    zmq_msg_t frames[STK_FRAMES_MAX];
};

/** Give frames back; they are empty afterwards.  Threads: the owner's. */
void stk_frames_release(struct stk_frames *frames);

enum stk_channel_event {
    STK_CHANNEL_QUIET, /* nothing happened */
    STK_CHANNEL_UP,    /* a peer that speaks ZMTP is connected */
    STK_CHANNEL_DOWN,  /* it is gone, or what answered does not speak ZMTP: stk_channel_drop */
};

/* How the last handshake ended, as far as libzmq tells. */
enum stk_handshake {
    STK_HANDSHAKE_FINE,
    STK_HANDSHAKE_BROKEN, /* the peer closed the connection without a word */
    STK_HANDSHAKE_OTHER,  /* one of both wants keys, the other one does not */
    STK_HANDSHAKE_KEY,    /* our key is not let in */
    STK_HANDSHAKE_SERVER, /* it has keys, and does not take our handshake for one with its own */
};

struct stk_channel {
    void *context;               /* libzmq's, borrowed */
    const char *endpoint;        /* borrowed */
    const struct stk_keys *keys; /* borrowed; NULL: none */
    enum stk_handshake handshake;
    struct stk_probe probe;    /* open between a broken handshake and the next try at most */
    enum stk_probe_answer met; /* what the last one was told; STK_PROBE_NONE: nothing */
    uint32_t met_curve;        /* probes that were told of keys, each between broken handshakes */
    uint32_t silence_ms;       /* without a byte, and the peer is dead */
    void *socket;              /* DEALER; NULL between a loss and the next try */
    void *monitor;             /* PAIR with the socket's events; NULL with socket */
    int descriptor;            /* of the connection, libzmq's; -1 where there is none */
    bool refused;              /* a try to connect has failed since the socket was made */
    uint32_t sockets;          /* made so far */
    uint32_t losses;           /* in a row */
    uint64_t open_ns;          /* when to make the next socket */
};

/**
 * Set a channel up; the first stk_channel_tend connects.
 *
 *   context, endpoint   borrowed
 *   silence_ms          a peer that sends nothing for so long is dead, >= STK_HEARTBEAT_MS_MIN
 */
void stk_channel_init(struct stk_channel *channel, void *context, const char *endpoint,
                      uint32_t silence_ms);

/** Close what is open.  Safe on a zeroed channel. */
void stk_channel_release(struct stk_channel *channel);

/**
 * Make the socket if there is none and it is time to.
 *
 *   error   STK_ERROR_BYTES of storage
 *
 * Returns: STK_OK, STK_INVALID (libzmq does not take the endpoint) or STK_SYSTEM (descriptors).
 * Threads: the owner's.  Blocks: no.  Allocates: libzmq does.
 */
STK_MUST_CHECK enum stk_status stk_channel_tend(struct stk_channel *channel, uint64_t now_ns,
                                                char *error);

/** The next event, without waiting.  Threads: the owner's. */
enum stk_channel_event stk_channel_event(struct stk_channel *channel);

/**
 * Why the peer would not have us, after STK_CHANNEL_DOWN.
 *
 *   sentence   STK_ERROR_BYTES of storage, set where it said so
 *
 * Returns: STK_OK where it did not say; STK_FORBIDDEN.  Threads: the owner's.
 */
STK_MUST_CHECK enum stk_status stk_channel_refusal(const struct stk_channel *channel,
                                                   char *sentence);

/** What may be the matter with a peer that closes each connection before its handshake is done; ""
 *  where that is not so. */
const char *stk_channel_suspicion(const struct stk_channel *channel);

/** Give the connection up; the next one is made after a back-off that doubles with each loss, and
 * of which half is drawn from the clock, so that trainers do not come back all at once. */
void stk_channel_drop(struct stk_channel *channel, uint64_t now_ns);

/** Do not make the next connection before a moment; the channel was dropped. */
void stk_channel_put_off(struct stk_channel *channel, uint64_t until_ns);

/** A span between two, drawn from the nanoseconds of the clock: trainers must not go in step. */
uint64_t stk_jitter(uint64_t low, uint64_t high, uint64_t now_ns);

/* What the kernel knows of a connection's incoming bytes. */
struct stk_arrival {
    uint64_t silent_ns; /* since bytes came last; 0 where that is not known */
    uint64_t bytes;     /* that came in; 0 where that is not known */
};

/** What came in so far; all zero where there is no connection, or not over tcp. */
struct stk_arrival stk_channel_arrival(const struct stk_channel *channel);

/** The connection has proven itself: the next loss starts with a short back-off again. */
void stk_channel_prove(struct stk_channel *channel);

/**
 * Send a request.
 *
 * Returns: STK_OK; STK_LIMIT where it does not fit into STK_REQUEST_BYTES_MAX; STK_SYSTEM where
 *          libzmq has no room for it.
 * Threads: the owner's.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status stk_channel_send(struct stk_channel *channel,
                                                const struct stk_request *request);

/**
 * Receive a message if one is there.
 *
 *   frames   zeroed; the caller gives them to stk_frames_release whatever is returned
 *
 * Returns: STK_OK; STK_END where none is there (frames are empty), or STK_SYSTEM.
 * Threads: the owner's.  Blocks: no.  Allocates: libzmq does.
 */
STK_MUST_CHECK enum stk_status stk_channel_receive(struct stk_channel *channel,
                                                   struct stk_frames *frames);

/**
 * Wait until the channel has an event or a message, one of the caller's descriptors can be read, a
 * signal comes or time is up.
 *
 *   others   count of them, 0 .. STK_CHANNEL_OTHERS
 *
 * Returns: a bit for each of others that can be read, or is at its end; the first one's is 1.
 */
uint32_t stk_channel_wait_beside(const struct stk_channel *channel, const int *others,
                                 uint32_t count, uint64_t until_ns);

enum { STK_CHANNEL_OTHERS = 4 };

/** Wait until one of some channels has an event or a message, a signal comes or time is up. */
void stk_channels_wait(const struct stk_channel *const *channels, uint32_t count,
                       uint64_t until_ns);

#endif
