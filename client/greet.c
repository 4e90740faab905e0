/*
 * Greeting: see greet.h.
 */
#include "client/greet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/fail.h"
#include "client/watch.h"
#include "daemon/base/clock.h"

void stk_greet(struct stk_client *client, uint32_t peer)
{
    const struct stk_request hello = {.kind = STK_KIND_HELLO,
                                      .id = STK_HELLO_ID,
                                      .version = STK_PROTOCOL_VERSION,
                                      .window = client->options.window,
                                      .stream = stk_text_of(client->url.stream),
                                      .name = stk_text_of(client->name)};
    if (stk_channel_send(&client->peers[peer].channel, &hello) == STK_OK)
        client->peers[peer].greeted = true;
    else
        stk_pump_lose(client, peer);
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

enum stk_status stk_greet_welcome(struct stk_client *client, uint32_t index, zmq_msg_t *frame)
{
    struct stk_peer *peer = &client->peers[index];
    struct stk_welcome welcome;
    enum stk_status status = stk_welcome_decode(zmq_msg_data(frame), zmq_msg_size(frame), &welcome);
    if (status == STK_MEMORY)
        return stk_fail(client->error, status, "no memory for a welcome");
    status = check_welcome(client, index, status, &welcome, peer->sentence);
    if (status != STK_OK) {
        stk_pump_refuse(client, index, status);
        return STK_OK;
    }
    if (!client->pinned)
        status = pin(client, index, zmq_msg_data(frame), zmq_msg_size(frame));
    if (status != STK_OK)
        return status;
    peer->live = true;
    peer->refusal = STK_OK;
    peer->window = welcome.window;
    peer->asked_ns = clock_now_ns();
    stk_watch_reply(peer, peer->asked_ns);
    stk_channel_prove(&peer->channel);
    return STK_OK;
}
