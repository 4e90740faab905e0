/*
 * The pump: see pump.h.
 */
#include "client/pump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/batch.h"
#include "client/fail.h"
#include "daemon/base/clock.h"

enum {
    HELLO_ID = 1, /* slots have larger ones; 0 is what a daemon that could not read ours answers */
    REST_MS = 250,
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

/* A connection is gone: what it owed waits for another one. */
static void lose_peer(struct stk_client *client, uint32_t peer)
{
    for (uint64_t id = client->head; id < client->tail; id++) {
        struct stk_slot *slot = stk_pump_slot(client, id);
        if (slot->state == STK_SLOT_ASKED && slot->peer == peer)
            slot->state = STK_SLOT_WAITING;
    }
    struct stk_peer *lost = &client->peers[peer];
    lost->greeted = lost->live = false;
    lost->in_flight = 0;
    lost->rest_ns = 0;
    stk_channel_drop(&lost->channel, clock_now_ns());
}

/* The daemon does not want us, or does not make sense: remember what it said, and try it again
 * later. */
static void refuse_peer(struct stk_client *client, uint32_t peer, enum stk_status status)
{
    client->peers[peer].refusal = status;
    lose_peer(client, peer);
}

static void greet(struct stk_client *client, uint32_t peer)
{
    const struct stk_request hello = {.kind = STK_KIND_HELLO,
                                      .id = HELLO_ID,
                                      .version = STK_PROTOCOL_VERSION,
                                      .window = client->options.window,
                                      .stream = stk_text_of(client->url.stream),
                                      .name = stk_text_of(client->name)};
    if (stk_channel_send(&client->peers[peer].channel, &hello) == STK_OK)
        client->peers[peer].greeted = true;
    else
        lose_peer(client, peer);
}

/* Keep the first welcome: its texts, and what every other daemon has to tell as well. */
static enum stk_status pin(struct stk_client *client, uint32_t peer, const void *bytes, size_t len)
{
    client->welcome_bytes = malloc(len);
    if (client->welcome_bytes == NULL)
        return stk_fail(client->error, STK_MEMORY, "no memory for a welcome");
    memcpy(client->welcome_bytes, bytes, len);
    enum stk_status status = stk_welcome_decode(client->welcome_bytes, len, &client->welcome);
    client->pinned = status == STK_OK;
    client->pinned_by = peer;
    return status;
}

static enum stk_status check_pinned(const struct stk_client *client, uint32_t peer,
                                    const struct stk_welcome *welcome, char *error)
{
    const struct stk_welcome *pinned = &client->welcome;
    const char *first = client->url.endpoints[client->pinned_by];
    const char *other = client->url.endpoints[peer];
    if (welcome->plan != pinned->plan)
        return stk_fail(error, STK_FINGERPRINT,
                        "'%s' makes plan %" PRIu32 " and '%s' plan %" PRIu32
                        ": run one version of stokerd behind one url",
                        first, pinned->plan, other, welcome->plan);
    if (memcmp(&welcome->info.fingerprint, &pinned->info.fingerprint,
               sizeof pinned->info.fingerprint) == 0)
        return STK_OK;
    char hex[2][STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&pinned->info.fingerprint, hex[0]);
    stk_fingerprint_hex(&welcome->info.fingerprint, hex[1]);
    if (client->pinned_by == peer)
        return stk_fail(error, STK_FINGERPRINT,
                        "'%s' came back with other data for the stream '%s' (fingerprint %s, was "
                        "%s): start the training anew, or give the daemon its old data back",
                        other, client->url.stream, hex[1], hex[0]);
    return stk_fail(error, STK_FINGERPRINT,
                    "'%s' and '%s' serve different data as '%s' (fingerprints %s and %s): give "
                    "both the same configuration and files",
                    first, other, client->url.stream, hex[0], hex[1]);
}

static enum stk_status check_welcome(const struct stk_client *client, uint32_t peer,
                                     enum stk_status decoded, const struct stk_welcome *welcome,
                                     char *error)
{
    const char *endpoint = client->url.endpoints[peer];
    if (decoded == STK_VERSION)
        return stk_fail(error, STK_VERSION,
                        "'%s' speaks version %" PRIu32 " of the protocol and this library version "
                        "%d: update the older one",
                        endpoint, welcome->version, STK_PROTOCOL_VERSION);
    if (decoded != STK_OK)
        return stk_fail(error, decoded, "'%s' sent a welcome that cannot be read (%s)", endpoint,
                        stk_status_text(decoded));
    if (welcome->window == 0 || !stk_text_is(welcome->info.stream, client->url.stream))
        return stk_fail(error, STK_INVALID,
                        "'%s' broke the protocol: it grants no window, or for another stream",
                        endpoint);
    return client->pinned ? check_pinned(client, peer, welcome, error) : STK_OK;
}

static enum stk_status heed_welcome(struct stk_client *client, uint32_t index, zmq_msg_t *frame)
{
    struct stk_peer *peer = &client->peers[index];
    struct stk_welcome welcome;
    enum stk_status status = stk_welcome_decode(zmq_msg_data(frame), zmq_msg_size(frame), &welcome);
    if (status == STK_MEMORY)
        return stk_fail(client->error, status, "no memory for a welcome");
    status = check_welcome(client, index, status, &welcome, peer->sentence);
    if (status != STK_OK) {
        refuse_peer(client, index, status);
        return STK_OK;
    }
    if (!client->pinned)
        status = pin(client, index, zmq_msg_data(frame), zmq_msg_size(frame));
    if (status != STK_OK)
        return status;
    peer->live = true;
    peer->refusal = STK_OK;
    peer->window = welcome.window;
    stk_channel_prove(&peer->channel);
    return STK_OK;
}

/* What the daemon says in an error.  Words that mean something between a client and its user only
 * ("end") are not for a daemon to say. */
static enum stk_status error_status(enum stk_status status)
{
    return status == STK_END || status == STK_TIMEOUT || status == STK_OK ? STK_INVALID : status;
}

static void put_off(struct stk_peer *peer, struct stk_slot *slot)
{
    slot->state = STK_SLOT_WAITING;
    peer->rest_ns = clock_now_ns() + (uint64_t)REST_MS * 1000000;
}

static enum stk_status heed_error(struct stk_client *client, uint32_t index, struct stk_slot *slot,
                                  zmq_msg_t *frame)
{
    struct stk_peer *peer = &client->peers[index];
    struct stk_error error;
    enum stk_status status = stk_error_decode(zmq_msg_data(frame), zmq_msg_size(frame), &error);
    if (status == STK_MEMORY)
        return stk_fail(client->error, status, "no memory for an error's message");
    char *sentence = slot == NULL ? peer->sentence : slot->sentence;
    if (status != STK_OK)
        stk_fail(sentence, status, "'%s' broke the protocol: it sent an error that cannot be read",
                 peer->channel.endpoint);
    else
        status = stk_fail(sentence, error_status(error.status), "'%s' says: %.*s",
                          peer->channel.endpoint, (int)error.message.len, error.message.data);
    if (slot == NULL) {
        refuse_peer(client, index, status);
        return STK_OK;
    }
    peer->in_flight--;
    slot->status = status;
    slot->state = STK_SLOT_FAILED;
    if (stk_status_passes(status))
        put_off(peer, slot);
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

static enum stk_status heed_batch(struct stk_client *client, uint32_t index, struct stk_slot *slot,
                                  struct stk_frames *frames)
{
    struct stk_peer *peer = &client->peers[index];
    enum stk_status status =
        stk_batch_open(frames, &client->welcome.info, slot->address, &slot->batch, slot->sentence);
    if (status == STK_OK && stk_batch_header(slot->batch)->unmixed != client->options.unmixed)
        status = refuse_mixed(peer, slot);
    peer->in_flight--;
    slot->status = status;
    slot->state = status == STK_OK ? STK_SLOT_READY : STK_SLOT_FAILED;
    return STK_OK;
}

/* The slot that a reply belongs to; NULL where it was cancelled, or asked of somebody else. */
static struct stk_slot *find_slot(struct stk_client *client, uint32_t peer, uint64_t id)
{
    if (id < client->head || id >= client->tail)
        return NULL;
    struct stk_slot *slot = stk_pump_slot(client, id);
    return slot->state == STK_SLOT_ASKED && slot->peer == peer ? slot : NULL;
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
        refuse_peer(client, index, status);
        return STK_OK;
    }
    if (!peer->live && kind == STK_KIND_WELCOME && id == HELLO_ID)
        return heed_welcome(client, index, frame);
    if (kind == STK_KIND_ERROR && id <= HELLO_ID)
        return heed_error(client, index, NULL, frame);
    struct stk_slot *slot = find_slot(client, index, id);
    if (slot != NULL && kind == STK_KIND_ERROR)
        return heed_error(client, index, slot, frame);
    if (slot != NULL && kind == STK_KIND_BATCH)
        return heed_batch(client, index, slot, frames);
    return STK_OK;
}

static enum stk_status receive_all(struct stk_client *client, uint32_t peer)
{
    for (;;) {
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
            greet(client, index);
        /* In this order: what a daemon sent before it went away has come in by now. */
        status = receive_all(client, index);
        if (event == STK_CHANNEL_DOWN && peer->channel.socket != NULL)
            lose_peer(client, index);
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
    stk_pump_ask(client);
    return STK_OK;
}

/*
 * The daemon to ask: the one with the fewest requests in flight, so that a fast one gets more of
 * them; among equals the step decides, so that trainers which share a stream ask the same daemon
 * for the same batch, and it is made once.
 */
static bool pick_peer(const struct stk_client *client, uint64_t step, uint32_t *picked)
{
    bool found = false;
    for (uint32_t i = 0; i < client->url.count; i++) {
        uint32_t index = (uint32_t)((step + i) % client->url.count);
        const struct stk_peer *peer = &client->peers[index];
        if (!peer->live || peer->in_flight >= peer->window || peer->rest_ns != 0)
            continue;
        if (!found || peer->in_flight < client->peers[*picked].in_flight)
            *picked = index;
        found = true;
    }
    return found;
}

static void ask(struct stk_client *client, uint64_t id)
{
    struct stk_slot *slot = stk_pump_slot(client, id);
    uint32_t index = 0;
    if (!pick_peer(client, slot->address.step, &index))
        return;
    const struct stk_request get = {.kind = STK_KIND_GET,
                                    .id = id,
                                    .stream = stk_text_of(client->url.stream),
                                    .address = slot->address,
                                    .unmixed = client->options.unmixed,
                                    .pinned = true,
                                    .fingerprint = client->welcome.info.fingerprint};
    if (stk_channel_send(&client->peers[index].channel, &get) != STK_OK) {
        lose_peer(client, index);
        return;
    }
    slot->state = STK_SLOT_ASKED;
    slot->peer = index;
    client->peers[index].in_flight++;
}

void stk_pump_ask(struct stk_client *client)
{
    struct stk_address address;
    while (client->ordered && client->batches_left > 0 &&
           client->tail - client->head < client->options.window &&
           stk_order_next(&client->order, &address)) {
        client->batches_left--;
        struct stk_slot *slot = stk_pump_slot(client, client->tail++);
        slot->state = STK_SLOT_WAITING;
        slot->address = address;
        slot->batch = NULL;
        slot->status = STK_OK;
    }
    for (uint64_t id = client->head; id < client->tail; id++) {
        if (stk_pump_slot(client, id)->state == STK_SLOT_WAITING)
            ask(client, id);
    }
}

void stk_pump_wait(struct stk_client *client, uint64_t until_ns)
{
    const struct stk_channel *channels[STK_ENDPOINTS_MAX];
    for (uint32_t i = 0; i < client->url.count; i++) {
        const struct stk_peer *peer = &client->peers[i];
        channels[i] = &peer->channel;
        if (peer->channel.socket == NULL && peer->channel.open_ns < until_ns)
            until_ns = peer->channel.open_ns;
        if (peer->rest_ns != 0 && peer->rest_ns < until_ns)
            until_ns = peer->rest_ns;
    }
    stk_channels_wait(channels, client->url.count, until_ns);
}

static void cancel(struct stk_client *client, uint64_t id)
{
    struct stk_slot *slot = stk_pump_slot(client, id);
    const struct stk_request request = {.kind = STK_KIND_CANCEL, .id = id};
    client->peers[slot->peer].in_flight--;
    if (stk_channel_send(&client->peers[slot->peer].channel, &request) != STK_OK)
        lose_peer(client, slot->peer);
}

void stk_pump_forget(struct stk_client *client)
{
    client->batches_left += client->tail - client->head;
    for (; client->head < client->tail; client->head++) {
        struct stk_slot *slot = stk_pump_slot(client, client->head);
        if (slot->state == STK_SLOT_ASKED)
            cancel(client, client->head);
        stk_batch_close(&slot->batch);
    }
}
