/*
 * The pump: what a client does between two batches: greet, ask, receive, and ask again elsewhere.
 *
 * Steps that were taken from the order stand in a ring of slots.  A slot's place is its requests'
 * id, so a reply finds its slot at once, batches leave in order at the head, and an id that is not
 * between head and tail belongs to nobody.  A slot may be asked of two peers at once (window.h says
 * when); the first batch counts, and the other peer's request is cancelled.  Whatever comes for a
 * slot that does not wait for it from this peer is late or comes twice, and is dropped: an id
 * stands for one address as long as the client lives, so nothing else can be lost with it.
 *
 *     WAITING -> ASKED -> READY -> (taken)
 *        ^         |  \-> FAILED -+
 *        |         v              |
 *        +-- no peer owes it any more: connection lost, peer left, or "not now"
 *
 * pump.c receives, window.c asks, greet.c says hello, watch.c leaves peers that owe and are silent.
 * A client's thread.  Private to libstoker.
 */
#ifndef STK_PUMP_H
#define STK_PUMP_H

#include <stdbool.h>

#include "client/channel.h"
#include "client/order.h"
#include "client/spread.h"
#include "client/stoker.h"
#include "client/url.h"

enum {
    STK_HELLO_ID = 1, /* slots have larger ones; 0 is what a daemon answers that cannot read ours */
    STK_ASKS_MAX = 2, /* peers that owe one slot */
};

/* See struct stk_endpoint. */
enum stk_peer_figure {
    STK_PEER_ASKED,
    STK_PEER_HEDGED,
    STK_PEER_BATCHES,
    STK_PEER_DROPPED,
    STK_PEER_LOSSES,
    STK_PEER_FIGURES,
};

/* An endpoint: its connection, and what its daemon has told. */
struct stk_peer {
    struct stk_channel channel;
    bool greeted;         /* hello was sent on this connection */
    bool live;            /* it was answered: requests may go there */
    uint32_t window;      /* requests in flight that the daemon grants */
    uint32_t in_flight;   /* asks of slots here, <= window */
    uint64_t rest_ns;     /* the daemon said "not now": asked again from then on; else 0 */
    struct stk_pace pace; /* outlives the connection */
    uint64_t asked_ns;    /* when it was asked last */
    uint64_t reply_ns;    /* when it replied last: welcome, batch or error */
    uint64_t batch_ns;    /* when it sent a batch last; 0: never */
    uint64_t owes_ns;     /* since when it has been asked for something */
    uint32_t given_up;    /* of its replies since the last one: another peer was faster */
    uint64_t reply_bytes; /* that had come in at the later of these two */
    uint64_t doubted_ns;  /* when it was found silent soon after a pause of ours; else 0 */
    uint64_t figures[STK_PEER_FIGURES];
    enum stk_status refusal; /* why the daemon would not have us; STK_OK: it did not say so */
    char sentence[STK_ERROR_BYTES]; /* belongs to refusal */
};

enum stk_slot_state {
    STK_SLOT_WAITING, /* to be asked */
    STK_SLOT_ASKED,   /* of one peer or two */
    STK_SLOT_READY,   /* batch is here */
    STK_SLOT_FAILED,  /* status and sentence say why; becomes WAITING once that was told */
};

/* A request that is not answered yet. */
struct stk_ask {
    uint32_t peer;
    uint32_t beside; /* requests in flight there when it was sent, itself counted */
    uint64_t sent_ns;
};

struct stk_slot {
    enum stk_slot_state state;
    struct stk_address address;
    uint32_t ask_count; /* > 0 where ASKED, 0 otherwise */
    struct stk_ask asks[STK_ASKS_MAX];
    struct stk_batch *batch; /* READY; NULL otherwise */
    /* FAILED; or what a peer last said where another one still owes, or all have put us off;
     * STK_OK where none said a thing */
    enum stk_status status;
    char sentence[STK_ERROR_BYTES]; /* belongs to status */
};

struct stk_client {
    void *context; /* libzmq's */
    struct stk_url url;
    struct stk_options options; /* with the defaults filled in; name is not used */
    char name[STK_NAME_BYTES_MAX + 1];
    struct stk_keys keys;
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
    uint64_t received_ns; /* when everything that had come in was received */
    uint64_t look_ns;     /* when the peers are looked at next, if this process runs by then */
    uint64_t resumed_ns;  /* when it ran again after it did not; 0: never */

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

/** Wait until there may be work, a signal comes or time is up.  Threads: the client's. */
void stk_pump_wait(struct stk_client *client, uint64_t until_ns);

/** A peer's connection is gone or given up: what it owed waits for another one, in order. */
void stk_pump_lose(struct stk_client *client, uint32_t peer);

/** The daemon does not want us, or makes no sense: its sentence is set.  It is tried again. */
void stk_pump_refuse(struct stk_client *client, uint32_t peer, enum stk_status status);

/** The request of a slot that a peer owes; NULL where it owes none. */
struct stk_ask *stk_slot_ask(struct stk_slot *slot, uint32_t peer);

/** A request of a slot is answered or given up; the slot waits where it was the last one. */
void stk_slot_settle(struct stk_client *client, struct stk_slot *slot, struct stk_ask *ask);

#endif
