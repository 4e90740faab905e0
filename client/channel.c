/*
 * A channel: see channel.h.
 */
#include "client/channel.h"

#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client/fail.h"
#include "client/stoker.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

enum {
    /* A legal window never reaches the mark, so libzmq's I/O thread never stops reading: it would
     * not see the peer's heartbeats then, and would take it for dead. */
    MESSAGES_MAX = 2 * STK_WINDOW_MAX,
    CONNECT_MS = 5000,
    HANDSHAKE_MS = 5000,
    RETRY_MS_MIN = 100,
    RETRY_MS_MAX = 1000, /* a daemon that was started again is back within two seconds */
    DOUBLINGS_MAX = 4,   /* of RETRY_MS_MIN, and RETRY_MS_MAX is exceeded */
    PING_MS_MAX = 5000,
    TTL_MS = 15000, /* without a heartbeat of ours, and we are dead to the daemon */
    SETTLE_MS = 500,
    /* A daemon that is full now and then lets in a probe and not a handshake; hardly so often in
     * turns.  With the waits between, they take half a second. */
    MET_CURVE_MIN = 3,
};

/* No frame that makes sense is longer; a length of 2^60 is refused before memory is reserved. */
static const int64_t frame_bytes_max = (int64_t)1 << 34;

void stk_frames_release(struct stk_frames *frames)
{
    for (uint32_t i = 0; i < frames->count && i < STK_FRAMES_MAX; i++)
        zmq_msg_close(&frames->frames[i]);
    frames->count = 0;
}

uint64_t stk_jitter(uint64_t low, uint64_t high, uint64_t now_ns)
{
    uint64_t mixed = now_ns * 0x9e3779b97f4a7c15u;
    return low + (mixed >> 16) % (high - low + 1);
}

void stk_channel_init(struct stk_channel *channel, void *context, const char *endpoint,
                      uint32_t silence_ms)
{
    *channel = (struct stk_channel){
        .context = context, .endpoint = endpoint, .silence_ms = silence_ms, .descriptor = -1};
}

/* A trainer's profiler may interrupt us at any time. */
static int receive_bytes(void *socket, void *bytes, size_t capacity)
{
    int len;
    do {
        len = zmq_recv(socket, bytes, capacity, ZMQ_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    return len;
}

/* An event's first frame is its number and a value; the second one (where) is not needed. */
static bool receive_event(struct stk_channel *channel, uint16_t *event, int32_t *value)
{
    uint8_t frame[64] = {0};
    if (channel->monitor == NULL || receive_bytes(channel->monitor, frame, sizeof frame) < 0)
        return false;
    memcpy(event, frame, sizeof *event);
    memcpy(value, frame + sizeof *event, sizeof *value);
    uint8_t where[8];
    return receive_bytes(channel->monitor, where, sizeof where) >= 0;
}

/*
 * Wait until libzmq's I/O thread has taken from the socket whatever was sent.  A socket that is
 * closed while the thread takes a request leaks the reply that is half in by then, in libzmq 4.3.4:
 * the pipe's end is read before the word that it is closing, and what was not whole is forgotten.
 * The thread does what it is told in turns, so an attempt to connect to nobody that has failed is
 * behind all that came before it.
 */
static void settle(struct stk_channel *channel)
{
    uint16_t event = 0;
    int32_t value;
    bool passed = false;
    if (channel->descriptor < 0 || channel->monitor == NULL ||
        zmq_connect(channel->socket, "ipc://@stoker/nobody") != 0)
        return;
    zmq_pollitem_t item = {.socket = channel->monitor, .events = ZMQ_POLLIN};
    const uint64_t until_ns = clock_now_ns() + (uint64_t)SETTLE_MS * 1000000;
    while (!passed && clock_now_ns() < until_ns) {
        zmq_poll(&item, 1, SETTLE_MS);
        /* Connected, where somebody took the name to hold us up. */
        while (!passed && receive_event(channel, &event, &value))
            passed = event == ZMQ_EVENT_CONNECT_RETRIED || event == ZMQ_EVENT_CONNECTED;
    }
}

static void close_sockets(struct stk_channel *channel)
{
    if (channel->socket != NULL) {
        settle(channel);
        /* Stop the monitor while its reader still lives: libzmq's I/O thread would block on an
         * event that nobody can take. */
        zmq_socket_monitor(channel->socket, NULL, 0);
        zmq_close(channel->socket);
    }
    if (channel->monitor != NULL)
        zmq_close(channel->monitor);
    channel->socket = NULL;
    channel->monitor = NULL;
    channel->descriptor = -1;
}

void stk_channel_release(struct stk_channel *channel)
{
    stk_probe_close(&channel->probe);
    close_sockets(channel);
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* Four heartbeats fit into the silence that is suffered, so that one may be late. */
static bool set_heartbeat(const struct stk_channel *channel)
{
    uint32_t ping_ms =
        channel->silence_ms / 4 < PING_MS_MAX ? channel->silence_ms / 4 : PING_MS_MAX;
    bool is_ipc = strncmp(channel->endpoint, "ipc:", strlen("ipc:")) == 0;
    return set_number(channel->socket, ZMQ_HEARTBEAT_IVL, (int)ping_ms) &&
           set_number(channel->socket, ZMQ_HEARTBEAT_TTL, TTL_MS) &&
           set_number(channel->socket, ZMQ_HEARTBEAT_TIMEOUT,
                      is_ipc ? (int)(channel->silence_ms - ping_ms) : 0);
}

static bool set_options(void *socket, const char *endpoint)
{
    /* With IPv6 on, libzmq prefers it for every name; a daemon on 0.0.0.0 is then not found. */
    int ipv6 = strchr(endpoint, '[') != NULL;
    return set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_IPV6, ipv6) &&
           set_number(socket, ZMQ_SNDHWM, MESSAGES_MAX) &&
           set_number(socket, ZMQ_RCVHWM, MESSAGES_MAX) &&
           set_number(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
           set_number(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_number(socket, ZMQ_RECONNECT_IVL, RETRY_MS_MIN) &&
           set_number(socket, ZMQ_RECONNECT_IVL_MAX, RETRY_MS_MAX) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes_max, sizeof frame_bytes_max) == 0;
}

static bool set_keys(const struct stk_channel *channel)
{
    const struct stk_keys *keys = channel->keys;
    if (!stk_keys_are_for(keys, channel->endpoint))
        return true;
    return zmq_setsockopt(channel->socket, ZMQ_CURVE_SERVERKEY, keys->server, STK_KEY_BYTES) == 0 &&
           zmq_setsockopt(channel->socket, ZMQ_CURVE_PUBLICKEY, keys->public, STK_KEY_BYTES) == 0 &&
           zmq_setsockopt(channel->socket, ZMQ_CURVE_SECRETKEY, keys->secret, STK_KEY_BYTES) == 0;
}

static bool open_monitor(struct stk_channel *channel)
{
    char address[64];
    /* libzmq forgets a name some time after its socket was closed, so each socket has a new one. */
    snprintf(address, sizeof address, "inproc://events-%p-%u", (void *)channel, channel->sockets++);
    const int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                       ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if (zmq_socket_monitor(channel->socket, address, events) != 0)
        return false;
    channel->monitor = zmq_socket(channel->context, ZMQ_PAIR);
    /* Without a mark: a trainer may compute for hours while libzmq tries to connect, and a full
     * queue of events would block its I/O thread. */
    return channel->monitor != NULL && set_number(channel->monitor, ZMQ_LINGER, 0) &&
           set_number(channel->monitor, ZMQ_RCVHWM, 0) &&
           zmq_connect(channel->monitor, address) == 0;
}

static void heed_probe(struct stk_channel *channel)
{
    enum stk_probe_answer answer = stk_probe_work(&channel->probe);
    if (answer == STK_PROBE_NONE)
        return;
    channel->met = answer;
    channel->met_curve += answer == STK_PROBE_CURVE;
}

/* A probe that was told nothing by now: whoever breaks our handshakes may be full, or no daemon. */
static void end_probe(struct stk_channel *channel)
{
    if (channel->probe.socket != NULL) {
        channel->met = STK_PROBE_NONE;
        channel->met_curve = 0;
    }
    stk_probe_close(&channel->probe);
}

enum stk_status stk_channel_tend(struct stk_channel *channel, uint64_t now_ns, char *error)
{
    if (channel->socket != NULL)
        return STK_OK;
    heed_probe(channel);
    if (now_ns < channel->open_ns)
        return STK_OK;
    end_probe(channel);
    channel->refused = false;
    channel->socket = zmq_socket(channel->context, ZMQ_DEALER);
    if (channel->socket != NULL && set_options(channel->socket, channel->endpoint) &&
        set_heartbeat(channel) && set_keys(channel) && open_monitor(channel) &&
        zmq_connect(channel->socket, channel->endpoint) == 0)
        return STK_OK;
    int code = errno;
    close_sockets(channel);
    return stk_fail(error, code == EINVAL ? STK_INVALID : STK_SYSTEM, "cannot connect to '%s': %s",
                    channel->endpoint, zmq_strerror(code));
}

/* What a probe has told of a peer that broke the handshake off without a word. */
static enum stk_handshake broken(const struct stk_channel *channel)
{
    bool has_keys = stk_keys_are_for(channel->keys, channel->endpoint);
    if (channel->met == (has_keys ? STK_PROBE_NULL : STK_PROBE_CURVE))
        return STK_HANDSHAKE_OTHER;
    return has_keys && channel->met_curve >= MET_CURVE_MIN ? STK_HANDSHAKE_SERVER
                                                           : STK_HANDSHAKE_BROKEN;
}

static void note_handshake(struct stk_channel *channel, uint16_t event, int32_t value)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        channel->handshake = STK_HANDSHAKE_FINE;
        channel->met = STK_PROBE_NONE;
        channel->met_curve = 0;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        channel->handshake = broken(channel);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        channel->handshake = STK_HANDSHAKE_KEY;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        channel->handshake = value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                                 ? STK_HANDSHAKE_OTHER
                                 : broken(channel);
        break;
    }
}

enum stk_status stk_channel_refusal(const struct stk_channel *channel, char *sentence)
{
    const char *endpoint = channel->endpoint;
    bool has_keys = stk_keys_are_for(channel->keys, endpoint);
    if (channel->handshake == STK_HANDSHAKE_KEY)
        return stk_fail(sentence, STK_FORBIDDEN,
                        "'%s' does not let the key %s in: have its operator add it to client_keys, "
                        "or set another as key or in STOKER_KEY",
                        endpoint, channel->keys->public);
    if (channel->handshake == STK_HANDSHAKE_SERVER)
        return stk_fail(sentence, STK_FORBIDDEN,
                        "'%s' has another key than server_key, %s: ask its operator for its public "
                        "key, and set that as server_key or in STOKER_SERVER_KEY",
                        endpoint, channel->keys->server);
    if (channel->handshake != STK_HANDSHAKE_OTHER)
        return STK_OK;
    if (has_keys)
        return stk_fail(sentence, STK_FORBIDDEN,
                        "'%s' has no keys, and this client speaks to a daemon with keys alone: "
                        "leave out server_key and STOKER_SERVER_KEY",
                        endpoint);
    return stk_fail(sentence, STK_FORBIDDEN,
                    "'%s' asks for a key: set server_key and key, or STOKER_SERVER_KEY and "
                    "STOKER_KEY",
                    endpoint);
}

const char *stk_channel_suspicion(const struct stk_channel *channel)
{
    if (channel->handshake != STK_HANDSHAKE_BROKEN)
        return "";
    if (stk_keys_are_for(channel->keys, channel->endpoint))
        return "it closes each connection at once: is server_key that daemon's? it may have no "
               "keys, or as many connections as it takes";
    return "it closes each connection at once: it may ask for a key (server_key, "
           "STOKER_SERVER_KEY), or have as many connections as it takes";
}

enum stk_channel_event stk_channel_event(struct stk_channel *channel)
{
    uint16_t event;
    int32_t value;
    while (receive_event(channel, &event, &value)) {
        channel->descriptor = event == ZMQ_EVENT_CONNECTED ? value : channel->descriptor;
        note_handshake(channel, event, value);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return STK_CHANNEL_UP;
        if (event == ZMQ_EVENT_DISCONNECTED) {
            channel->descriptor = -1;
            return STK_CHANNEL_DOWN;
        }
        channel->refused |= event == ZMQ_EVENT_CONNECT_RETRIED;
    }
    return STK_CHANNEL_QUIET;
}

/* libzmq's thread may have closed the descriptor, and the process may have opened another of its
 * number: what is read then is of somebody else, and the event that tells so is on its way. */
struct stk_arrival stk_channel_arrival(const struct stk_channel *channel)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (channel->descriptor < 0 ||
        getsockopt(channel->descriptor, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return (struct stk_arrival){0};
    return (struct stk_arrival){.silent_ns = (uint64_t)info.tcpi_last_data_recv * 1000000,
                                .bytes = info.tcpi_bytes_received};
}

void stk_channel_drop(struct stk_channel *channel, uint64_t now_ns)
{
    close_sockets(channel);
    bool is_broken =
        channel->handshake != STK_HANDSHAKE_FINE && channel->handshake != STK_HANDSHAKE_KEY;
    if (is_broken && strncmp(channel->endpoint, "tcp:", strlen("tcp:")) == 0)
        stk_probe_open(&channel->probe, channel->context, channel->endpoint);
    uint64_t wait_ms = RETRY_MS_MAX;
    if (channel->losses < DOUBLINGS_MAX)
        wait_ms = (uint64_t)RETRY_MS_MIN << channel->losses;
    channel->losses++;
    channel->open_ns = now_ns + stk_jitter(wait_ms * 1000000 / 2, wait_ms * 1000000, now_ns);
}

void stk_channel_put_off(struct stk_channel *channel, uint64_t until_ns)
{
    if (channel->open_ns < until_ns)
        channel->open_ns = until_ns;
}

void stk_channel_prove(struct stk_channel *channel)
{
    channel->losses = 0;
}

enum stk_status stk_channel_send(struct stk_channel *channel, const struct stk_request *request)
{
    char bytes[STK_REQUEST_BYTES_MAX];
    size_t len;
    enum stk_status status = stk_request_encode(request, bytes, sizeof bytes, &len);
    if (status != STK_OK)
        return status;
    int sent;
    do {
        sent = zmq_send(channel->socket, bytes, len, ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? STK_SYSTEM : STK_OK;
}

/* Receive one frame into an initialised message, whatever signals come. */
static bool receive_frame(void *socket, zmq_msg_t *frame)
{
    while (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
        if (errno != EINTR)
            return false;
    }
    return true;
}

enum stk_status stk_channel_receive(struct stk_channel *channel, struct stk_frames *frames)
{
    if (channel->socket == NULL)
        return STK_END;
    for (bool more = true; more;) {
        zmq_msg_t spare;
        bool kept = frames->count < STK_FRAMES_MAX;
        zmq_msg_t *frame = kept ? &frames->frames[frames->count] : &spare;
        zmq_msg_init(frame);
        /* libzmq hands over whole messages: only the first frame may be missing. */
        if (!receive_frame(channel->socket, frame)) {
            int code = errno;
            zmq_msg_close(frame);
            return code == EAGAIN ? STK_END : STK_SYSTEM;
        }
        more = zmq_msg_more(frame);
        if (!kept)
            zmq_msg_close(frame);
        frames->count += kept || frames->count == STK_FRAMES_MAX;
    }
    return STK_OK;
}

/* Milliseconds until a moment, rounded up so that nobody wakes before it. */
static long wait_ms(uint64_t until_ns)
{
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= until_ns)
        return 0;
    uint64_t ms = (until_ns - now_ns + 999999) / 1000000;
    return ms < INT_MAX ? (long)ms : INT_MAX;
}

/* A channel's two sockets, or its probe; returns how many. */
static int add_items(const struct stk_channel *channel, zmq_pollitem_t items[2])
{
    if (channel->probe.socket != NULL) {
        items[0] = (zmq_pollitem_t){.socket = channel->probe.socket, .events = ZMQ_POLLIN};
        return 1;
    }
    if (channel->socket == NULL)
        return 0;
    items[0] = (zmq_pollitem_t){.socket = channel->socket, .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.socket = channel->monitor, .events = ZMQ_POLLIN};
    return 2;
}

void stk_channels_wait(const struct stk_channel *const *channels, uint32_t count, uint64_t until_ns)
{
    zmq_pollitem_t items[2 * STK_ENDPOINTS_MAX];
    int used = 0;
    for (uint32_t i = 0; i < count; i++)
        used += add_items(channels[i], items + used);
    /* A failure is a signal: the caller looks at the clock and comes back. */
    zmq_poll(items, used, wait_ms(until_ns));
}

uint32_t stk_channel_wait_beside(const struct stk_channel *channel, const int *others,
                                 uint32_t count, uint64_t until_ns)
{
    zmq_pollitem_t items[2 + STK_CHANNEL_OTHERS];
    int used = add_items(channel, items);
    CHECK(count <= STK_CHANNEL_OTHERS);
    for (uint32_t i = 0; i < count; i++)
        items[used + (int)i] = (zmq_pollitem_t){.fd = others[i], .events = ZMQ_POLLIN};
    int ready = zmq_poll(items, used + (int)count, wait_ms(until_ns));
    uint32_t readable = 0;
    for (uint32_t i = 0; i < count && ready > 0; i++)
        readable |= (uint32_t)(items[used + (int)i].revents != 0) << i;
    return readable;
}
