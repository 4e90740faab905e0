/*
 * What the server's files share.  All of it belongs to the loop's thread but for the two lists
 * under server->lock, which workers and libzmq's I/O threads append to.
 *
 *   server.c    life cycle, signals, timers; a turn of the loop
 *   endpoints.c where trainers connect
 *   extend.c    how long the service manager waits
 *   inherited.c sockets that the service manager bound
 *   accept.c    how many may connect
 *   inrush.c    how fast they may
 *   pause.c     when nobody is accepted
 *   unended.c   how much may come without a message
 *   keys.c      who is let in
 *   strangers.c who is not
 *   client.c    who is connected
 *   request.c   a request is read and answered or queued
 *   dispatch.c  queued requests become batches, batches become replies
 *   send.c      frames
 *   reload.c    another configuration
 *   figures.c   what is counted of streams and trainers
 *   stats.c     the figures as a reply
 *   http.c      http; http_parts.h says which files it has
 */
#ifndef STK_SERVER_PARTS_H
#define STK_SERVER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

#include "config/changes.h"
#include "config/endpoint.h"
#include "daemon/base/figures.h"
#include "daemon/batch/cache.h"
#include "daemon/flow.h"
#include "daemon/pipeline.h"
#include "daemon/server/extend.h"
#include "daemon/server/server.h"

enum {
    SERVER_IDENTITY_BYTES_MAX = 255, /* ZMTP's own limit, which libzmq does not hold to */
    SERVER_SIGNALS = 3,
    CLIENT_STREAMS = 4,        /* whose progress is followed; a client may ask for more */
    SERVER_WINDOW_DEFAULT = 8, /* of a client that never said hello */
    SERVER_REPLY_BYTES = STK_HEADER_BYTES_MAX,
    SERVER_REPLIES_BYTES_MAX = 16 << 20, /* of all replies but batches that libzmq holds */
    SERVER_REPLY_SMALL_BYTES = 4096, /* longer ones may use half of it, and leave half to these */
    SERVER_FDS_MAX = 1 << 16,        /* descriptors whose connection is watched */
    SERVER_ADDRESS_BYTES = 64,       /* storage for a peer's address as a text */
    SERVER_STRANGERS = 64,           /* addresses that the log tells of in a minute */
};

/* A get that is not answered yet. */
struct request {
    uint64_t id;
    const struct stream *stream; /* with a reference, while the request is queued */
    bool pinned;                 /* it is for this fingerprint alone: */
    struct stk_fingerprint fingerprint;
    struct stk_address address;
    enum stk_unmixed unmixed;
    struct batch *batch; /* the one that it waits for; NULL: not begun.  The pipeline's reference
                            keeps it */
    TAILQ_ENTRY(request) entry; /* client->requests or client->unused */
};

/* A batch that libzmq has not let go yet. */
struct delivery {
    struct server *server;
    struct client *client;
    struct batch *batch; /* with a reference; NULL: this delivery is unused */
    /* Frames that libzmq holds, and one for the sender.  Set last, with release; released by each
     * free callback and acquired by the last one, which so sees the fields above. */
    _Atomic uint32_t frames_left;
    STAILQ_ENTRY(delivery) returned; /* server->returned */
};

struct zmq_msg_t; /* libzmq's */

TAILQ_HEAD(request_list, request);
STAILQ_HEAD(delivery_list, delivery);
TAILQ_HEAD(finished_list, batch);
TAILQ_HEAD(client_list, client);

struct client {
    uint8_t identity[SERVER_IDENTITY_BYTES_MAX];
    uint8_t identity_len;
    char name[STK_NAME_BYTES_MAX + 1]; /* as it calls itself */
    char user[STK_NAME_BYTES_MAX + 1]; /* whose key it has; empty: it needed none, or anyone's */
    char key[STK_KEY_BYTES];           /* public; empty: it needed none */
    char host[SERVER_ADDRESS_BYTES];   /* its address */
    int fd;             /* of its connection, to be told when that breaks; -1 unknown */
    uint32_t window;    /* requests in flight granted */
    bool gone;          /* only waits for its deliveries to return */
    uint64_t unread_ms; /* how long it took none of the batches that libzmq holds for it */

    uint32_t request_count;
    uint32_t delivery_count; /* batches that libzmq holds for it */
    struct request_list requests;
    struct request_list unused;
    struct request request_rows[STK_WINDOW_MAX];
    struct delivery delivery_rows[STK_WINDOW_MAX];
    struct want wants[CLIENT_STREAMS]; /* in the cache while wants_used counts them */
    uint32_t wants_used;
    uint32_t want_next;   /* to be used anew where all are used */
    struct request *next; /* while clients are served: the oldest that is not begun */
    uint32_t begun;       /* and how many are */
    struct flow flow;
    const struct stream *stream; /* that it asked for last, while it is served; NULL: none */
    struct stk_address address;  /* likewise */
    uint32_t number;             /* with the name it is a trainer's alone among those connected */
    TAILQ_ENTRY(client) entry;   /* server->clients in the order of service, or server->gone */
};

/* An endpoint that is bound, or was until the last reload. */
struct endpoint {
    uint8_t id;    /* of those that there are, 1 .. 2 * CONFIG_LISTEN_MAX */
    bool bound;    /* what libzmq still tells of it otherwise came too late */
    bool keys;     /* who comes by it needs one */
    char *name;    /* owned; as the configuration has it */
    char *address; /* owned; of that what libzmq was told to bind */
    char *place;   /* owned; what libzmq calls it, the port that the system picked included */
    int lock_fd;   /* the flock of an ipc path; -1 where there is none */
};

/* An address whose connections were refused. */
struct stranger {
    char address[SERVER_ADDRESS_BYTES];
    char name[STK_NAME_BYTES_MAX + 1]; /* whose key it came with; empty: nobody's */
    uint64_t quiet_until_ns;           /* the log says no more of it */
    uint64_t count;                    /* of those that it does not tell of */
};

/* Who sent a message; the texts are the message's, or constant. */
struct sender {
    const char *key; /* public; empty: it came by an endpoint without keys */
    const char *address;
    bool admitted;
    const struct key_client
        *client; /* whose key it is, borrowed from the catalog; NULL: nobody's */
};

/* A configuration that is read and listed beside the one that is served. */
struct reload {
    bool running; /* the thread is to be joined */
    bool again;   /* one more is wanted after it */
    uint64_t start_ns;
    char refusal[CONFIG_ERROR_BYTES]; /* why the last one was refused; empty where it was not */
    pthread_t thread;
    struct server_extend extend; /* the thread's, but for its watch */
    atomic_bool done; /* released by the thread when what follows is there, acquired by the loop */
    enum stk_status status;
    char error[CONFIG_ERROR_BYTES];
    struct catalog *catalog;
    struct memory_plan plan;
    struct config_change held[CONFIG_CHANGES_MAX]; /* settings that only a restart takes over */
    unsigned held_count;
    char other_key[STK_KEY_BYTES]; /* public, of a server_key that only a restart takes over */
};

struct server {
    const char *config_path;
    struct catalog *catalog;       /* owned */
    const struct config *config;   /* the catalog's */
    struct stream *const *streams; /* the catalog's */
    size_t stream_count;
    struct pipeline_options options;
    struct reload reload;
    struct figures figures;
    struct cache *cache;
    struct pipeline *pipeline;
    uint64_t backlog_slots; /* the pipeline is kept this far ahead, and by a batch */
    uint64_t start_ns;

    void *context; /* libzmq's */
    void *router;
    void *monitor;
    void *zap;                      /* where libzmq asks who is let in */
    char public_key[STK_KEY_BYTES]; /* the daemon's; empty while no endpoint has had keys */
    int32_t failed; /* why a handshake failed whose connection is about to break; 0: none */
    struct stranger strangers[SERVER_STRANGERS];
    uint8_t fd_endpoints[SERVER_FDS_MAX]; /* by which endpoint a connection came; 0: none is open */
    uint8_t closed_fds[SERVER_FDS_MAX / 8]; /* a bit a descriptor whose connection broke last */
    uint8_t cut_fds[SERVER_FDS_MAX / 8];    /* a bit one whose connection is to be closed */
    bool cutting;                           /* there may be one */
    struct endpoint endpoints[2 * CONFIG_LISTEN_MAX];
    size_t endpoint_count;
    uint32_t inherited_count; /* sockets that the service manager bound */

    uv_loop_t loop;
    bool loop_open;
    bool handles_open; /* all of the following are initialised */
    uv_poll_t router_poll;
    uv_poll_t monitor_poll;
    uv_poll_t zap_poll;
    uv_prepare_t prepare;
    uv_async_t wake;
    uv_signal_t signals[SERVER_SIGNALS];
    uv_timer_t status_timer;
    uv_timer_t watchdog_timer;
    uv_timer_t drain_timer;
    uv_timer_t client_timer;
    uv_timer_t figures_timer;
    bool draining;
    bool cut_short;            /* the drain did not end by itself */
    uint64_t watched_progress; /* at the watchdog's last look */
    uint64_t drained_progress; /* at the drain timer's */
    uint64_t status_images;
    uint64_t status_refused; /* connections, at the status timer's last look */
    uint64_t throttled_told; /* connections that came too fast, when the log told of them last */
    uint64_t throttled_quiet_ns; /* until when it says no more of them */

    struct client_list clients; /* who waits longest stands first */
    struct client_list gone;
    struct http *http;   /* owned; NULL: none is configured */
    struct looks *looks; /* owned; NULL: there is no http */
    uint32_t client_count;
    uint32_t filling; /* batches in the pipeline */
    bool ahead;       /* while clients are served: the pipeline is, nothing more is begun */
    uint64_t turn;    /* of the stream that was served last, as its turn was before */

    pthread_mutex_t lock;
    struct finished_list finished; /* under lock */
    struct delivery_list returned; /* under lock */

    _Atomic uint64_t reply_bytes;   /* relaxed: replies but batches that libzmq holds */
    char reply[SERVER_REPLY_BYTES]; /* a header while it is encoded */
    union {
        struct stk_streams streams;
        struct stk_labels labels;
        struct stk_replaced_list replaced;
        struct stk_stats stats;
    } answer; /* what goes into it */
};

/* server.c */

/** Serve a catalog, within a plan, from here on; it becomes the server's. */
void server_serve(struct server *server, struct catalog *catalog, const struct memory_plan *plan);

/* endpoints.c */

/**
 * Bind what a configuration listens on and is not bound, then unbind what it does not name; the
 * connections over an endpoint that is unbound are closed.
 *
 *   error   CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Returns: STK_OK; else nothing changed: STK_IN_USE where another process serves an endpoint,
 *          STK_SYSTEM where one cannot be bound, STK_MEMORY.
 * Blocks:  no.
 */
STK_MUST_CHECK enum stk_status server_endpoints_follow(struct server *server,
                                                       const struct config *config, char *error);

/** The id of the endpoint that libzmq calls so; 0 where it was unbound, UINT8_MAX where it is none
 *  of ours. */
uint8_t server_endpoint_id(const struct server *server, const char *place);

/** After the socket was closed: let go of the locks. */
void server_endpoints_release(struct server *server);

/* inherited.c */

/**
 * Look for the sockets that the service manager hands over.
 *
 *   error   CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Returns: STK_OK, also where there are none; STK_CONFIG where one is not for us.
 */
STK_MUST_CHECK enum stk_status server_inherited_open(struct server *server, char *error);

/** Whether one of them is at this endpoint. */
bool server_inherited_has(const struct server *server, const char *endpoint);

/**
 * Hold the configuration against them.
 *
 *   error   CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Returns: STK_OK, or STK_CONFIG where one is at no endpoint that the configuration names.
 */
STK_MUST_CHECK enum stk_status server_inherited_check(const struct server *server,
                                                      const struct config *config, char *error);

/** zmq_bind, by the socket that was handed over where there is one.  Returns: as zmq_bind. */
int server_inherited_bind(struct server *server, const char *endpoint);

/* keys.c */

/** Make the socket where libzmq asks whether a key is let in; before anything is bound. */
STK_MUST_CHECK enum stk_status server_zap_open(struct server *server);

/** Answer every question that is there. */
void server_zap_answer(struct server *server);

/**
 * Set the router up for an endpoint that is bound next.
 *
 *   error   CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Returns: STK_OK, STK_CONFIG where the daemon's key cannot be used, or STK_SYSTEM.
 * Blocks:  on the key's file.
 */
STK_MUST_CHECK enum stk_status server_endpoint_secure(struct server *server,
                                                      const struct config *config,
                                                      const struct config_endpoint *endpoint,
                                                      char *error);

/**
 * Look whether a configuration's server_key is another one than that of the endpoints.
 *
 *   other   set to its public key; empty where it is the same, or none of both is used
 *
 * Threads: that of a reload, while the loop binds nothing.  Blocks: on the key's file.
 */
void server_key_look(const struct server *server, const struct config *config,
                     char other[STK_KEY_BYTES]);

/** Whether a connection is open that needed a key. */
bool server_connection_has_keys(const struct server *server, int fd);

/** Who sent a message by the connection on a descriptor. */
struct sender server_sender(const struct server *server, int fd, struct zmq_msg_t *message);

/** Other keys are served: cut the clients that they do not let in, and where somebody is kept out
 *  now every connection of which is not known whose it is. */
void server_keys_follow(struct server *server, const struct keys *before);

/* strangers.c */

/**
 * Somebody was refused: count it, and tell it once a minute an address.
 *
 *   name   whose key it came with; empty: nobody's
 */
void server_stranger_met(struct server *server, const char *address, const char *name,
                         const char *reason);

/** The connection on a descriptor breaks because its handshake failed with libzmq's error. */
void server_stranger_left(struct server *server, int fd, int32_t error);

/* client.c */

/** The client with this identity, or NULL. */
struct client *server_client_find(struct server *server, const void *identity, size_t len);

/**
 * A new client.
 *
 * Returns: STK_OK, STK_OVERLOADED where there are clients_max, or STK_MEMORY.
 */
STK_MUST_CHECK enum stk_status server_client_add(struct server *server, const void *identity,
                                                 size_t len, int fd, struct client **client);

/** Take over whose key a client has. */
void server_client_set_user(struct client *client, const struct sender *sender);

/** Forget a client and what it waits for; what libzmq holds for it is waited for. */
void server_client_drop(struct server *server, struct client *client, const char *reason);

/** Drop a client and close its connection, so that libzmq lets go of what waits there for it. */
void server_client_cut(struct server *server, struct client *client, const char *reason);

/**
 * Have a connection closed; what still comes by it is nobody's.
 *
 * libzmq cannot disconnect one peer of a ROUTER.  It does so by itself as soon as the descriptor
 * says that the peer is gone, and shutdown(2) makes any descriptor say that.
 */
void server_connection_cut(struct server *server, int fd);

/** Close what was cut.  It drains the monitor, so that clients may be dropped. */
void server_connections_close(struct server *server);

/** Cut those that take none of their batches for longer than client_timeout.  interval_ms passed
 *  since the last call. */
void server_client_expire(struct server *server, uint64_t interval_ms);

/** How often to look for them. */
uint64_t server_client_interval_ms(const struct server *server);

/** Free the clients that are gone and hold nothing any more. */
void server_client_reap(struct server *server);

/** An endpoint is unbound: libzmq closes the connections that came by it without a word. */
void server_connections_forget(struct server *server, uint8_t endpoint_id);

/** Take every event of the connections' monitor: drop the clients whose connection broke. */
void server_monitor_drain(struct server *server);

/** Whether the connection on this descriptor broke and no other took its place: what came by it is
 *  nobody's any more. */
bool server_connection_is_closed(const struct server *server, int fd);

/* request.c */

/** The stream of a name; NULL where it is not served, and message, STK_TEXT_BYTES_MAX of storage,
 *  says which are. */
const struct stream *server_find_stream(const struct server *server, struct stk_text name,
                                        char *message);

/**
 * Whether a stream has an address, with the data that a client pinned.
 *
 *   pinned    NULL: any data
 *   message   STK_TEXT_BYTES_MAX of storage for a sentence
 *
 * Returns: STK_OK, STK_FINGERPRINT, STK_RANGE, or STK_CORRUPT where the stream was stopped.
 */
STK_MUST_CHECK enum stk_status server_check_address(const struct stream *stream,
                                                    const struct stk_fingerprint *pinned,
                                                    struct stk_address address, char *message);

/** Receive and handle up to a bounded number of requests; true where there may be more. */
bool server_receive(struct server *server);

/* dispatch.c */

/** A request is answered, refused or cancelled. */
void server_request_done(struct server *server, struct client *client, struct request *request);

/** Whether a reply was sent, by what server_send returned; a client that cannot be answered is
 *  dropped. */
bool server_is_answered(struct server *server, struct client *client, enum stk_status sent);

/** One more reference to a batch, and so to its stream. */
void server_batch_ref(struct server *server, struct batch *batch);

/** Take what workers and libzmq have handed back. */
void server_collect(struct server *server);

/** Begin what may be begun, deliver what is ready. */
void server_dispatch(struct server *server);

/** Whether nothing is asked for and nothing is on its way. */
bool server_is_quiet(const struct server *server);

/** After libzmq and the pipeline have stopped: let go of everything that was under way. */
void server_release(struct server *server);

/** The pipeline's callback, on a worker's thread. */
void server_batch_finished(void *context, struct batch *batch);

/* send.c */

/**
 * Send server->reply's first len bytes to a peer.
 *
 * Returns: STK_OK
 *          STK_CLOSED      it is gone
 *          STK_LIMIT       it takes nothing more: too many messages wait for it
 *          STK_OVERLOADED  peers that read nothing hold SERVER_REPLIES_BYTES_MAX of replies
 */
STK_MUST_CHECK enum stk_status server_send(struct server *server, const void *identity,
                                           size_t identity_len, size_t len);

/** Send an error reply.  Returns: as server_send. */
STK_MUST_CHECK enum stk_status server_send_error(struct server *server, const void *identity,
                                                 size_t identity_len, uint64_t id,
                                                 enum stk_status status, const char *message);

/** Send a READY batch, without copying it, or an error that says why not.  Returns: as
 *  server_send. */
STK_MUST_CHECK enum stk_status server_send_batch(struct server *server, struct client *client,
                                                 uint64_t id, struct batch *batch);

/* figures.c */

/* Figures that are made of others; the fields are those of the tables. */
#define FIGURE_VALUE(name, kind, help) uint64_t name;
struct stream_values {
    STREAM_COUNTER_LIST(FIGURE_VALUE)
    STREAM_GAUGE_LIST(FIGURE_VALUE)
};
struct trainer_values {
    TRAINER_FIGURE_LIST(FIGURE_VALUE)
};

/** What the figures say now, those included that are not counted but looked up. */
void server_figures_refresh(struct server *server);
struct stream_values server_stream_values(const struct stream *stream);
struct trainer_values server_trainer_values(const struct client *client);

/** "tcp", "ipc", or "" where that is not known any more. */
const char *server_transport(const struct server *server, const struct client *client);

/** A client's requests or deliveries are more or fewer. */
void server_flow_note(struct client *client);

/** A client said hello, asked, was sent a batch. */
void server_figures_greeted(struct server *server, struct client *client,
                            const struct stream *stream);
void server_figures_asked(struct client *client, const struct request *request);
void server_figures_sent(struct server *server, struct client *client, const struct batch *batch);

/** Every TRACK_TICK_MS: rates and verdicts anew. */
void server_figures_tick(struct server *server);

/** Follow the streams that are served and were not before. */
void server_figures_serve(struct server *server);

/** Streams are retired: no client is said to be of one from here on. */
void server_figures_settle(struct server *server);

/* stats.c */

/** Encode a stats reply into server->reply, of the streams that a user may ask for; NULL: of all.
 *  Returns: STK_OK or STK_LIMIT. */
STK_MUST_CHECK enum stk_status server_stats_encode(struct server *server, uint64_t id,
                                                   const struct key_client *user, size_t *len);

/* reload.c */

/** Read the configuration anew, or once more after the reload that runs. */
void server_reload(struct server *server);

/** Take over or refuse what a reload has made, where one is complete. */
void server_reload_collect(struct server *server);

/** A reload that runs is not wanted any more: let it end soon. */
void server_reload_stop(struct server *server);

/** Stop, and wait for its end.  Blocks: on what it reads. */
void server_reload_close(struct server *server);

#endif
