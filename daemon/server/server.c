/*
 * The server: life cycle, signals, timers.
 *
 *   thread      what it runs here
 *   loop        everything in the server's files, in turns: see `turn`
 *   worker      server_batch_finished
 *   viewer      wake_loop (http_look.c)
 *   zmq I/O     frame_released (send.c), accept4 (accept.c), epoll_ctl
 *               (pause.c)
 *
 * Lock order: pipeline->lock, server->lock; never both at once.
 *
 * A turn runs before the loop blocks: it takes what other threads handed back, receives requests,
 * dispatches.  ZMQ_FD is edge-triggered, and both sending and receiving may use its edge up; so
 * poll callbacks only wake the loop, and a turn goes on until ZMQ_EVENTS says that nothing is left.
 */
#include "daemon/server/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/descriptors.h"
#include "daemon/notify.h"
#include "daemon/server/accept.h"
#include "daemon/server/http.h"
#include "daemon/server/inrush.h"
#include "daemon/server/parts.h"

enum {
    BACKLOG_SLOTS_PER_WORKER = 4,
    SEND_QUEUE_MESSAGES = 2 * STK_WINDOW_MAX,
    RECEIVE_QUEUE_MESSAGES = 2 * STK_WINDOW_MAX,
    HANDSHAKE_MS = 5000,
    HEARTBEAT_MS = 5000,
    /* A peer that answers no heartbeat for so long is gone.  libzmq sends one only when nothing
     * else waits to be sent; for a tcp peer that takes nothing the kernel keeps the time. */
    HEARTBEAT_TIMEOUT_MS = 20000,
    CONNECTIONS_WAITING = 128,
    LINGER_MS = 1000,
    STATUS_MS = 5000,
    DRAIN_MS = 10000, /* without a picture made or a batch sent, and the drain is cut short */
};

/* The library has it in every build, the header among its drafts. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define THROTTLED_QUIET_NS 60000000000u

static const char monitor_endpoint[] = "inproc://stokerd-monitor";

/* Sockets. */

static bool set_option(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(void *router)
{
    return set_option(router, ZMQ_ROUTER_MANDATORY, 1) &&
           set_option(router, ZMQ_LINGER, LINGER_MS) &&
           set_option(router, ZMQ_SNDHWM, SEND_QUEUE_MESSAGES) &&
           set_option(router, ZMQ_RCVHWM, RECEIVE_QUEUE_MESSAGES) &&
           set_option(router, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_option(router, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           set_option(router, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           set_option(router, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS) &&
           set_option(router, ZMQ_TCP_MAXRT, HEARTBEAT_TIMEOUT_MS) &&
           set_option(router, ZMQ_BACKLOG, CONNECTIONS_WAITING) &&
           set_option(router, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
}

static enum stk_status open_sockets(struct server *server, char *error)
{
    server->context = zmq_ctx_new();
    if (server->context != NULL) {
        server->router = zmq_socket(server->context, ZMQ_ROUTER);
        server->monitor = zmq_socket(server->context, ZMQ_PAIR);
    }
    if (server->router == NULL || server->monitor == NULL || !set_options(server->router) ||
        zmq_socket_monitor(server->router, monitor_endpoint,
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) != 0 ||
        zmq_connect(server->monitor, monitor_endpoint) != 0 || server_zap_open(server) != STK_OK) {
        snprintf(error, CONFIG_ERROR_BYTES, "cannot open a socket: %s", zmq_strerror(zmq_errno()));
        return STK_SYSTEM;
    }
    return STK_OK;
}

/* Last: what is open before the first connection comes is what the daemon needs for itself. */
static enum stk_status open_endpoints(struct server *server, char *error)
{
    uint32_t connections_max;
    enum stk_status status = server_inherited_check(server, server->config, error);
    if (status == STK_OK)
        status = descriptors_plan(server->config, &connections_max, error);
    if (status != STK_OK)
        return status;
    server_accept_limit(connections_max);
    server_accept_exempt();
    status = server_endpoints_follow(server, server->config, error);
    return status == STK_OK ? server_http_open(server, server->config, &server->http, error)
                            : status;
}

/* A turn of the loop. */

static bool has_input(void *socket)
{
    int events = 0;
    size_t len = sizeof events;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len) == 0 && (events & ZMQ_POLLIN) != 0;
}

static void turn(uv_prepare_t *prepare)
{
    struct server *server = prepare->data;
    server_collect(server);
    server_looks_collect(server);
    server_reload_collect(server);
    server_zap_answer(server);
    bool more = server_receive(server);
    server_monitor_drain(server);
    server_dispatch(server);
    server_client_reap(server);
    server_connections_close(server);
    if (more || has_input(server->router) || has_input(server->monitor) || has_input(server->zap))
        uv_async_send(&server->wake);
    if (server->draining && server_is_quiet(server))
        uv_stop(&server->loop);
}

static void wake_by_poll(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

static void wake_by_async(uv_async_t *async)
{
    (void)async;
}

/* Signals and timers. */

/* Pictures made and batches sent since the start: whether anything moves. */
static uint64_t progress_of(const struct server *server)
{
    return pipeline_progress(server->pipeline) + figure_get(&server->figures.batches_sent);
}

static void look_at_drain(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t progress = progress_of(server);
    if (progress != server->drained_progress) {
        server->drained_progress = progress;
        return;
    }
    LOG(WARN, "server.drain_timeout", LOG_NUMBER("ms", DRAIN_MS));
    server->cut_short = true;
    uv_stop(&server->loop);
}

static void drain(struct server *server, int number)
{
    LOG(NOTICE, "server.draining", LOG_NUMBER("signal", number),
        LOG_NUMBER("requests_waiting", figure_get(&server->figures.requests_waiting)));
    notify_state("STOPPING=1\nSTATUS=answering what was asked for");
    server->draining = true;
    server_reload_stop(server);
    server->drained_progress = progress_of(server);
    uv_timer_start(&server->drain_timer, look_at_drain, DRAIN_MS, DRAIN_MS);
}

static void signalled(uv_signal_t *signal, int number)
{
    struct server *server = signal->data;
    if (number == SIGHUP) {
        server_reload(server);
        return;
    }
    if (!server->draining) {
        drain(server, number);
        return;
    }
    LOG(WARN, "server.quit", LOG_NUMBER("signal", number));
    server->cut_short = true;
    uv_stop(&server->loop);
}

static void tell_refused(struct server *server)
{
    uint64_t refused = server_accept_refused();
    if (refused == server->status_refused)
        return;
    LOG(WARN, "connections.refused", LOG_NUMBER("count", refused - server->status_refused),
        LOG_NUMBER("connections", figure_get(&server->figures.connections)),
        LOG_TEXT("reason", "connections_max is reached"));
    server->status_refused = refused;
}

static void tell_status(uv_timer_t *timer)
{
    struct server *server = timer->data;
    tell_refused(server);
    uint64_t images = figure_get(&server->figures.images_decoded);
    const struct reload *reload = &server->reload;
    char state[CONFIG_ERROR_BYTES + 128];
    snprintf(state, sizeof state, "STATUS=%u trainers, %llu pictures/s%s%s%s", server->client_count,
             (unsigned long long)((images - server->status_images) * 1000 / STATUS_MS),
             reload->running ? "; listing the data anew" : "",
             reload->refusal[0] != '\0' ? "; reload refused: " : "", reload->refusal);
    server->status_images = images;
    notify_state(state);
}

/* Fed only while the workers move, or have nothing to do. */
static void feed_watchdog(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t progress = pipeline_progress(server->pipeline);
    if (server->filling == 0 || progress != server->watched_progress)
        notify_state("WATCHDOG=1");
    server->watched_progress = progress;
}

static void look_at_clients(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server_client_expire(server, uv_timer_get_repeat(timer));
    uv_timer_set_repeat(timer, server_client_interval_ms(server));
}

/* Once a minute: a flood tells its address once, and how much of it there was. */
static void tell_throttled(struct server *server)
{
    char address[SERVER_INRUSH_ADDRESS_BYTES];
    uint64_t refused = server_inrush_refused(), now_ns = clock_now_ns();
    if (refused == server->throttled_told || now_ns < server->throttled_quiet_ns)
        return;
    server_inrush_address(address);
    LOG(WARN, "connections.throttled", LOG_TEXT("address", address),
        LOG_NUMBER("count", refused - server->throttled_told),
        LOG_TEXT("reason", "more came than connections_per_second"));
    server->throttled_told = refused;
    server->throttled_quiet_ns = now_ns + THROTTLED_QUIET_NS;
}

static void tick_figures(uv_timer_t *timer)
{
    tell_throttled(timer->data);
    server_figures_tick(timer->data);
    server_http_tick(timer->data);
}

/* Life cycle. */

static int descriptor_of(void *socket)
{
    int fd = -1;
    size_t len = sizeof fd;
    CHECK(zmq_getsockopt(socket, ZMQ_FD, &fd, &len) == 0);
    return fd;
}

/* Handles that were initialised are closed with the loop; `||` stops at the first that fails. */
static bool init_handles(struct server *server)
{
    uv_loop_t *loop = &server->loop;
    bool failed =
        uv_poll_init(loop, &server->router_poll, descriptor_of(server->router)) ||
        uv_poll_init(loop, &server->monitor_poll, descriptor_of(server->monitor)) ||
        uv_poll_init(loop, &server->zap_poll, descriptor_of(server->zap)) ||
        uv_async_init(loop, &server->wake, wake_by_async) ||
        uv_prepare_init(loop, &server->prepare) || uv_timer_init(loop, &server->status_timer) ||
        uv_timer_init(loop, &server->watchdog_timer) || uv_timer_init(loop, &server->drain_timer) ||
        uv_timer_init(loop, &server->client_timer) || uv_timer_init(loop, &server->figures_timer);
    for (int i = 0; i < SERVER_SIGNALS && !failed; i++)
        failed = uv_signal_init(loop, &server->signals[i]) != 0;
    server->prepare.data = server;
    server->status_timer.data = server;
    server->watchdog_timer.data = server;
    server->drain_timer.data = server;
    server->client_timer.data = server;
    server->figures_timer.data = server;
    for (int i = 0; i < SERVER_SIGNALS; i++)
        server->signals[i].data = server;
    return !failed;
}

static enum stk_status open_loop(struct server *server)
{
    static const int numbers[SERVER_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    if (uv_loop_init(&server->loop) != 0)
        return STK_SYSTEM;
    server->loop_open = true;
    if (!init_handles(server))
        return STK_SYSTEM;
    server->handles_open = true;
    uint64_t watchdog_ms = notify_watchdog_ms() / 2;
    uint64_t look_ms = server_client_interval_ms(server);
    bool failed =
        uv_poll_start(&server->router_poll, UV_READABLE, wake_by_poll) ||
        uv_poll_start(&server->monitor_poll, UV_READABLE, wake_by_poll) ||
        uv_poll_start(&server->zap_poll, UV_READABLE, wake_by_poll) ||
        uv_prepare_start(&server->prepare, turn) ||
        uv_timer_start(&server->status_timer, tell_status, STATUS_MS, STATUS_MS) ||
        uv_timer_start(&server->client_timer, look_at_clients, look_ms, look_ms) ||
        uv_timer_start(&server->figures_timer, tick_figures, TRACK_TICK_MS, TRACK_TICK_MS);
    if (watchdog_ms > 0)
        failed = failed || uv_timer_start(&server->watchdog_timer, feed_watchdog, 0, watchdog_ms);
    for (int i = 0; i < SERVER_SIGNALS && !failed; i++)
        failed = uv_signal_start(&server->signals[i], signalled, numbers[i]) != 0;
    return failed ? STK_SYSTEM : STK_OK;
}

static enum stk_status open_parts(struct server *server, const struct memory_plan *plan,
                                  char *error)
{
    enum stk_status status = server_inherited_open(server, error);
    if (status == STK_OK)
        status = open_sockets(server, error);
    if (status != STK_OK)
        return status;
    snprintf(error, CONFIG_ERROR_BYTES, "cannot start the loop or the threads");
    status = open_loop(server);
    if (status == STK_OK)
        status = cache_open(plan->slab_bytes, &server->figures, &server->cache);
    if (status != STK_OK)
        return status;
    server->options.figures = &server->figures;
    server->options.finished = server_batch_finished;
    server->options.context = server;
    status = pipeline_open(&server->options, &server->pipeline);
    return status == STK_OK ? open_endpoints(server, error) : status;
}

void server_serve(struct server *server, struct catalog *catalog, const struct memory_plan *plan)
{
    server->catalog = catalog;
    server->config = catalog->config;
    server->streams = catalog->streams;
    server->stream_count = catalog->stream_count;
    log_set_level((enum log_level)catalog->config->log_level);
    memory_plan_log(plan);
    figure_set(&server->figures.memory_bytes_max, plan->bytes_max);
    cache_set_bytes_max(server->cache, plan->slab_bytes);
    server_inrush_limit(catalog->config);
    server_figures_serve(server);
}

enum stk_status server_open(const char *path, struct catalog **catalog,
                            const struct pipeline_options *options, const struct memory_plan *plan,
                            struct server **server, char *error)
{
    *server = NULL;
    struct server *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, CONFIG_ERROR_BYTES, "out of memory");
        return STK_MEMORY;
    }
    made->config_path = path;
    made->config = (*catalog)->config;
    made->options = *options;
    made->backlog_slots = (uint64_t)BACKLOG_SLOTS_PER_WORKER * options->workers;
    made->start_ns = clock_now_ns();
    TAILQ_INIT(&made->clients);
    TAILQ_INIT(&made->gone);
    TAILQ_INIT(&made->finished);
    STAILQ_INIT(&made->returned);
    pthread_mutex_init(&made->lock, NULL);
    figure_set(&made->figures.workers, options->workers);
    enum stk_status status = open_parts(made, plan, error);
    if (status != STK_OK) {
        server_close(&made);
        return status;
    }
    server_serve(made, *catalog, plan);
    *catalog = NULL;
    *error = '\0';
    *server = made;
    return STK_OK;
}

static void let_hangup_in(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

enum stk_status server_run(struct server *server)
{
    let_hangup_in();
    notify_state("READY=1\nSTATUS=waiting for trainers");
    LOG(NOTICE, "server.ready", LOG_NUMBER("streams", server->stream_count),
        LOG_NUMBER("workers", figure_get(&server->figures.workers)));
    uv_run(&server->loop, UV_RUN_DEFAULT);
    LOG(NOTICE, "server.stopped",
        LOG_NUMBER("batches_sent", figure_get(&server->figures.batches_sent)),
        LOG_NUMBER("images_decoded", figure_get(&server->figures.images_decoded)),
        LOG_NUMBER("images_replaced", figure_get(&server->figures.images_replaced)));
    return server->cut_short ? STK_TIMEOUT : STK_OK;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(struct server *server)
{
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
}

/* Whoever is still impatient is heard no more: the end is near, and its exit status is known. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* First of all: nobody takes its events any more, and where its queue is full, as after a stall of
 * the loop, libzmq's thread waits for room and keeps the lock that is needed here. */
static void stop_monitor(struct server *server)
{
    if (server->monitor == NULL)
        return;
    server_monitor_drain(server);
    zmq_socket_monitor(server->router, NULL, 0);
}

/* In flow order: no more requests, no more pictures; then libzmq lets go of every frame, which
 * still wakes the loop; then what was handed back is taken, and the rest goes. */
void server_close(struct server **server)
{
    struct server *closing = *server;
    if (closing == NULL)
        return;
    block_signals();
    stop_monitor(closing);
    server_reload_close(closing);
    pipeline_close(&closing->pipeline);
    if (closing->handles_open) {
        uv_poll_stop(&closing->router_poll);
        uv_poll_stop(&closing->monitor_poll);
        uv_poll_stop(&closing->zap_poll);
    }
    if (closing->router != NULL)
        zmq_close(closing->router);
    if (closing->monitor != NULL)
        zmq_close(closing->monitor);
    if (closing->zap != NULL)
        zmq_close(closing->zap);
    /* A signal interrupts the wait for libzmq's threads, which still hold frames. */
    while (closing->context != NULL && zmq_ctx_term(closing->context) != 0 &&
           zmq_errno() == EINTR) {
    }
    server_release(closing);
    server_http_close(closing);
    catalog_close(&closing->catalog);
    if (closing->loop_open)
        close_loop(closing);
    server_endpoints_release(closing);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
    *server = NULL;
}
