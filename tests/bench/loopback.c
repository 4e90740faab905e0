/*
 * Loopback: a batch's pictures through libzmq on this host, tcp or ipc, both ends together.
 *
 * One message is the pictures of one batch, handed over without a copy.  Both sockets are in one
 * thread, which keeps some messages on their way; libzmq's I/O threads, one for each end as in two
 * processes, do the copying.  What arrives is let go without being looked at.
 */
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "tests/bench/measure.h"

enum { IN_FLIGHT = 4, HWM = 2 * IN_FLIGHT, ENDPOINT_BYTES = 256 };

struct end {
    void *context;
    void *socket;
};

struct pair {
    struct end to;
    struct end from;
    size_t bytes;
    uint8_t *batch;
};

static struct end end_open(int type)
{
    static const int hwm = HWM;
    static const int linger = 0;
    struct end end = {.context = zmq_ctx_new()};
    end.socket = end.context != NULL ? zmq_socket(end.context, type) : NULL;
    if (end.socket == NULL)
        data_fail("no socket: %s", zmq_strerror(zmq_errno()));
    zmq_setsockopt(end.socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(end.socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(end.socket, ZMQ_LINGER, &linger, sizeof linger);
    return end;
}

static void end_close(struct end *end)
{
    zmq_close(end->socket);
    zmq_ctx_term(end->context);
}

static void stays(void *bytes, void *hint)
{
    (void)bytes;
    (void)hint;
}

static bool send_batch(struct pair *pair)
{
    zmq_msg_t message;
    if (zmq_msg_init_data(&message, pair->batch, pair->bytes, stays, NULL) != 0)
        return false;
    if (zmq_msg_send(&message, pair->from.socket, 0) >= 0)
        return true;
    zmq_msg_close(&message);
    return false;
}

static struct pair *pair_open(const struct data *data, const char *endpoint)
{
    struct pair *pair = calloc(1, sizeof *pair);
    size_t bytes = data->batch * data->phase->layout.slot_bytes;
    uint8_t *batch = malloc(bytes);
    if (pair == NULL || batch == NULL)
        data_fail("no memory");
    memset(batch, 1, bytes);
    *pair = (struct pair){end_open(ZMQ_PULL), end_open(ZMQ_PUSH), bytes, batch};
    char bound[ENDPOINT_BYTES];
    size_t bound_bytes = sizeof bound;
    if (zmq_bind(pair->to.socket, endpoint) != 0 ||
        zmq_getsockopt(pair->to.socket, ZMQ_LAST_ENDPOINT, bound, &bound_bytes) != 0 ||
        zmq_connect(pair->from.socket, bound) != 0)
        data_fail("%s: %s", endpoint, zmq_strerror(zmq_errno()));
    for (int i = 0; i < IN_FLIGHT; i++) {
        if (!send_batch(pair))
            data_fail("%s: %s", endpoint, zmq_strerror(zmq_errno()));
    }
    return pair;
}

static void *ipc_open(const struct data *data)
{
    return pair_open(data, "ipc://*");
}

static void *tcp_open(const struct data *data)
{
    return pair_open(data, "tcp://127.0.0.1:*");
}

static void pair_close(void *state)
{
    struct pair *pair = state;
    end_close(&pair->from);
    end_close(&pair->to);
    free(pair->batch);
    free(pair);
}

static bool pass_batch(void *state, uint64_t item)
{
    (void)item;
    struct pair *pair = state;
    zmq_msg_t message;
    zmq_msg_init(&message);
    bool passed = zmq_msg_recv(&message, pair->to.socket, 0) == (int)pair->bytes;
    zmq_msg_close(&message);
    return send_batch(pair) && passed;
}

const struct work loopback_works[] = {
    {.name = "ipc",
     .batches = true,
     .process = true,
     .open = ipc_open,
     .close = pair_close,
     .run = pass_batch},
    {.name = "tcp",
     .batches = true,
     .process = true,
     .open = tcp_open,
     .close = pair_close,
     .run = pass_batch},
    {0},
};
