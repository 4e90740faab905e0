/*
 * A probe: see probe.h.
 */
#include "client/probe.h"

#include <stdbool.h>
#include <string.h>
#include <zmq.h>

enum { MECHANISM = 12, MECHANISM_BYTES = 20, GREETING_BYTES = MECHANISM + MECHANISM_BYTES };

/* The signature and the major version; a peer then says its whole greeting. */
static const uint8_t start[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3};

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

void stk_probe_open(struct stk_probe *probe, void *context, const char *endpoint)
{
    const int never = -1;
    *probe = (struct stk_probe){.socket = zmq_socket(context, ZMQ_STREAM)};
    /* One that came again and again would take the place that a full daemon has at last. */
    if (probe->socket == NULL || !set_number(probe->socket, ZMQ_RECONNECT_IVL, never) ||
        !set_number(probe->socket, ZMQ_LINGER, 0) ||
        !set_number(probe->socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL) ||
        zmq_connect(probe->socket, endpoint) != 0)
        stk_probe_close(probe);
}

/* A message is the connection's number and bytes of it; none when it begins and when it ends. */
static bool receive(struct stk_probe *probe)
{
    uint8_t number[256], bytes[sizeof probe->greeting];
    int number_len = zmq_recv(probe->socket, number, sizeof number, ZMQ_DONTWAIT);
    int len = number_len < 0 ? -1 : zmq_recv(probe->socket, bytes, sizeof bytes, ZMQ_DONTWAIT);
    if (len < 0)
        return false;
    if (len == 0) {
        probe->len = 0;
        zmq_send(probe->socket, number, (size_t)number_len, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        zmq_send(probe->socket, start, sizeof start, ZMQ_DONTWAIT);
        return true;
    }
    size_t room = sizeof probe->greeting - probe->len;
    size_t kept = (size_t)len < room ? (size_t)len : room;
    memcpy(probe->greeting + probe->len, bytes, kept);
    probe->len += kept;
    return true;
}

/* What stands between the signature's ends is a length to peers before ZMTP 3. */
static bool is_greeting(const uint8_t *said)
{
    return said[0] == 0xff && said[9] == 0x7f && said[10] >= 3;
}

static bool is_mechanism(const struct stk_probe *probe, const char *name)
{
    char said[MECHANISM_BYTES] = "";
    strncpy(said, name, sizeof said);
    return memcmp(probe->greeting + MECHANISM, said, sizeof said) == 0;
}

enum stk_probe_answer stk_probe_work(struct stk_probe *probe)
{
    while (probe->socket != NULL && probe->len < GREETING_BYTES && receive(probe))
        continue;
    if (probe->socket == NULL || probe->len < GREETING_BYTES)
        return STK_PROBE_NONE;
    stk_probe_close(probe);
    if (!is_greeting(probe->greeting))
        return STK_PROBE_NONE;
    return is_mechanism(probe, "CURVE")  ? STK_PROBE_CURVE
           : is_mechanism(probe, "NULL") ? STK_PROBE_NULL
                                         : STK_PROBE_NONE;
}

void stk_probe_close(struct stk_probe *probe)
{
    if (probe->socket != NULL)
        zmq_close(probe->socket);
    probe->socket = NULL;
}
