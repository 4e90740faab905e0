/*
 * A client: its life, and batches in order.  What happens on the wire is pump.c's.
 */
#include "client/stoker.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/context.h"
#include "client/fail.h"
#include "client/pump.h"
#include "client/window.h"
#include "daemon/base/clock.h"

enum {
    WINDOW_DEFAULT = 8,
    TIMEOUT_MS_DEFAULT = 30000,
    GRACE_MS = 1000,   /* for the other endpoints, once one has answered */
    FIRST_ID = 2,      /* of a slot: see pump.c */
    NAMES_BYTES = 400, /* endpoints in a sentence */
};

static uint64_t after_ms(uint64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

/* All endpoints of a client for a sentence: 'a' or 'b'; cut where they are too many. */
static void list_endpoints(const struct stk_client *client, char names[NAMES_BYTES])
{
    size_t len = 0;
    for (uint32_t i = 0; i < client->url.count && len < NAMES_BYTES; i++)
        len += (size_t)snprintf(names + len, NAMES_BYTES - len, "%s'%s'", i == 0 ? "" : " or ",
                                client->url.endpoints[i]);
}

static void default_name(char name[STK_NAME_BYTES_MAX + 1])
{
    char host[HOST_NAME_MAX + 1] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        strcpy(host, "unknown");
    snprintf(name, STK_NAME_BYTES_MAX + 1, "%.48s:%d", host, (int)getpid());
}

static enum stk_status set_options(struct stk_client *client, const struct stk_options *options,
                                   char *error)
{
    struct stk_options *set = &client->options;
    if (options != NULL)
        *set = *options;
    set->window = set->window == 0 ? WINDOW_DEFAULT : set->window;
    set->world = set->world == 0 ? 1 : set->world;
    set->heartbeat_ms = set->heartbeat_ms == 0 ? STK_HEARTBEAT_MS_DEFAULT : set->heartbeat_ms;
    client->batches_left = set->batches == 0 ? UINT64_MAX : set->batches;
    stk_client_timeout(client, set->timeout_ms);
    if (set->window > STK_WINDOW_MAX)
        return stk_fail(error, STK_INVALID, "a window of %" PRIu32 " is more than %d requests",
                        set->window, STK_WINDOW_MAX);
    if (set->rank >= set->world)
        return stk_fail(error, STK_INVALID,
                        "rank %" PRIu32 " is not below world %" PRIu32 ": ranks count from 0",
                        set->rank, set->world);
    if (set->heartbeat_ms < STK_HEARTBEAT_MS_MIN || set->heartbeat_ms > STK_HEARTBEAT_MS_MAX)
        return stk_fail(error, STK_INVALID, "a heartbeat of %" PRIu32 " ms is not %d to %d ms",
                        set->heartbeat_ms, STK_HEARTBEAT_MS_MIN, STK_HEARTBEAT_MS_MAX);
    if (set->name != NULL && strlen(set->name) > STK_NAME_BYTES_MAX)
        return stk_fail(error, STK_INVALID, "the client's name '%s' is longer than %d bytes",
                        set->name, STK_NAME_BYTES_MAX);
    if (set->name != NULL)
        strcpy(client->name, set->name);
    else
        default_name(client->name);
    set->name = NULL;
    enum stk_status status = stk_keys_find(set->server_key, set->key, &client->keys, error);
    set->server_key = set->key = NULL;
    return status;
}

/* A refusal that was not told yet, of a daemon that will say the same again. */
static struct stk_peer *refused_peer(struct stk_client *client, bool passing)
{
    for (uint32_t i = 0; i < client->url.count; i++) {
        struct stk_peer *peer = &client->peers[i];
        if (peer->refusal != STK_OK && stk_status_passes(peer->refusal) == passing)
            return peer;
    }
    return NULL;
}

/* Tell a refusal once: the next one is what the daemon says when it is asked again. */
static enum stk_status tell_refusal(struct stk_client *client, struct stk_peer *peer)
{
    enum stk_status status = peer->refusal;
    peer->refusal = STK_OK;
    return stk_fail(client->error, status, "%s", peer->sentence);
}

static enum stk_status open_overdue(struct stk_client *client)
{
    struct stk_peer *peer = refused_peer(client, true);
    if (peer != NULL)
        return tell_refusal(client, peer);
    char names[NAMES_BYTES];
    list_endpoints(client, names);
    for (uint32_t i = 0; i < client->url.count; i++) {
        const char *suspicion = stk_channel_suspicion(&client->peers[i].channel);
        if (suspicion[0] != '\0')
            return stk_fail(client->error, STK_TIMEOUT,
                            "no answer from '%s' within %" PRIu32 " ms: %s",
                            client->url.endpoints[i], client->options.timeout_ms, suspicion);
        if (client->peers[i].greeted)
            return stk_fail(client->error, STK_TIMEOUT,
                            "'%s' was reached, but has not answered within %" PRIu32
                            " ms: is it a stokerd?",
                            client->url.endpoints[i], client->options.timeout_ms);
    }
    return stk_fail(client->error, STK_TIMEOUT,
                    "no answer from %s within %" PRIu32 " ms: is stokerd running, and does it "
                    "listen there?",
                    names, client->options.timeout_ms);
}

/* Whether an endpoint has answered, or shown that it will not soon. */
static bool heard_of(const struct stk_peer *peer)
{
    return peer->live || peer->channel.refused || peer->channel.losses > 0;
}

static void count_peers(const struct stk_client *client, uint32_t *live, uint32_t *heard)
{
    *live = *heard = 0;
    for (uint32_t i = 0; i < client->url.count; i++) {
        *live += client->peers[i].live;
        *heard += heard_of(&client->peers[i]);
    }
}

/*
 * Greet the daemons.  Where one answers, the others have a moment to answer too, so that different
 * data is found before the training starts and not in its first minute.
 */
static enum stk_status greet_all(struct stk_client *client)
{
    const uint64_t until_ns = after_ms(client->options.timeout_ms);
    uint64_t grace_ns = until_ns;
    for (bool answered = false;;) {
        enum stk_status status = stk_pump_work(client);
        if (status != STK_OK)
            return status;
        struct stk_peer *refused = refused_peer(client, false);
        if (refused != NULL)
            return tell_refusal(client, refused);
        uint32_t live, heard;
        count_peers(client, &live, &heard);
        if (live > 0 && !answered) {
            answered = true;
            grace_ns = after_ms(GRACE_MS) < until_ns ? after_ms(GRACE_MS) : until_ns;
        }
        bool late = clock_now_ns() >= grace_ns;
        if (live > 0 && (heard == client->url.count || late))
            return STK_OK;
        if (late)
            return open_overdue(client);
        stk_pump_wait(client, grace_ns);
    }
}

/* For a place that its epoch does not have. */
static enum stk_status behind_end(struct stk_client *client, struct stk_address place)
{
    return stk_fail(client->error, STK_RANGE,
                    "step %" PRIu64 " lies behind the epoch's end: epoch %" PRIu32
                    " of '%s' has %" PRIu64 " steps",
                    place.step, place.epoch, client->url.stream,
                    stk_stream_phase(&client->welcome.info, place.epoch).steps);
}

static uint64_t fewest_steps(const struct stk_stream_info *info)
{
    uint64_t fewest = info->steps;
    for (uint32_t i = 0; i < info->phase_count; i++)
        fewest = info->phases[i].steps < fewest ? info->phases[i].steps : fewest;
    return fewest;
}

static enum stk_status start_order(struct stk_client *client)
{
    const struct stk_stream_info *info = &client->welcome.info;
    const struct stk_options *options = &client->options;
    client->place = (struct stk_address){.epoch = options->epoch, .step = options->step};
    enum stk_status status = stk_order_init(&client->order, info, options->rank, options->world,
                                            client->place, options->epochs);
    if (status == STK_OK) {
        client->ordered = true;
        return STK_OK;
    }
    if (options->step > stk_stream_phase(info, options->epoch).steps)
        return behind_end(client, client->place);
    return stk_fail(client->error, status,
                    "an epoch of '%s' has %" PRIu64 " steps, too few for rank %" PRIu32
                    " of %" PRIu32 ": make its batch smaller",
                    client->url.stream, fewest_steps(info), options->rank, options->world);
}

static enum stk_status start(struct stk_client *client)
{
    client->context = stk_context_open();
    if (client->context == NULL)
        return stk_fail(client->error, STK_SYSTEM,
                        "cannot start libzmq: no memory or no descriptor is left");
    for (uint32_t i = 0; i < client->url.count; i++) {
        stk_channel_init(&client->peers[i].channel, client->context, client->url.endpoints[i],
                         client->options.heartbeat_ms);
        client->peers[i].channel.keys = &client->keys;
    }
    enum stk_status status = greet_all(client);
    if (status != STK_OK || (status = start_order(client)) != STK_OK)
        return status;
    if (client->options.state != NULL)
        return stk_client_restore(client, client->options.state);
    stk_window_fill(client);
    return STK_OK;
}

enum stk_status stk_client_open(const char *url, const struct stk_options *options,
                                struct stk_client **client, char *error)
{
    *client = NULL;
    if (error != NULL)
        *error = '\0';
    struct stk_client *made = calloc(1, sizeof *made);
    if (made == NULL)
        return stk_fail(error, STK_MEMORY, "no memory for a client");
    made->head = made->tail = FIRST_ID;
    enum stk_status status = stk_url_parse(url, &made->url, made->error);
    if (status == STK_OK)
        status = set_options(made, options, made->error);
    if (status == STK_OK)
        status = start(made);
    made->options.state = NULL;
    if (status == STK_OK) {
        *client = made;
        return STK_OK;
    }
    stk_fail(error, status, "%s", made->error);
    stk_client_close(&made);
    return status;
}

void stk_client_close(struct stk_client **client)
{
    struct stk_client *closed = *client;
    if (closed == NULL)
        return;
    /* Nothing is cancelled: a daemon forgets with the connection what it owed. */
    for (uint32_t i = 0; i < closed->url.count; i++)
        stk_channel_release(&closed->peers[i].channel);
    for (uint64_t id = closed->head; id < closed->tail; id++)
        stk_batch_close(&stk_pump_slot(closed, id)->batch);
    stk_context_close(closed->context);
    free(closed->welcome_bytes);
    stk_keys_wipe(&closed->keys);
    free(closed);
    *client = NULL;
}

const struct stk_stream_info *stk_client_info(const struct stk_client *client)
{
    return &client->welcome.info;
}

uint64_t stk_client_steps(const struct stk_client *client, uint32_t epoch)
{
    return stk_order_count(&client->order, (struct stk_address){epoch, 0});
}

struct stk_address stk_client_place(const struct stk_client *client)
{
    return client->place;
}

const char *stk_client_error(const struct stk_client *client)
{
    return client->error;
}

void stk_client_timeout(struct stk_client *client, uint32_t timeout_ms)
{
    client->options.timeout_ms = timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : timeout_ms;
}

static void hand_out(struct stk_client *client, struct stk_slot *slot, struct stk_batch **batch)
{
    *batch = slot->batch;
    slot->batch = NULL;
    client->place = stk_order_after(&client->order, slot->address);
    client->head++;
    /* Now, not in the next call: the daemon works while the trainer does. */
    stk_window_fill(client);
}

/* Whether no daemon would have us: there is nothing to wait for. */
static bool refused_by_all(const struct stk_client *client)
{
    for (uint32_t i = 0; i < client->url.count; i++) {
        enum stk_status refusal = client->peers[i].refusal;
        if (refusal == STK_OK || stk_status_passes(refusal))
            return false;
    }
    return true;
}

/* The batch that is next in order if it is here; STK_TIMEOUT where it is not yet. */
static enum stk_status take(struct stk_client *client, struct stk_batch **batch)
{
    if (client->head == client->tail)
        return stk_fail(client->error, STK_END, "everything that was asked for was delivered");
    struct stk_slot *slot = stk_pump_slot(client, client->head);
    if (slot->state == STK_SLOT_READY) {
        hand_out(client, slot, batch);
        return STK_OK;
    }
    if (slot->state == STK_SLOT_FAILED) {
        /* Told once: what comes of asking again is another matter. */
        enum stk_status status = slot->status;
        slot->state = STK_SLOT_WAITING;
        slot->status = STK_OK;
        return stk_fail(client->error, status, "%s", slot->sentence);
    }
    if (refused_by_all(client))
        return tell_refusal(client, refused_peer(client, false));
    return STK_TIMEOUT;
}

/* Time is up: say what was in the way, as far as a daemon has told. */
static enum stk_status next_overdue(struct stk_client *client)
{
    const struct stk_slot *slot = stk_pump_slot(client, client->head);
    if (slot->status != STK_OK)
        return stk_fail(client->error, slot->status, "%s", slot->sentence);
    struct stk_peer *peer = refused_peer(client, false);
    peer = peer == NULL ? refused_peer(client, true) : peer;
    if (peer != NULL)
        return tell_refusal(client, peer);
    char names[NAMES_BYTES];
    list_endpoints(client, names);
    return stk_fail(client->error, STK_TIMEOUT,
                    "epoch %" PRIu32 " step %" PRIu64
                    " has not come from %s in time: is stokerd running and reachable?",
                    slot->address.epoch, slot->address.step, names);
}

enum stk_status stk_client_next(struct stk_client *client, struct stk_batch **batch)
{
    *batch = NULL;
    client->error[0] = '\0';
    const uint64_t until_ns = after_ms(client->options.timeout_ms);
    for (;;) {
        enum stk_status status = stk_pump_work(client);
        if (status == STK_OK)
            status = take(client, batch);
        if (status != STK_TIMEOUT)
            return status;
        if (clock_now_ns() >= until_ns)
            return next_overdue(client);
        stk_pump_wait(client, until_ns);
    }
}

enum stk_status stk_client_seek(struct stk_client *client, uint32_t epoch, uint64_t step)
{
    client->error[0] = '\0';
    const struct stk_address place = {.epoch = epoch, .step = step};
    if (stk_order_seek(&client->order, place) != STK_OK)
        return behind_end(client, place);
    client->place = place;
    stk_window_forget(client);
    stk_window_fill(client);
    return STK_OK;
}

void stk_client_state(const struct stk_client *client, struct stk_state *state)
{
    *state = (struct stk_state){.fingerprint = client->welcome.info.fingerprint,
                                .epoch = client->place.epoch,
                                .step = client->place.step,
                                .rank = client->options.rank,
                                .world = client->options.world};
    strcpy(state->stream, client->url.stream);
}

static enum stk_status check_state(struct stk_client *client, const struct stk_state *state)
{
    if (strncmp(state->stream, client->url.stream, sizeof state->stream) != 0)
        return stk_fail(client->error, STK_INVALID,
                        "the state was saved of the stream '%.*s', and '%s' is another one",
                        STK_NAME_BYTES_MAX, state->stream, client->url.stream);
    const struct stk_fingerprint *served = &client->welcome.info.fingerprint;
    if (memcmp(&state->fingerprint, served, sizeof *served) == 0)
        return STK_OK;
    char hex[2][STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&state->fingerprint, hex[0]);
    stk_fingerprint_hex(served, hex[1]);
    return stk_fail(client->error, STK_FINGERPRINT,
                    "the state was saved of other data than '%s' serves as '%s' (fingerprints %s "
                    "and %s): start the training anew, or give the daemon its old data back",
                    client->url.endpoints[client->pinned_by], client->url.stream, hex[0], hex[1]);
}

enum stk_status stk_client_restore(struct stk_client *client, const struct stk_state *state)
{
    client->error[0] = '\0';
    enum stk_status status = check_state(client, state);
    return status == STK_OK ? stk_client_seek(client, state->epoch, state->step) : status;
}

bool stk_client_endpoint(const struct stk_client *client, uint32_t index,
                         struct stk_endpoint *endpoint)
{
    *endpoint = (struct stk_endpoint){.in_flight = 0};
    if (index >= client->url.count)
        return false;
    const struct stk_peer *peer = &client->peers[index];
    *endpoint = (struct stk_endpoint){.endpoint = client->url.endpoints[index],
                                      .live = peer->live,
                                      .in_flight = peer->in_flight,
                                      .asked = peer->figures[STK_PEER_ASKED],
                                      .hedged = peer->figures[STK_PEER_HEDGED],
                                      .batches = peer->figures[STK_PEER_BATCHES],
                                      .dropped = peer->figures[STK_PEER_DROPPED],
                                      .losses = peer->figures[STK_PEER_LOSSES],
                                      .reply_ns = peer->pace.reply_ns};
    return true;
}
