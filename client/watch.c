/*
 * The watch: see watch.h.
 */
#include "client/watch.h"

enum {
    STUCK_TIMES = 4,
    GIVEN_UP_MIN = 4, /* replies; fewer are bad luck */
    /* A batch on its way brings more; what answers heartbeats has a few bytes. */
    STUCK_BYTES_MAX = 1 << 14,
};

static uint64_t heartbeat_ns(const struct stk_client *client)
{
    return (uint64_t)client->options.heartbeat_ms * 1000000;
}

/* When a peer that owes replies owes them for too long. */
static uint64_t stuck_from_ns(const struct stk_client *client, const struct stk_peer *peer)
{
    uint64_t patience_ns = STUCK_TIMES * peer->pace.reply_ns;
    if (patience_ns < heartbeat_ns(client))
        patience_ns = heartbeat_ns(client);
    uint64_t since_ns = peer->reply_ns > peer->owes_ns ? peer->reply_ns : peer->owes_ns;
    return since_ns + patience_ns;
}

static bool owes(const struct stk_peer *peer)
{
    return peer->live && (peer->in_flight > 0 || peer->given_up >= GIVEN_UP_MIN);
}

static bool is_stuck(const struct stk_client *client, const struct stk_peer *peer, uint64_t now_ns)
{
    if (!owes(peer) || now_ns < stuck_from_ns(client, peer))
        return false;
    struct stk_arrival arrival = stk_channel_arrival(&peer->channel);
    if (arrival.bytes > peer->reply_bytes + STUCK_BYTES_MAX)
        return false;
    for (uint32_t i = 0; i < client->url.count; i++) {
        const struct stk_peer *other = &client->peers[i];
        if (other != peer && other->live && other->batch_ns != 0 &&
            now_ns - other->batch_ns < heartbeat_ns(client))
            return true;
    }
    return false;
}

/* How long a peer has to answer the first heartbeat after a pause of ours. */
static uint64_t grace_ns(const struct stk_client *client)
{
    return heartbeat_ns(client) / 2;
}

/* Whether a peer that is silent is to be left now.  A process that was stopped has sent no
 * heartbeats, and what it sends when it goes on is not answered at once. */
static bool is_convicted(const struct stk_client *client, struct stk_peer *peer, uint64_t now_ns)
{
    if (peer->doubted_ns == 0 && now_ns < client->resumed_ns + grace_ns(client))
        peer->doubted_ns = now_ns;
    return peer->doubted_ns == 0 || now_ns >= peer->doubted_ns + grace_ns(client);
}

void stk_watch_peers(struct stk_client *client, uint64_t now_ns)
{
    if (now_ns >= client->look_ns + grace_ns(client))
        client->resumed_ns = now_ns;
    for (uint32_t i = 0; i < client->url.count; i++) {
        struct stk_peer *peer = &client->peers[i];
        if (!peer->greeted)
            continue;
        if (stk_channel_arrival(&peer->channel).silent_ns < heartbeat_ns(client) &&
            !is_stuck(client, peer, now_ns))
            peer->doubted_ns = 0;
        else if (is_convicted(client, peer, now_ns))
            stk_pump_lose(client, i);
    }
    client->look_ns = now_ns;
}

/* When a peer was silent for the heartbeat time, or its doubt is over. */
static uint64_t silent_from_ns(const struct stk_client *client, const struct stk_peer *peer,
                               uint64_t now_ns)
{
    if (peer->doubted_ns != 0)
        return peer->doubted_ns + grace_ns(client);
    uint64_t silent_ns = stk_channel_arrival(&peer->channel).silent_ns;
    return silent_ns < heartbeat_ns(client) ? now_ns + heartbeat_ns(client) - silent_ns : now_ns;
}

uint64_t stk_watch_ns(const struct stk_client *client, uint64_t now_ns)
{
    uint64_t until_ns = UINT64_MAX;
    for (uint32_t i = 0; i < client->url.count; i++) {
        const struct stk_peer *peer = &client->peers[i];
        if (!peer->greeted)
            continue;
        if (silent_from_ns(client, peer, now_ns) < until_ns)
            until_ns = silent_from_ns(client, peer, now_ns);
        if (owes(peer) && stuck_from_ns(client, peer) > now_ns &&
            stuck_from_ns(client, peer) < until_ns)
            until_ns = stuck_from_ns(client, peer);
    }
    return until_ns;
}

void stk_watch_reply(struct stk_peer *peer, uint64_t now_ns)
{
    peer->reply_ns = now_ns;
    peer->given_up = 0;
    peer->reply_bytes = stk_channel_arrival(&peer->channel).bytes;
}

void stk_watch_ask(struct stk_peer *peer, uint64_t now_ns)
{
    if (peer->given_up >= GIVEN_UP_MIN)
        return;
    peer->owes_ns = now_ns;
    peer->reply_bytes = stk_channel_arrival(&peer->channel).bytes;
}
