/*
 * The window: see window.h.
 */
#include "client/window.h"

#include "client/batch.h"
#include "client/watch.h"
#include "daemon/base/clock.h"

enum {
    HEDGE_MS_MIN = 50,
    HEDGE_MS_UNMEASURED = 1000, /* where nobody has replied yet */
    HEDGE_TIMES = 3,
};

/* Since when a peer owes what it owes longest; now where it owes nothing. */
static uint64_t oldest_sent_ns(const struct stk_client *client, uint32_t peer, uint64_t now_ns)
{
    uint64_t oldest = now_ns;
    for (uint64_t id = client->head; id < client->tail; id++) {
        const struct stk_slot *slot = &client->slots[id % STK_WINDOW_MAX];
        for (uint32_t i = 0; i < slot->ask_count; i++) {
            if (slot->asks[i].peer == peer && slot->asks[i].sent_ns < oldest)
                oldest = slot->asks[i].sent_ns;
        }
    }
    return oldest;
}

/* The peer to ask for a slot, one that does not owe it yet. */
static bool pick_peer(const struct stk_client *client, const struct stk_slot *slot, bool probe,
                      uint32_t *picked)
{
    struct stk_candidate candidates[STK_ENDPOINTS_MAX];
    const uint64_t now_ns = clock_now_ns();
    for (uint32_t i = 0; i < client->url.count; i++) {
        const struct stk_peer *peer = &client->peers[i];
        candidates[i] = (struct stk_candidate){
            .open = peer->live && peer->in_flight < peer->window && peer->rest_ns == 0,
            .pace = peer->pace,
            .in_flight = peer->in_flight,
            .oldest_ns = now_ns - oldest_sent_ns(client, i, now_ns),
            .idle_ns = now_ns - peer->asked_ns};
        for (uint32_t k = 0; k < slot->ask_count; k++)
            candidates[i].open &= slot->asks[k].peer != i;
    }
    return stk_spread_pick(candidates, client->url.count, slot->address.step, probe, picked);
}

static void send_get(struct stk_client *client, uint64_t id, uint32_t index)
{
    struct stk_slot *slot = stk_pump_slot(client, id);
    struct stk_peer *peer = &client->peers[index];
    const struct stk_request get = {.kind = STK_KIND_GET,
                                    .id = id,
                                    .stream = stk_text_of(client->url.stream),
                                    .address = slot->address,
                                    .unmixed = client->options.unmixed,
                                    .pinned = true,
                                    .fingerprint = client->welcome.info.fingerprint};
    if (stk_channel_send(&peer->channel, &get) != STK_OK) {
        stk_pump_lose(client, index);
        return;
    }
    peer->asked_ns = clock_now_ns();
    if (peer->in_flight == 0)
        stk_watch_ask(peer, peer->asked_ns);
    peer->figures[STK_PEER_ASKED]++;
    peer->figures[STK_PEER_HEDGED] += slot->ask_count > 0;
    slot->state = STK_SLOT_ASKED;
    slot->asks[slot->ask_count++] =
        (struct stk_ask){.peer = index, .beside = ++peer->in_flight, .sent_ns = peer->asked_ns};
}

void stk_window_fill(struct stk_client *client)
{
    struct stk_address address;
    while (client->ordered && client->batches_left > 0 &&
           client->tail - client->head < client->options.window &&
           stk_order_next(&client->order, &address)) {
        client->batches_left--;
        struct stk_slot *slot = stk_pump_slot(client, client->tail++);
        *slot = (struct stk_slot){.state = STK_SLOT_WAITING, .address = address};
    }
    for (uint64_t id = client->head; id < client->tail; id++) {
        struct stk_slot *slot = stk_pump_slot(client, id);
        /* The trainer need not wait for a probe: it is of a step that is wanted later. */
        bool probe = id > client->head || client->options.window == 1;
        uint32_t peer;
        if (slot->state != STK_SLOT_WAITING)
            continue;
        if (!pick_peer(client, slot, probe, &peer))
            return;
        send_get(client, id, peer);
    }
}

/* Whether a second peer might be asked for the head, which one, and from when on. */
static bool plan_hedge(const struct stk_client *client, uint32_t *peer, uint64_t *from_ns)
{
    const struct stk_slot *head = &client->slots[client->head % STK_WINDOW_MAX];
    if (client->head == client->tail || head->state != STK_SLOT_ASKED || head->ask_count != 1 ||
        !pick_peer(client, head, false, peer))
        return false;
    const struct stk_ask *ask = &head->asks[0];
    uint64_t usual_ns = client->peers[*peer].pace.reply_ns;
    if (usual_ns == 0)
        usual_ns = client->peers[ask->peer].pace.reply_ns;
    uint64_t patience_ns = HEDGE_TIMES * usual_ns;
    if (usual_ns == 0)
        patience_ns = (uint64_t)HEDGE_MS_UNMEASURED * 1000000;
    if (patience_ns < (uint64_t)HEDGE_MS_MIN * 1000000)
        patience_ns = (uint64_t)HEDGE_MS_MIN * 1000000;
    *from_ns = ask->sent_ns + patience_ns;
    return true;
}

void stk_window_hedge(struct stk_client *client)
{
    uint32_t peer;
    uint64_t from_ns;
    if (plan_hedge(client, &peer, &from_ns) && from_ns <= clock_now_ns())
        send_get(client, client->head, peer);
}

uint64_t stk_window_hedge_ns(const struct stk_client *client)
{
    uint32_t peer;
    uint64_t from_ns;
    return plan_hedge(client, &peer, &from_ns) ? from_ns : UINT64_MAX;
}

void stk_window_cancel(struct stk_client *client, uint64_t id)
{
    struct stk_slot *slot = stk_pump_slot(client, id);
    const struct stk_request request = {.kind = STK_KIND_CANCEL, .id = id};
    while (slot->ask_count > 0) {
        const uint32_t peer = slot->asks[0].peer;
        stk_slot_settle(client, slot, &slot->asks[0]);
        if (stk_channel_send(&client->peers[peer].channel, &request) != STK_OK)
            stk_pump_lose(client, peer);
    }
}

void stk_window_forget(struct stk_client *client)
{
    client->batches_left += client->tail - client->head;
    for (; client->head < client->tail; client->head++) {
        stk_window_cancel(client, client->head);
        stk_batch_close(&stk_pump_slot(client, client->head)->batch);
    }
}
