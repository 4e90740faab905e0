/*
 * Frames: from messages and slabs to libzmq.
 *
 * A batch's tensors are handed to libzmq where they are (zmq_msg_init_data).  libzmq calls
 * frame_released on one of its I/O threads when a frame has left; the last frame of a delivery
 * returns it to the loop, which alone counts references.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/check.h"
#include "daemon/server_parts.h"

/* libzmq says EAGAIN where the peer's queue is full, EHOSTUNREACH where the peer is gone. */
static bool send_bytes(void *router, const void *bytes, size_t len, int flags)
{
    int sent;
    do {
        sent = zmq_send(router, bytes, len, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool server_send(struct server *server, const void *identity, size_t identity_len, size_t len)
{
    return send_bytes(server->router, identity, identity_len, ZMQ_SNDMORE) &&
           send_bytes(server->router, server->reply, len, 0);
}

void server_send_error(struct server *server, const void *identity, size_t identity_len,
                       uint64_t id, enum stk_status status, const char *message)
{
    size_t len;
    struct stk_error error = {.id = id, .status = status, .message = stk_text_of(message)};
    if (stk_error_encode(&error, server->reply, sizeof server->reply, &len) == STK_OK &&
        server_send(server, identity, identity_len, len))
        figure_add(&server->figures.errors_sent, 1);
}

static void frame_released(void *data, void *hint)
{
    (void)data;
    struct delivery *delivery = hint;
    if (atomic_fetch_sub_explicit(&delivery->frames_left, 1, memory_order_acq_rel) != 1)
        return;
    struct server *server = delivery->server;
    pthread_mutex_lock(&server->lock);
    STAILQ_INSERT_TAIL(&server->returned, delivery, returned);
    pthread_mutex_unlock(&server->lock);
    uv_async_send(&server->wake);
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
        .count = batch->count,
        .tensor_count = LAYOUT_TENSORS,
        .replaced_count = batch->replaced_count,
        .replaced = replaced,
    };
    for (int i = 0; i < LAYOUT_TENSORS; i++)
        header.tensors[i] = batch_tensor_info(batch, (enum layout_tensor)i);
    return stk_batch_header_encode(&header, server->reply, sizeof server->reply, len);
}

/* After the identity was taken by libzmq the rest of the message is, whatever the peer does. */
static void send_tensors(struct server *server, struct delivery *delivery)
{
    const struct batch *batch = delivery->batch;
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        struct stk_tensor_info info = batch_tensor_info(batch, (enum layout_tensor)i);
        size_t bytes = stk_tensor_bytes(&info);
        zmq_msg_t frame;
        /* libzmq copies nothing, but allocates the frame's head.  Where even that fails, the
         * message cannot be ended, and a daemon that is started again loses nothing. */
        CHECK(zmq_msg_init_data(&frame, batch_tensor(batch, (enum layout_tensor)i), bytes,
                                frame_released, delivery) == 0);
        figure_add(&server->figures.bytes_sent, bytes);
        int flags = ZMQ_DONTWAIT | (i + 1 < LAYOUT_TENSORS ? ZMQ_SNDMORE : 0);
        int sent;
        do {
            sent = zmq_msg_send(&frame, server->router, flags);
        } while (sent < 0 && errno == EINTR);
        if (sent < 0)
            zmq_msg_close(&frame);
    }
}

bool server_send_batch(struct server *server, struct client *client, uint64_t id,
                       struct batch *batch)
{
    struct delivery *delivery = unused_delivery(client);
    CHECK(delivery != NULL);
    size_t len;
    if (encode_header(server, id, batch, &len) != STK_OK) {
        server_send_error(server, client->identity, client->identity_len, id, STK_LIMIT,
                          "the batch's header is longer than a header may be");
        return true;
    }
    if (!send_bytes(server->router, client->identity, client->identity_len, ZMQ_SNDMORE))
        return false;
    cache_ref(server->cache, batch);
    delivery->server = server;
    delivery->client = client;
    delivery->batch = batch;
    atomic_store_explicit(&delivery->frames_left, LAYOUT_TENSORS, memory_order_release);
    client->delivery_count++;
    send_bytes(server->router, server->reply, len, ZMQ_SNDMORE);
    send_tensors(server, delivery);
    figure_add(&server->figures.batches_sent, 1);
    return true;
}
