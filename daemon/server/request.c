/*
 * Requests: read, refuse, answer or queue.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/log.h"
#include "daemon/server/parts.h"
#include "daemon/server/unended.h"

enum { RECEIVE_MAX = 256 }; /* requests a turn, so that finished batches are not kept waiting */

/* A request and who sent it. */
struct letter {
    const void *identity;
    size_t identity_len;
    int fd;
    struct sender sender;
    struct stk_request request;
};

/* Whoever cannot be answered would wait for ever: without its connection it asks again. */
static void cut_sender(struct server *server, const struct letter *letter)
{
    struct client *client = server_client_find(server, letter->identity, letter->identity_len);
    if (client != NULL)
        server_client_cut(server, client, "cannot be answered: too much is unread");
    else
        server_connection_cut(server, letter->fd);
}

static void refuse(struct server *server, const struct letter *letter, enum stk_status status,
                   const char *message)
{
    enum stk_status sent = server_send_error(server, letter->identity, letter->identity_len,
                                             letter->request.id, status, message);
    if (sent != STK_OK && sent != STK_CLOSED)
        cut_sender(server, letter);
}

static void reply(struct server *server, const struct letter *letter, enum stk_status status,
                  size_t len)
{
    if (status != STK_OK) {
        refuse(server, letter, status, "the reply is longer than a header may be");
        return;
    }
    status = server_send(server, letter->identity, letter->identity_len, len);
    if (status == STK_OVERLOADED)
        refuse(server, letter, status, "no room for the reply: others leave theirs unread");
    else if (status == STK_LIMIT || status == STK_MEMORY)
        cut_sender(server, letter);
}

const struct stream *server_find_stream(const struct server *server, struct stk_text name,
                                        char *message)
{
    enum { BYTES = STK_TEXT_BYTES_MAX };
    int len = snprintf(message, BYTES, "no stream \"%.*s\"; there is", (int)name.len, name.data);
    for (size_t i = 0; i < server->stream_count; i++) {
        const struct stream *stream = server->streams[i];
        if (stk_text_is(name, stream->name))
            return stream;
        if ((size_t)len + strlen(stream->name) + 4 < BYTES)
            len += snprintf(message + len, BYTES - (size_t)len, "%s \"%s\"", i == 0 ? "" : ",",
                            stream->name);
    }
    return NULL;
}

/* The stream that a request names, or NULL after an error reply that names those there are. */
static const struct stream *find_stream(struct server *server, const struct letter *letter)
{
    char message[STK_TEXT_BYTES_MAX];
    struct stk_text name = letter->request.stream;
    const struct key_client *user = letter->sender.client;
    if (!key_client_may(user, name.data, name.len)) {
        snprintf(message, sizeof message,
                 "the stream \"%.*s\" is not for \"%s\"; its key is for%.*s", (int)name.len,
                 name.data, user->name, (int)strlen(user->streams) - 1, user->streams);
        refuse(server, letter, STK_FORBIDDEN, message);
        return NULL;
    }
    const struct stream *stream = server_find_stream(server, name, message);
    if (stream == NULL && user != NULL && user->streams != NULL)
        snprintf(message, sizeof message, "no stream \"%.*s\"", (int)name.len, name.data);
    if (stream == NULL)
        refuse(server, letter, STK_UNKNOWN_STREAM, message);
    return stream;
}

/* The sender's client, made on its first hello or get; NULL after an error reply. */
static struct client *client_of(struct server *server, const struct letter *letter)
{
    struct client *client = server_client_find(server, letter->identity, letter->identity_len);
    enum stk_status status = STK_OK;
    if (client == NULL)
        status =
            server_client_add(server, letter->identity, letter->identity_len, letter->fd, &client);
    if (status == STK_OVERLOADED)
        refuse(server, letter, status, "too many clients; try again when one has left");
    else if (status != STK_OK)
        refuse(server, letter, status, "no memory for another client");
    else {
        client->fd = letter->fd;
        server_client_set_user(client, &letter->sender);
    }
    return client;
}

static void handle_hello(struct server *server, const struct letter *letter)
{
    const struct stk_request *request = &letter->request;
    if (server->draining) {
        refuse(server, letter, STK_DRAINING, "the daemon is shutting down");
        return;
    }
    const struct stream *stream = find_stream(server, letter);
    struct client *client = stream == NULL ? NULL : client_of(server, letter);
    if (client == NULL)
        return;
    client->window = request->window < 1 ? 1 : request->window;
    if (client->window > STK_WINDOW_MAX)
        client->window = STK_WINDOW_MAX;
    memcpy(client->name, request->name.data, request->name.len);
    client->name[request->name.len] = '\0';
    server_figures_greeted(server, client, stream);
    LOG(INFO, "client.hello", LOG_TEXT("client", client->name), LOG_TEXT("user", client->user),
        LOG_TEXT("address", client->host), LOG_TEXT("stream", stream->name),
        LOG_NUMBER("window", client->window));
    struct stk_welcome welcome = {
        .id = request->id,
        .version = STK_PROTOCOL_VERSION,
        .plan = STK_PLAN_VERSION,
        .window = client->window,
        .info = stream_info(stream),
    };
    size_t len;
    enum stk_status status =
        stk_welcome_encode(&welcome, server->reply, sizeof server->reply, &len);
    reply(server, letter, status, len);
}

enum stk_status server_check_address(const struct stream *stream,
                                     const struct stk_fingerprint *pinned,
                                     struct stk_address address, char *message)
{
    if (pinned != NULL && memcmp(pinned, &stream->fingerprint, sizeof *pinned) != 0) {
        char asked[STK_FINGERPRINT_HEX_BYTES];
        char served[STK_FINGERPRINT_HEX_BYTES];
        stk_fingerprint_hex(pinned, asked);
        stk_fingerprint_hex(&stream->fingerprint, served);
        snprintf(message, STK_TEXT_BYTES_MAX,
                 "stream \"%s\" has fingerprint %s here, not %s: its recipe or its files differ",
                 stream->name, served, asked);
        return STK_FINGERPRINT;
    }
    if (health_is_stopped(stream->health, message))
        return STK_CORRUPT;
    const struct stream_phase *phase = stream_phase(stream, address.epoch);
    if (plan_has_step(&phase->recipe, stream->sampler.length, address.step))
        return STK_OK;
    snprintf(message, STK_TEXT_BYTES_MAX, "step %llu is beyond the epoch of %llu steps",
             (unsigned long long)address.step, (unsigned long long)phase->steps);
    return STK_RANGE;
}

/* Whether a stream has the address, with the data that the client pinned; replies if not. */
static bool check_address(struct server *server, const struct letter *letter,
                          const struct stream *stream)
{
    const struct stk_request *request = &letter->request;
    char message[STK_TEXT_BYTES_MAX];
    enum stk_status status = server_check_address(
        stream, request->pinned ? &request->fingerprint : NULL, request->address, message);
    if (status != STK_OK)
        refuse(server, letter, status, message);
    return status == STK_OK;
}

/* Whether one more request of a client is taken; replies if not.  The first one always is, so that
 * those who ask for a lot keep nobody out. */
static bool check_room(struct server *server, const struct letter *letter,
                       const struct client *client)
{
    char message[STK_TEXT_BYTES_MAX];
    if (client->request_count >= client->window) {
        snprintf(message, sizeof message,
                 "%u requests are in flight, as many as were granted; wait for a reply or ask for "
                 "a larger window",
                 client->request_count);
        refuse(server, letter, STK_WINDOW, message);
        return false;
    }
    uint64_t waiting = figure_get(&server->figures.requests_waiting);
    if (client->request_count > 0 && waiting >= server->config->requests_max) {
        snprintf(message, sizeof message,
                 "%llu requests of all clients are waiting; come back later",
                 (unsigned long long)waiting);
        refuse(server, letter, STK_OVERLOADED, message);
        return false;
    }
    return true;
}

static void handle_get(struct server *server, const struct letter *letter)
{
    const struct stk_request *request = &letter->request;
    if (server->draining) {
        refuse(server, letter, STK_DRAINING, "the daemon is shutting down");
        return;
    }
    const struct stream *stream = find_stream(server, letter);
    if (stream == NULL || !check_address(server, letter, stream))
        return;
    struct client *client = client_of(server, letter);
    if (client == NULL)
        return;
    if (!check_room(server, letter, client))
        return;
    struct request *queued = TAILQ_FIRST(&client->unused);
    TAILQ_REMOVE(&client->unused, queued, entry);
    queued->id = request->id;
    queued->stream = stream_ref(stream);
    queued->pinned = request->pinned;
    queued->fingerprint = request->fingerprint;
    queued->address = request->address;
    queued->unmixed = request->unmixed;
    queued->batch = NULL;
    TAILQ_INSERT_TAIL(&client->requests, queued, entry);
    client->request_count++;
    server_figures_asked(client, queued);
    figure_add(&server->figures.requests_waiting, 1);
    if (request->address.step == 0)
        LOG(INFO, "client.epoch", LOG_TEXT("client", client->name),
            LOG_TEXT("stream", stream->name), LOG_NUMBER("epoch", request->address.epoch));
}

/* A batch that is in the making is made all the same: it may be asked for again. */
static void handle_cancel(struct server *server, const struct letter *letter)
{
    struct client *client = server_client_find(server, letter->identity, letter->identity_len);
    struct request *request;
    if (client == NULL)
        return;
    TAILQ_FOREACH (request, &client->requests, entry) {
        if (request->id == letter->request.id) {
            server_request_done(server, client, request);
            return;
        }
    }
}

static void handle_streams(struct server *server, const struct letter *letter)
{
    struct stk_streams *streams = &server->answer.streams;
    *streams = (struct stk_streams){.id = letter->request.id};
    for (size_t i = 0; i < server->stream_count; i++) {
        const struct stream *stream = server->streams[i];
        if (key_client_may(letter->sender.client, stream->name, strlen(stream->name)))
            streams->rows[streams->count++] = stream_info(stream);
    }
    size_t len;
    enum stk_status status = stk_streams_encode(streams, server->reply, sizeof server->reply, &len);
    reply(server, letter, status, len);
}

static void handle_labels(struct server *server, const struct letter *letter)
{
    const struct stream *stream = find_stream(server, letter);
    if (stream == NULL)
        return;
    struct stk_labels *labels = &server->answer.labels;
    uint32_t first = letter->request.first;
    *labels = (struct stk_labels){.id = letter->request.id, .first = first};
    uint32_t classes = source_classes(stream->source);
    while (labels->count < STK_LABELS_MAX && first + labels->count < classes) {
        uint32_t class = first + labels->count;
        labels->names[labels->count] = stk_text_of(source_class_name(stream->source, class));
        labels->counts[labels->count] = source_class_count(stream->source, class);
        labels->count++;
    }
    size_t len;
    enum stk_status status = stk_labels_encode(labels, server->reply, sizeof server->reply, &len);
    reply(server, letter, status, len);
}

/* Of a long path the end is told, which names the file. */
static struct stk_text path_text(const char *path)
{
    size_t len = strlen(path);
    return stk_text_of(len > STK_TEXT_BYTES_MAX ? path + len - STK_TEXT_BYTES_MAX : path);
}

static void handle_replaced(struct server *server, const struct letter *letter)
{
    const struct stream *stream = find_stream(server, letter);
    if (stream == NULL)
        return;
    static struct health_row rows[STK_REPLACED_MAX]; /* the loop's */
    struct stk_replaced_list *list = &server->answer.replaced;
    *list = (struct stk_replaced_list){.id = letter->request.id,
                                       .first = letter->request.first,
                                       .samples = health_bad_count(stream->health)};
    list->count = health_list(stream->health, list->first, rows, STK_REPLACED_MAX);
    for (uint32_t i = 0; i < list->count; i++)
        list->rows[i] = (struct stk_replaced_sample){
            .index = rows[i].index,
            .path = path_text(source_name(stream->source, rows[i].index)),
            .reason = stk_text_of(rows[i].reason),
            .slots = rows[i].slots,
            .address = rows[i].address,
        };
    size_t len;
    enum stk_status status = stk_replaced_encode(list, server->reply, sizeof server->reply, &len);
    reply(server, letter, status, len);
}

static void handle_stats(struct server *server, const struct letter *letter)
{
    size_t len;
    enum stk_status status =
        server_stats_encode(server, letter->request.id, letter->sender.client, &len);
    reply(server, letter, status, len);
}

/* What a peer is told of bytes that are no request. */
static void refuse_bytes(struct server *server, const struct letter *letter, enum stk_status status)
{
    char message[STK_TEXT_BYTES_MAX];
    if (status == STK_VERSION)
        snprintf(message, sizeof message,
                 "this daemon speaks version %d of the protocol, the client version %u; use the "
                 "same major version on both ends",
                 STK_PROTOCOL_VERSION, letter->request.version);
    else
        snprintf(message, sizeof message, "the request was refused: %s", stk_status_text(status));
    refuse(server, letter, status, message);
}

static void handle(struct server *server, struct letter *letter, const void *bytes, size_t len)
{
    static void (*const handlers[])(struct server *, const struct letter *) = {
        [STK_KIND_HELLO] = handle_hello,   [STK_KIND_GET] = handle_get,
        [STK_KIND_CANCEL] = handle_cancel, [STK_KIND_STREAMS] = handle_streams,
        [STK_KIND_LABELS] = handle_labels, [STK_KIND_REPLACED] = handle_replaced,
        [STK_KIND_STATS] = handle_stats,
    };
    figure_add(&server->figures.requests, 1);
    enum stk_status status = stk_request_decode(bytes, len, &letter->request);
    if (status == STK_OK)
        handlers[letter->request.kind](server, letter);
    else
        refuse_bytes(server, letter, status);
}

/* Receive one frame; false where there is none. */
static bool receive_frame(void *router, zmq_msg_t *frame)
{
    int len;
    do {
        len = zmq_msg_recv(frame, router, ZMQ_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    return len >= 0;
}

/* A request is one frame; what a stranger sends behind it is dropped, and the request refused. */
static bool drop_rest(void *router, const zmq_msg_t *body)
{
    bool more = zmq_msg_more(body);
    bool dropped = more;
    while (more) {
        zmq_msg_t rest;
        zmq_msg_init(&rest);
        more = receive_frame(router, &rest) && zmq_msg_more(&rest);
        zmq_msg_close(&rest);
    }
    return dropped;
}

/* Its key was removed since it connected. */
static void cut_stranger(struct server *server, const struct letter *letter)
{
    const struct sender *sender = &letter->sender;
    server_stranger_met(server, sender->address, sender->client != NULL ? sender->client->name : "",
                        "its key was removed");
    server_connection_cut(server, letter->fd);
}

/* Of a peer older than ZMTP 3.0 libzmq does not tell the connection, so that nobody would notice
 * when it leaves; it is not served.  And it takes identities that are longer than ZMTP allows. */
static void receive_one(struct server *server, zmq_msg_t *identity, zmq_msg_t *body)
{
    bool several = drop_rest(server->router, body);
    struct letter letter = {
        .identity = zmq_msg_data(identity),
        .identity_len = zmq_msg_size(identity),
        .fd = zmq_msg_get(body, ZMQ_SRCFD),
    };
    server_unended_reset(letter.fd);
    server_monitor_drain(server);
    if (server_connection_is_closed(server, letter.fd))
        return;
    letter.sender = server_sender(server, letter.fd, body);
    if (!letter.sender.admitted)
        cut_stranger(server, &letter);
    else if (letter.fd < 0)
        refuse(server, &letter, STK_INVALID, "this daemon speaks ZMTP 3.0 and later alone");
    else if (letter.identity_len > SERVER_IDENTITY_BYTES_MAX)
        refuse(server, &letter, STK_INVALID, "an identity has 255 bytes at most");
    else if (several)
        refuse(server, &letter, STK_INVALID, "a request is one frame");
    else
        handle(server, &letter, zmq_msg_data(body), zmq_msg_size(body));
}

bool server_receive(struct server *server)
{
    for (int i = 0; i < RECEIVE_MAX; i++) {
        zmq_msg_t identity;
        zmq_msg_t body;
        zmq_msg_init(&identity);
        zmq_msg_init(&body);
        bool received = receive_frame(server->router, &identity);
        if (received && zmq_msg_more(&identity) && receive_frame(server->router, &body))
            receive_one(server, &identity, &body);
        zmq_msg_close(&body);
        zmq_msg_close(&identity);
        if (!received)
            return false;
    }
    return true;
}
