/*
 * The pump: what a client does between two batches: greet, ask, receive, and ask again elsewhere.
 *
 * Requests in flight stand in a ring of slots.  A slot's place is its request's id, so a reply
 * finds its slot at once, batches leave in order at the head, and an id that is not between head
 * and tail belongs to nobody.  A request keeps its id when it is asked again on another
 * connection: the old connection's socket is closed by then, and no late reply can come.
 *
 *     WAITING -> ASKED -> READY -> (taken)
 *        ^         |  \-> FAILED -+
 *        |         v              |
 *        +-- connection lost, or the daemon said "not now"
 *
 * A client's thread.  Private to libstoker.
 */
#ifndef STK_PUMP_H
#define STK_PUMP_H

#include <stdbool.h>

#include "client/channel.h"
#include "client/order.h"
#include "client/stoker.h"
#include "client/url.h"

/* An endpoint: its connection, and what its daemon has told. */
struct stk_peer {
    struct stk_channel channel;
    bool greeted;            /* hello was sent on this connection */
    bool live;               /* it was answered: requests may go there */
    uint32_t window;         /* requests in flight that the daemon grants */
    uint32_t in_flight;      /* slots that are ASKED here, <= window */
    uint64_t rest_ns;        /* the daemon said "not now": asked again from then on; else 0 */
    enum stk_status refusal; /* why the daemon would not have us; STK_OK: it did not say so */
    char sentence[STK_ERROR_BYTES]; /* belongs to refusal */
};

enum stk_slot_state {
    STK_SLOT_WAITING, /* to be asked */
    STK_SLOT_ASKED,   /* of peers[peer] */
    STK_SLOT_READY,   /* batch is here */
    STK_SLOT_FAILED,  /* status and sentence say why; becomes WAITING once that was told */
};

struct stk_slot {
    enum stk_slot_state state;
    struct stk_address address;
    uint32_t peer;                  /* ASKED */
    struct stk_batch *batch;        /* READY; NULL otherwise */
    enum stk_status status;         /* FAILED; or the last "not now", STK_OK where nobody said so */
    char sentence[STK_ERROR_BYTES]; /* belongs to status */
};

struct stk_client {
    void *context; /* libzmq's */
    struct stk_url url;
    struct stk_options options; /* with the defaults filled in; name is not used */
    char name[STK_NAME_BYTES_MAX + 1];
    struct stk_peer peers[STK_ENDPOINTS_MAX]; /* url.count of them */

    bool pinned;         /* a daemon has told of the stream, and all others must tell the same */
    uint32_t pinned_by;  /* peers */
    void *welcome_bytes; /* what it sent */
    struct stk_welcome welcome;

    bool ordered; /* order is set, and requests may be made */
    struct stk_order order;
    struct stk_address place; /* the group's next step behind what was handed out */
    uint64_t batches_left;    /* to be asked for; those in slots are not counted */
    uint64_t head;            /* id of the oldest slot */
    uint64_t tail;            /* id of the next slot, <= head + options.window */
    struct stk_slot slots[STK_WINDOW_MAX];

    char error[STK_ERROR_BYTES];
};

/** Whether a daemon that said this may say something else in a moment.  Threads: any. */
bool stk_status_passes(enum stk_status status);

/** The slot of an id.  Threads: the client's. */
struct stk_slot *stk_pump_slot(struct stk_client *client, uint64_t id);

/**
 * Do everything that needs no waiting: connect, greet, receive, and fill the window.
 *
 * Returns: STK_OK; STK_INVALID, STK_SYSTEM or STK_MEMORY where this process cannot go on; the
 *          client's error is set.  What a daemon refuses is kept in its peer and its slots.
 * Threads: the client's.  Blocks: no.  Allocates: a batch that came in.
 */
STK_MUST_CHECK enum stk_status stk_pump_work(struct stk_client *client);

/** Fill the window: take addresses and send their requests where that can be done now. */
void stk_pump_ask(struct stk_client *client);

/** Wait until there may be work, a signal comes or time is up.  Threads: the client's. */
void stk_pump_wait(struct stk_client *client, uint64_t until_ns);

/** Cancel what is in flight and drop what came in; the ring is empty afterwards. */
void stk_pump_forget(struct stk_client *client);

#endif
