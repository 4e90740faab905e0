/*
 * The pump: see pump.h.
 */
#include "client/pump.h"

#include "client/batch.h"
#include "client/fail.h"
#include "client/greet.h"
#include "client/watch.h"
#include "client/window.h"
#include "daemon/base/clock.h"

enum {
    REST_MS = 250,
    REST_MS_MAX = 2000, /* a daemon may ask for more; its trainers would stand still */
    TURN_MESSAGES_MAX = 2 * STK_WINDOW_MAX, /* more than a legal window brings */
};

bool stk_status_passes(enum stk_status status)
{
    return status == STK_DRAINING || status == STK_OVERLOADED || status == STK_WINDOW ||
           status == STK_MEMORY || status == STK_SYSTEM;
}

struct stk_slot *stk_pump_slot(struct stk_client *client, uint64_t id)
{
    return &client->slots[id % STK_WINDOW_MAX];
}

struct stk_ask *stk_slot_ask(struct stk_slot *slot, uint32_t peer)
{
    for (uint32_t i = 0; i < slot->ask_count; i++) {
        if (slot->asks[i].peer == peer)
            return &slot->asks[i];
    }
    return NULL;
}

void stk_slot_settle(struct stk_client *client, struct stk_slot *slot, struct stk_ask *ask)
{
    client->peers[ask->peer].in_flight--;
    *ask = slot->asks[--slot->ask_count];
    if (slot->ask_count == 0)
        slot->state = STK_SLOT_WAITING;
}

void stk_pump_lose(struct stk_client *client, uint32_t peer)
{
    for (uint64_t id = client->head; id < client->tail; id++) {
        struct stk_slot *slot = stk_pump_slot(client, id);
        struct stk_ask *ask = stk_slot_ask(slot, peer);
        if (ask != NULL)
            stk_slot_settle(client, slot, ask);
    }
    struct stk_peer *lost = &client->peers[peer];
    lost->figures[STK_PEER_LOSSES] += lost->greeted;
    lost->greeted = lost->live = false;
    lost->rest_ns = lost->doubted_ns = 0;
    stk_channel_drop(&lost->channel, clock_now_ns());
}

void stk_pump_refuse(struct stk_client *client, uint32_t peer, enum stk_status status)
{
    client->peers[peer].refusal = status;
    stk_pump_lose(client, peer);
}

/* What the daemon says in an error.  Words that mean something between a client and its user only
 * ("end") are not for a daemon to say. */
static enum stk_status error_status(enum stk_status status)
{
    return status == STK_END || status == STK_TIMEOUT || status == STK_OK ? STK_INVALID : status;
}

/* When a daemon that said "not now" is asked again: when it said, and a little later, so that its
 * trainers do not come back all at once. */
static uint64_t rest_until_ns(uint32_t retry_ms, uint64_t now_ns)
{
    uint64_t rest_ms = retry_ms == 0 ? REST_MS : retry_ms;
    rest_ms = rest_ms < REST_MS_MAX ? rest_ms : REST_MS_MAX;
    return now_ns + stk_jitter(rest_ms * 1000000, rest_ms * 1250000, now_ns);
}

/* A peer does not give a slot's batch: a passing reason asks again, any other is told once the
 * trainer gets there, unless another peer gives the batch. */
static void fail_slot(struct stk_client *client, uint32_t index, struct stk_slot *slot,
                      enum stk_status status, uint32_t retry_ms)
{
    struct stk_peer *peer = &client->peers[index];
    stk_slot_settle(client, slot, stk_slot_ask(slot, index));
    slot->status = status;
    if (stk_status_passes(status))
        peer->rest_ns = rest_until_ns(retry_ms, peer->reply_ns);
    else if (slot->state == STK_SLOT_WAITING)
        slot->state = STK_SLOT_FAILED;
}

/* Whether it is not this batch that the daemon refuses, but all of the stream: it has read another
 * configuration meanwhile. */
static bool serves_no_more(enum stk_status status)
{
    return status == STK_FINGERPRINT || status == STK_UNKNOWN_STREAM;
}

/* slot is NULL for what answers no get. */
static enum stk_status heed_error(struct stk_client *client, uint32_t index, struct stk_slot *slot,
                                  zmq_msg_t *frame)
{
    struct stk_peer *peer = &client->peers[index];
    struct stk_error error;
    enum stk_status status = stk_error_decode(zmq_msg_data(frame), zmq_msg_size(frame), &error);
    if (status == STK_MEMORY)
        return stk_fail(client->error, status, "no memory for an error's message");
    if (status == STK_OK && serves_no_more(error.status))
        slot = NULL;
    char *sentence = slot == NULL ? peer->sentence : slot->sentence;
    if (status != STK_OK)
        stk_fail(sentence, status, "'%s' broke the protocol: it sent an error that cannot be read",
                 peer->channel.endpoint);
    else
        status = stk_fail(sentence, error_status(error.status), "'%s' says: %.*s",
                          peer->channel.endpoint, (int)error.message.len, error.message.data);
    if (slot != NULL) {
        fail_slot(client, index, slot, status, error.retry_ms);
        return STK_OK;
    }
    stk_pump_refuse(client, index, status);
    if (error.retry_ms != 0)
        stk_channel_put_off(&peer->channel, rest_until_ns(error.retry_ms, clock_now_ns()));
    return STK_OK;
}

/* A daemon ignores a key that it does not know, and answers as if it was not there. */
static enum stk_status refuse_mixed(const struct stk_peer *peer, struct stk_slot *slot)
{
    stk_batch_close(&slot->batch);
    return stk_fail(slot->sentence, STK_UNKNOWN_KIND,
                    "'%s' cannot serve pictures as they were before mixing: its stokerd is older "
                    "than this library",
                    peer->channel.endpoint);
}

/* The first batch of a slot is here: what another peer owes of it is too late. */
static void accept_batch(struct stk_client *client, uint32_t index, uint64_t id)
{
    struct stk_peer *peer = &client->peers[index];
    struct stk_slot *slot = stk_pump_slot(client, id);
    const struct stk_ask *ask = stk_slot_ask(slot, index);
    uint64_t took_ns = peer->reply_ns - ask->sent_ns;
    bool exact = peer->reply_ns - client->received_ns <= took_ns / 4;
    stk_pace_reply(&peer->pace, took_ns, ask->beside, exact);
    peer->figures[STK_PEER_BATCHES]++;
    stk_slot_settle(client, slot, stk_slot_ask(slot, index));
    if (slot->ask_count > 0) {
        const struct stk_ask *late = &slot->asks[0];
        struct stk_peer *slower = &client->peers[late->peer];
        stk_pace_give_up(&slower->pace, peer->reply_ns - late->sent_ns, late->beside);
        slower->given_up++;
        stk_window_cancel(client, id);
    }
    slot->status = STK_OK;
    slot->state = STK_SLOT_READY;
}

static enum stk_status heed_batch(struct stk_client *client, uint32_t index, uint64_t id,
                                  struct stk_frames *frames)
{
    struct stk_peer *peer = &client->peers[index];
    struct stk_slot *slot = stk_pump_slot(client, id);
    enum stk_status status =
        stk_batch_open(frames, &client->welcome.info, slot->address, &slot->batch, slot->sentence);
    if (status == STK_OK && stk_batch_header(slot->batch)->unmixed != client->options.unmixed)
        status = refuse_mixed(peer, slot);
    if (status == STK_OK)
        accept_batch(client, index, id);
    else
        fail_slot(client, index, slot, status, 0);
    return STK_OK;
}

/* Whether a reply belongs to a slot that its sender owes; what does not is late, or comes twice. */
static bool is_owed(struct stk_client *client, uint32_t peer, uint64_t id)
{
    return id >= client->head && id < client->tail &&
           stk_slot_ask(stk_pump_slot(client, id), peer) != NULL;
}

static enum stk_status heed_reply(struct stk_client *client, uint32_t index, enum stk_kind kind,
                                  uint64_t id, struct stk_frames *frames)
{
    struct stk_peer *peer = &client->peers[index];
    if (kind != STK_KIND_BATCH && kind != STK_KIND_ERROR)
        return STK_OK;
    stk_watch_reply(peer, clock_now_ns());
    if (kind == STK_KIND_BATCH)
        peer->batch_ns = peer->reply_ns;
    if (!is_owed(client, index, id)) {
        peer->figures[STK_PEER_DROPPED]++;
        return STK_OK;
    }
    if (kind == STK_KIND_ERROR)
        return heed_error(client, index, stk_pump_slot(client, id), &frames->frames[0]);
    return heed_batch(client, index, id, frames);
}

static enum stk_status heed(struct stk_client *client, uint32_t index, struct stk_frames *frames)
{
    struct stk_peer *peer = &client->peers[index];
    zmq_msg_t *frame = &frames->frames[0];
    enum stk_kind kind;
    uint64_t id;
    enum stk_status status = stk_reply_kind(zmq_msg_data(frame), zmq_msg_size(frame), &kind, &id);
    if (status == STK_MEMORY)
        return stk_fail(client->error, status, "no memory for a reply");
    if (status == STK_UNKNOWN_KIND)
        return STK_OK;
    if (status != STK_OK) {
        stk_fail(peer->sentence, status, "'%s' sent bytes that are no reply: is it a stokerd?",
                 peer->channel.endpoint);
        stk_pump_refuse(client, index, status);
        return STK_OK;
    }
    if (!peer->live && kind == STK_KIND_WELCOME && id == STK_HELLO_ID)
        return stk_greet_welcome(client, index, frame);
    if (kind == STK_KIND_ERROR && id <= STK_HELLO_ID)
        return heed_error(client, index, NULL, frame);
    return heed_reply(client, index, kind, id, frames);
}

/* What has come in.  A daemon that sends without end is heard again in the next turn: the trainer's
 * time may be up. */
static enum stk_status receive_all(struct stk_client *client, uint32_t peer)
{
    for (uint32_t i = 0; i < TURN_MESSAGES_MAX; i++) {
        struct stk_frames frames = {.count = 0};
        enum stk_status status = stk_channel_receive(&client->peers[peer].channel, &frames);
        if (status == STK_OK)
            status = heed(client, peer, &frames);
        else if (status == STK_SYSTEM)
            stk_fail(client->error, status, "cannot receive from '%s'",
                     client->peers[peer].channel.endpoint);
        stk_frames_release(&frames);
        if (status != STK_OK)
            return status == STK_END ? STK_OK : status;
    }
    return STK_OK;
}

static void lose(struct stk_client *client, uint32_t index)
{
    struct stk_peer *peer = &client->peers[index];
    enum stk_status status = stk_channel_refusal(&peer->channel, peer->sentence);
    if (status != STK_OK)
        stk_pump_refuse(client, index, status);
    else
        stk_pump_lose(client, index);
}

static enum stk_status tend_peer(struct stk_client *client, uint32_t index)
{
    struct stk_peer *peer = &client->peers[index];
    uint64_t now_ns = clock_now_ns();
    if (peer->rest_ns <= now_ns)
        peer->rest_ns = 0;
    enum stk_status status = stk_channel_tend(&peer->channel, now_ns, client->error);
    if (status != STK_OK)
        return status;
    for (;;) {
        enum stk_channel_event event = stk_channel_event(&peer->channel);
        if (event == STK_CHANNEL_UP)
            stk_greet(client, index);
        /* In this order: what a daemon sent before it went away has come in by now. */
        status = receive_all(client, index);
        if (event == STK_CHANNEL_DOWN && peer->channel.socket != NULL)
            lose(client, index);
        if (status != STK_OK || event == STK_CHANNEL_QUIET)
            return status;
    }
}

enum stk_status stk_pump_work(struct stk_client *client)
{
    for (uint32_t i = 0; i < client->url.count; i++) {
        enum stk_status status = tend_peer(client, i);
        if (status != STK_OK)
            return status;
    }
    client->received_ns = clock_now_ns();
    stk_watch_peers(client, client->received_ns);
    stk_window_fill(client);
    stk_window_hedge(client);
    return STK_OK;
}

/* Milliseconds matter here, and each is the trainer's: wake for whatever may be due next. */
static uint64_t next_due_ns(const struct stk_client *client, uint64_t until_ns)
{
    const uint64_t due[] = {stk_watch_ns(client, clock_now_ns()), stk_window_hedge_ns(client)};
    for (size_t i = 0; i < sizeof due / sizeof *due; i++)
        until_ns = due[i] < until_ns ? due[i] : until_ns;
    for (uint32_t i = 0; i < client->url.count; i++) {
        const struct stk_peer *peer = &client->peers[i];
        if (peer->channel.socket == NULL && peer->channel.open_ns < until_ns)
            until_ns = peer->channel.open_ns;
        if (peer->rest_ns != 0 && peer->rest_ns < until_ns)
            until_ns = peer->rest_ns;
    }
    return until_ns;
}

void stk_pump_wait(struct stk_client *client, uint64_t until_ns)
{
    const struct stk_channel *channels[STK_ENDPOINTS_MAX];
    for (uint32_t i = 0; i < client->url.count; i++)
        channels[i] = &client->peers[i].channel;
    client->look_ns = next_due_ns(client, until_ns);
    stk_channels_wait(channels, client->url.count, client->look_ns);
    /* Nothing had come in until now. */
    client->received_ns = clock_now_ns();
}
