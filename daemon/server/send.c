/*
 * Frames: from messages and slabs to libzmq.
 *
 * A batch's tensors are handed to libzmq where they are (zmq_msg_init_data).  libzmq calls
 * frame_released on one of its I/O threads when a frame has left; the last frame of a delivery
 * returns it to the loop, which alone counts references.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/check.h"
#include "daemon/server/parts.h"

enum {
    RETRY_MS_MIN = 500,
    RETRY_MS_SPREAD = 500,
    RETRY_STEP_MS = 193, /* has no divisor in common with the spread */
};

/* libzmq says EAGAIN where the peer's queue is full, EHOSTUNREACH where the peer is gone, ENOMEM
 * where it took nothing for want of memory. */
static enum stk_status send_bytes(void *router, const void *bytes, size_t len, int flags)
{
    int sent;
    do {
        sent = zmq_send(router, bytes, len, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return STK_OK;
    return errno == EAGAIN ? STK_LIMIT : errno == ENOMEM ? STK_MEMORY : STK_CLOSED;
}

/* A reply's bytes, and whose account they are on until libzmq has sent them. */
struct reply {
    struct server *server;
    size_t len;
    char bytes[];
};

static void reply_released(void *data, void *hint)
{
    (void)data;
    struct reply *reply = hint;
    atomic_fetch_sub_explicit(&reply->server->reply_bytes, reply->len, memory_order_relaxed);
    free(reply);
}

/* A frame with a copy of server->reply's first len bytes; false where there is no room for it. */
static bool reply_frame(struct server *server, size_t len, zmq_msg_t *frame)
{
    size_t bytes_max =
        len > SERVER_REPLY_SMALL_BYTES ? SERVER_REPLIES_BYTES_MAX / 2 : SERVER_REPLIES_BYTES_MAX;
    if (atomic_load_explicit(&server->reply_bytes, memory_order_relaxed) + len > bytes_max)
        return false;
    struct reply *reply = malloc(sizeof *reply + len);
    if (reply == NULL)
        return false;
    reply->server = server;
    reply->len = len;
    memcpy(reply->bytes, server->reply, len);
    if (zmq_msg_init_data(frame, reply->bytes, len, reply_released, reply) != 0) {
        free(reply);
        return false;
    }
    atomic_fetch_add_explicit(&server->reply_bytes, len, memory_order_relaxed);
    return true;
}

/* Send a frame; it is libzmq's afterwards, or closed. */
static enum stk_status send_frame(void *router, zmq_msg_t *frame, int flags)
{
    int sent;
    do {
        sent = zmq_msg_send(frame, router, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        zmq_msg_close(frame);
    return sent >= 0 ? STK_OK : STK_CLOSED;
}

enum stk_status server_send(struct server *server, const void *identity, size_t identity_len,
                            size_t len)
{
    zmq_msg_t frame;
    if (!reply_frame(server, len, &frame))
        return STK_OVERLOADED;
    enum stk_status status = send_bytes(server->router, identity, identity_len, ZMQ_SNDMORE);
    if (status == STK_OK)
        return send_frame(server->router, &frame, 0);
    zmq_msg_close(&frame);
    return status;
}

/* When to come back: those who are sent away together do not come back together. */
static uint32_t retry_ms(struct server *server)
{
    figure_add(&server->figures.overloaded, 1);
    return RETRY_MS_MIN +
           (uint32_t)(figure_get(&server->figures.overloaded) * RETRY_STEP_MS % RETRY_MS_SPREAD);
}

enum stk_status server_send_error(struct server *server, const void *identity, size_t identity_len,
                                  uint64_t id, enum stk_status status, const char *message)
{
    size_t len;
    struct stk_error error = {.id = id, .status = status, .message = stk_text_of(message)};
    if (status == STK_OVERLOADED)
        error.retry_ms = retry_ms(server);
    enum stk_status sent = stk_error_encode(&error, server->reply, sizeof server->reply, &len);
    if (sent == STK_OK)
        sent = server_send(server, identity, identity_len, len);
    if (sent == STK_OK)
        figure_add(&server->figures.errors_sent, 1);
    return sent;
}

/* So many frames of a delivery are no longer held; with the last it goes back to the loop. */
static void release_frames(struct delivery *delivery, uint32_t frames)
{
    if (atomic_fetch_sub_explicit(&delivery->frames_left, frames, memory_order_acq_rel) != frames)
        return;
    struct server *server = delivery->server;
    pthread_mutex_lock(&server->lock);
    STAILQ_INSERT_TAIL(&server->returned, delivery, returned);
    pthread_mutex_unlock(&server->lock);
    uv_async_send(&server->wake);
}

static void frame_released(void *data, void *hint)
{
    (void)data;
    release_frames(hint, 1);
}

static struct delivery *unused_delivery(struct client *client)
{
    for (uint32_t i = 0; i < STK_WINDOW_MAX; i++) {
        if (client->delivery_rows[i].batch == NULL)
            return &client->delivery_rows[i];
    }
    return NULL;
}

static enum stk_status encode_header(struct server *server, uint64_t id, const struct batch *batch,
                                     size_t *len)
{
    const struct stream *stream = batch->stream;
    struct stk_replaced replaced[STK_BATCH_MAX];
    const struct batch_replaced *rows = batch_replaced(batch);
    for (uint32_t i = 0; i < batch->replaced_count; i++)
        replaced[i] =
            (struct stk_replaced){rows[i].slot, rows[i].index, stk_text_of(rows[i].reason)};
    struct stk_batch_header header = {
        .id = id,
        .stream = stk_text_of(stream->name),
        .fingerprint = stream->fingerprint,
        .address = batch->address,
        .unmixed = batch->unmixed,
        .count = batch->count,
        .replaced_count = batch->replaced_count,
        .replaced = replaced,
    };
    enum layout_tensor tensors[LAYOUT_TENSORS];
    header.tensor_count = layout_list(batch->layout, tensors);
    for (uint32_t i = 0; i < header.tensor_count; i++)
        header.tensors[i] = batch_tensor_info(batch, tensors[i]);
    return stk_batch_header_encode(&header, server->reply, sizeof server->reply, len);
}

/* A batch's frames, all made before the first is sent: half a message would be another one. */
struct batch_frames {
    zmq_msg_t header;
    uint32_t count; /* of tensors */
    zmq_msg_t tensors[LAYOUT_TENSORS];
};

static void close_frames(struct batch_frames *frames, uint32_t count)
{
    zmq_msg_close(&frames->header);
    for (uint32_t i = 0; i < count; i++)
        zmq_msg_close(&frames->tensors[i]);
}

/* The header's frame, a copy of server->reply, and one a tensor, each over the slab's own memory;
 * false, and none, where libzmq has no memory for them. */
static bool make_frames(struct delivery *delivery, size_t header_len, struct batch_frames *made)
{
    enum layout_tensor tensors[LAYOUT_TENSORS];
    made->count = layout_list(delivery->batch->layout, tensors);
    if (zmq_msg_init_size(&made->header, header_len) != 0) {
        release_frames(delivery, made->count);
        return false;
    }
    memcpy(zmq_msg_data(&made->header), delivery->server->reply, header_len);
    for (uint32_t i = 0; i < made->count; i++) {
        struct stk_tensor_info info = batch_tensor_info(delivery->batch, tensors[i]);
        if (zmq_msg_init_data(&made->tensors[i], batch_tensor(delivery->batch, tensors[i]),
                              stk_tensor_bytes(&info), frame_released, delivery) != 0) {
            close_frames(made, i);
            release_frames(delivery, made->count - i);
            return false;
        }
    }
    return true;
}

/* After libzmq has taken the identity it takes the rest of the message, whatever the peer does. */
static enum stk_status send_frames(struct server *server, const struct client *client,
                                   struct batch_frames *made)
{
    enum stk_status status =
        send_bytes(server->router, client->identity, client->identity_len, ZMQ_SNDMORE);
    if (status != STK_OK) {
        close_frames(made, made->count);
        return status;
    }
    (void)send_frame(server->router, &made->header, ZMQ_SNDMORE);
    for (uint32_t i = 0; i < made->count; i++)
        (void)send_frame(server->router, &made->tensors[i], i + 1 < made->count ? ZMQ_SNDMORE : 0);
    return STK_OK;
}

enum stk_status server_send_batch(struct server *server, struct client *client, uint64_t id,
                                  struct batch *batch)
{
    struct delivery *delivery = unused_delivery(client);
    CHECK(delivery != NULL);
    size_t len;
    if (encode_header(server, id, batch, &len) != STK_OK) {
        return server_send_error(server, client->identity, client->identity_len, id, STK_LIMIT,
                                 "the batch's header is longer than a header may be");
    }
    server_batch_ref(server, batch);
    client->delivery_count++;
    server_flow_note(client);
    *delivery = (struct delivery){.server = server, .client = client, .batch = batch};
    /* One more than there are frames: ours, until everything is handed over. */
    enum layout_tensor tensors[LAYOUT_TENSORS];
    atomic_store_explicit(&delivery->frames_left, layout_list(batch->layout, tensors) + 1,
                          memory_order_release);
    struct batch_frames frames;
    bool made = make_frames(delivery, len, &frames);
    enum stk_status status = made ? send_frames(server, client, &frames) : STK_MEMORY;
    release_frames(delivery, 1);
    if (!made) {
        return server_send_error(server, client->identity, client->identity_len, id, STK_MEMORY,
                                 "no memory to send the batch; ask again");
    }
    if (status == STK_OK)
        server_figures_sent(server, client, batch);
    return status;
}
