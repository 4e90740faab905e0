/*
 * Figures of streams and trainers: counted as things happen, and made into rates and verdicts once
 * a second.
 */
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "daemon/base/clock.h"
#include "daemon/server/accept.h"
#include "daemon/server/inrush.h"
#include "daemon/server/parts.h"
#include "daemon/stream.h"

static uint64_t batch_bytes(const struct batch *batch)
{
    enum layout_tensor tensors[LAYOUT_TENSORS];
    uint32_t count = layout_list(batch->layout, tensors);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct stk_tensor_info info = batch_tensor_info(batch, tensors[i]);
        bytes += stk_tensor_bytes(&info);
    }
    return bytes;
}

void server_flow_note(struct client *client)
{
    flow_change(&client->flow, client->request_count, client->delivery_count, clock_now_ns());
}

/* The lowest number that nobody of this name has. */
static uint32_t unused_number(const struct server *server, const struct client *client)
{
    uint8_t used[CONFIG_CLIENTS_MAX / 8 + 1] = {0};
    const struct client *other;
    TAILQ_FOREACH (other, &server->clients, entry) {
        if (other != client && strcmp(other->name, client->name) == 0)
            used[other->number / 8] |= (uint8_t)(1 << other->number % 8);
    }
    uint32_t number = 0;
    while ((used[number / 8] >> number % 8 & 1) != 0)
        number++;
    return number;
}

void server_figures_greeted(struct server *server, struct client *client,
                            const struct stream *stream)
{
    client->number = unused_number(server, client);
    client->stream = stream;
    client->flow.window = 0;
    server_flow_note(client);
}

void server_figures_asked(struct client *client, const struct request *request)
{
    client->stream = request->stream;
    client->address = request->address;
    figure_add(&request->stream->figures->requests, 1);
    server_flow_note(client);
}

void server_figures_sent(struct server *server, struct client *client, const struct batch *batch)
{
    struct stream_figures *of_stream = batch->stream->figures;
    uint64_t bytes = batch_bytes(batch);
    figure_add_both(&server->figures.batches_sent, &of_stream->batches_sent, 1);
    figure_add_both(&server->figures.bytes_sent, &of_stream->bytes_sent, bytes);
    figure_add(&of_stream->images_sent, batch->count);
    flow_count(&client->flow, batch->count, bytes);
    batch->stream->track->newest = batch->address;
    batch->stream->track->sent = true;
}

/* Once a second. */

/* What the kernel keeps for a client.  Its connection may have ended in this moment, and the number
 * be another one's: then this second is told wrong. */
static uint64_t queued_bytes(const struct client *client)
{
    int bytes = 0;
    if (client->fd < 0 || ioctl(client->fd, SIOCOUTQ, &bytes) != 0 || bytes < 0)
        return 0;
    return (uint64_t)bytes;
}

static struct track_look look_at(const struct server *server, const struct stream *stream)
{
    const struct figures *figures = &server->figures;
    return (struct track_look){
        .now_ns = clock_now_ns(),
        .counts = {.images = figure_get(&stream->figures->images_sent),
                   .bytes = figure_get(&stream->figures->bytes_sent),
                   .read_ns = figure_get(&figures->read_ns_total),
                   .work_ns =
                       figure_get(&figures->decode_ns_total) + figure_get(&figures->mix_ns_total)},
        .flows = stream->track->flows,
        .trainers = stream->track->trainers,
        .readers = server->options.readers,
        .workers = server->options.workers,
    };
}

static void gather(struct client *client, uint64_t now_ns)
{
    struct flow_sums recent;
    flow_tick(&client->flow, queued_bytes(client), now_ns);
    flow_recent(&client->flow, &recent);
    bool active = recent.asked_ns > 0 || recent.sent_ns > 0 || recent.batches > 0;
    if (client->stream == NULL || !active)
        return;
    flow_add(&client->stream->track->flows, &recent);
    client->stream->track->trainers++;
}

void server_figures_tick(struct server *server)
{
    uint64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < server->stream_count; i++) {
        server->streams[i]->track->flows = (struct flow_sums){0};
        server->streams[i]->track->trainers = 0;
    }
    struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry)
        gather(client, now_ns);
    for (size_t i = 0; i < server->stream_count; i++) {
        const struct track_look look = look_at(server, server->streams[i]);
        track_tick(server->streams[i]->track, &look);
    }
}

void server_figures_serve(struct server *server)
{
    for (size_t i = 0; i < server->stream_count; i++) {
        struct track *track = server->streams[i]->track;
        const struct track_look look = look_at(server, server->streams[i]);
        if (track->tick_count == 0)
            track_init(track, &look);
    }
}

void server_figures_settle(struct server *server)
{
    struct client *client;
    char message[STK_TEXT_BYTES_MAX];
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (client->stream != NULL && client->stream->retired)
            client->stream = server_find_stream(server, stk_text_of(client->stream->name), message);
    }
}

/* What they say. */

void server_figures_refresh(struct server *server)
{
    figure_set(&server->figures.connections_refused, server_accept_refused());
    figure_set(&server->figures.connections_throttled, server_inrush_refused());
    figure_set(&server->figures.uptime_ns, clock_now_ns() - server->start_ns);
}

struct stream_values server_stream_values(const struct stream *stream)
{
#define VALUE_OF_COUNTER(name, kind, help) .name = figure_get(&stream->figures->name),
    const struct verdict *verdict = &stream->track->verdict;
    return (struct stream_values){
        STREAM_COUNTER_LIST(VALUE_OF_COUNTER) /* and the gauges: */
            .trainers = stream->track->trainers,
        .samples_bad = health_bad_count(stream->health),
        .images_per_second = verdict->images_per_second,
        .images_per_second_more_cores = verdict->images_per_second_more_cores,
        .limit_permille = verdict->share_permille,
        .disk_busy_permille = verdict->disk_permille,
        .decode_busy_permille = verdict->decode_permille,
        .network_busy_permille = verdict->network_permille,
        .trainer_busy_permille = verdict->trainer_permille,
    };
}

struct trainer_values server_trainer_values(const struct client *client)
{
    const struct flow *flow = &client->flow;
    struct flow_sums recent;
    uint64_t span_ns = flow_recent(flow, &recent);
    return (struct trainer_values){
        .batches_sent = flow->sums.batches,
        .images_sent = flow->sums.images,
        .bytes_sent = flow->sums.bytes,
        .images_per_second = span_ns == 0 ? 0 : recent.images * 1000 / (span_ns / 1000000),
        .window_granted = client->window,
        .window_used = flow->window,
        .requests_waiting = client->request_count,
        .batches_under_way = client->delivery_count,
        .epoch = client->address.epoch,
        .step = client->address.step,
        .starved_ns_total = flow->sums.starved_ns,
        .ready_ns_total = flow->sums.ready_ns,
        .readiness_permille = recent.active_ns == 0 ? 0 : recent.ready_ns * 1000 / recent.active_ns,
    };
}

const char *server_transport(const struct server *server, const struct client *client)
{
    uint8_t id =
        client->fd < 0 || client->fd >= SERVER_FDS_MAX ? 0 : server->fd_endpoints[client->fd];
    for (size_t i = 0; i < server->endpoint_count; i++) {
        if (server->endpoints[i].id == id)
            return strncmp(server->endpoints[i].name, "ipc:", 4) == 0 ? "ipc" : "tcp";
    }
    return "";
}
