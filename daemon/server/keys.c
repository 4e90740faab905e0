/*
 * Keys: who is let in, and who still is.
 *
 * libzmq asks once a connection, by ZAP, on the loop's thread; what is answered, the client's name
 * and key, comes with each of its messages.  So a message of somebody whose key was removed
 * meanwhile is known, whether its connection was cut already or not.  A peer of an endpoint without
 * keys may say of itself what it likes in its handshake, and is asked for nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/log.h"
#include "daemon/server/parts.h"
#include "proto/key_file.h"

enum {
    ZAP_FRAMES = 7,
    CURVE_KEY_BYTES = 32,
    /* What CURVE puts around a message: the command's name, a nonce, flags and a code. */
    CURVE_EXTRA_BYTES = 8 + 8 + 1 + 16,
    PROPERTY_BYTES = 128,
};

static const char zap_endpoint[] = "inproc://zeromq.zap.01";
static const char zap_domain[] = "stoker";
static const char key_property[] = "Stoker-Key";

enum stk_status server_zap_open(struct server *server)
{
    const int none = 0;
    server->zap = zmq_socket(server->context, ZMQ_REP);
    if (server->zap == NULL || zmq_setsockopt(server->zap, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_bind(server->zap, zap_endpoint) != 0)
        return STK_SYSTEM;
    return STK_OK;
}

/* Questions. */

/* A question by ZAP: version, id, domain, address, identity, mechanism, key. */
struct question {
    uint32_t count;
    zmq_msg_t frames[ZAP_FRAMES];
};

enum { ZAP_VERSION, ZAP_ID, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY };

static bool receive_frame(void *socket, zmq_msg_t *frame)
{
    int len;
    do {
        len = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    return len >= 0;
}

static bool receive_question(void *zap, struct question *question)
{
    question->count = 0;
    for (bool more = true; more;) {
        zmq_msg_t spare;
        bool kept = question->count < ZAP_FRAMES;
        zmq_msg_t *frame = kept ? &question->frames[question->count] : &spare;
        zmq_msg_init(frame);
        bool received = receive_frame(zap, frame);
        more = received && zmq_msg_more(frame);
        if (!kept || !received)
            zmq_msg_close(frame);
        question->count += kept && received;
        if (!received)
            return false;
    }
    return true;
}

static bool frame_is(zmq_msg_t *frame, const char *text)
{
    size_t len = strlen(text);
    return zmq_msg_size(frame) == len && memcmp(zmq_msg_data(frame), text, len) == 0;
}

static void frame_text(zmq_msg_t *frame, char *text, size_t bytes)
{
    snprintf(text, bytes, "%.*s", (int)zmq_msg_size(frame), (const char *)zmq_msg_data(frame));
}

/* The key in the 40 characters that the files have; false where this is no question of CURVE. */
static bool question_key(struct question *question, char key[STK_KEY_BYTES])
{
    return question->count == ZAP_FRAMES && frame_is(&question->frames[ZAP_MECHANISM], "CURVE") &&
           frame_is(&question->frames[ZAP_DOMAIN], zap_domain) &&
           zmq_msg_size(&question->frames[ZAP_KEY]) == CURVE_KEY_BYTES &&
           zmq_z85_encode(key, zmq_msg_data(&question->frames[ZAP_KEY]), CURVE_KEY_BYTES) != NULL;
}

/* A property of a connection as ZMTP writes it: a length and a name, a length and a value. */
static size_t write_property(uint8_t *at, const char *name, const char *value)
{
    size_t name_len = strlen(name), len = strlen(value);
    at[0] = (uint8_t)name_len;
    memcpy(at + 1, name, name_len);
    uint8_t *rest = at + 1 + name_len;
    rest[0] = rest[1] = rest[2] = 0;
    rest[3] = (uint8_t)len;
    memcpy(rest + 4, value, len);
    return 1 + name_len + 4 + len;
}

static void answer(void *zap, struct question *question, bool admitted, const char *name,
                   const char *key)
{
    uint8_t property[PROPERTY_BYTES];
    size_t len = key[0] != '\0' ? write_property(property, key_property, key) : 0;
    const struct {
        const void *data;
        size_t len;
    } frames[] = {
        {"1.0", 3},
        {zmq_msg_data(&question->frames[ZAP_ID]), zmq_msg_size(&question->frames[ZAP_ID])},
        {admitted ? "200" : "400", 3},
        {admitted ? "OK" : "no such key", admitted ? 2 : 11},
        {name, strlen(name)},
        {property, len},
    };
    enum { FRAMES = sizeof frames / sizeof frames[0] };
    for (int i = 0; i < FRAMES; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < FRAMES ? ZMQ_SNDMORE : 0);
        while (zmq_send(zap, frames[i].data, frames[i].len, flags) < 0 && zmq_errno() == EINTR)
            continue;
    }
}

static bool decide(struct server *server, const char *key, const char *address, const char **name)
{
    const struct key_client *client;
    bool admitted = keys_admit(server->catalog->keys, key, address, &client);
    *name = client != NULL ? client->name : "";
    if (!admitted)
        server_stranger_met(server, address, *name,
                            client != NULL ? "its key was removed" : "its key is unknown");
    return admitted;
}

/* A socket that has got a domain cannot lose it, so libzmq asks of every endpoint that is bound
 * behind one with keys; it lets nobody come without by an endpoint with keys. */
static bool needs_no_key(struct question *question)
{
    return question->count == ZAP_KEY && frame_is(&question->frames[ZAP_MECHANISM], "NULL");
}

/* What is no question is answered too, with no: REP asks for it. */
static void answer_question(struct server *server, struct question *question)
{
    char key[STK_KEY_BYTES] = "";
    char address[SERVER_ADDRESS_BYTES] = "";
    const char *name = "";
    bool admitted = false;
    if (question->count > ZAP_ADDRESS)
        frame_text(&question->frames[ZAP_ADDRESS], address, sizeof address);
    if (needs_no_key(question))
        admitted = true;
    else if (question_key(question, key))
        admitted = decide(server, key, address, &name);
    if (question->count > ZAP_ID)
        answer(server->zap, question, admitted, name, key);
}

void server_zap_answer(struct server *server)
{
    struct question question;
    bool received = true;
    while (received) {
        received = receive_question(server->zap, &question);
        if (received)
            answer_question(server, &question);
        for (uint32_t i = 0; i < question.count; i++)
            zmq_msg_close(&question.frames[i]);
    }
}

/* Endpoints. */

/* A file need not have the public key beside the secret one, or the right one. */
static enum stk_status read_server_key(const char *path, struct stk_key_file *file, char *error)
{
    char reason[STK_KEY_REASON_BYTES];
    enum stk_status status = stk_key_file_read(path, true, file, reason);
    if (status == STK_OK && zmq_curve_public(file->public_key, file->secret_key) != 0) {
        snprintf(reason, sizeof reason, "cannot use the key in \"%s\": %s", path,
                 zmq_strerror(zmq_errno()));
        status = STK_SYSTEM;
    }
    if (status == STK_OK)
        return STK_OK;
    explicit_bzero(file, sizeof *file);
    snprintf(error, CONFIG_ERROR_BYTES, "%s", reason);
    return STK_CONFIG;
}

/* All endpoints have one key: a client has one for all of a daemon's. */
static enum stk_status set_keys(struct server *server, const char *path, char *error)
{
    struct stk_key_file file;
    enum stk_status status = read_server_key(path, &file, error);
    if (status != STK_OK)
        return status;
    const int yes = 1;
    if (server->public_key[0] != '\0' && strcmp(server->public_key, file.public_key) != 0) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "\"%s\" has another key than the endpoints that are bound: restart the daemon, or "
                 "give it the old key back",
                 path);
        status = STK_CONFIG;
    } else if (zmq_setsockopt(server->router, ZMQ_CURVE_SERVER, &yes, sizeof yes) != 0 ||
               zmq_setsockopt(server->router, ZMQ_CURVE_SECRETKEY, file.secret_key,
                              STK_KEY_BYTES) != 0 ||
               zmq_setsockopt(server->router, ZMQ_ZAP_DOMAIN, zap_domain, strlen(zap_domain)) !=
                   0) {
        snprintf(error, CONFIG_ERROR_BYTES, "cannot use the key in \"%s\": %s", path,
                 zmq_strerror(zmq_errno()));
        status = STK_SYSTEM;
    }
    if (status == STK_OK)
        memcpy(server->public_key, file.public_key, sizeof server->public_key);
    explicit_bzero(&file, sizeof file);
    return status;
}

void server_key_look(const struct server *server, const struct config *config,
                     char other[STK_KEY_BYTES])
{
    struct stk_key_file file;
    char error[CONFIG_ERROR_BYTES];
    other[0] = '\0';
    if (server->public_key[0] == '\0' || config->server_key[0] == '\0' ||
        read_server_key(config->server_key, &file, error) != STK_OK)
        return;
    if (strcmp(server->public_key, file.public_key) != 0)
        memcpy(other, file.public_key, STK_KEY_BYTES);
    explicit_bzero(&file, sizeof file);
}

enum stk_status server_endpoint_secure(struct server *server, const struct config *config,
                                       const struct config_endpoint *endpoint, char *error)
{
    const int no = 0;
    int64_t bytes_max = STK_REQUEST_BYTES_MAX + (endpoint->keys ? CURVE_EXTRA_BYTES : 0);
    if (zmq_setsockopt(server->router, ZMQ_CURVE_SERVER, &no, sizeof no) != 0 ||
        zmq_setsockopt(server->router, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) != 0) {
        snprintf(error, CONFIG_ERROR_BYTES, "cannot set a socket up: %s",
                 zmq_strerror(zmq_errno()));
        return STK_SYSTEM;
    }
    return endpoint->keys ? set_keys(server, config->server_key, error) : STK_OK;
}

/* Messages. */

/* Whether the endpoint by which a connection came asks for keys; where that is not known, what is
 * told of a key holds. */
static bool has_keys(const struct server *server, int fd)
{
    if (fd < 0 || fd >= SERVER_FDS_MAX)
        return true;
    for (size_t i = 0; i < server->endpoint_count; i++) {
        if (server->endpoints[i].id == server->fd_endpoints[fd])
            return server->endpoints[i].keys;
    }
    return true;
}

bool server_connection_has_keys(const struct server *server, int fd)
{
    return fd >= 0 && fd < SERVER_FDS_MAX && server->fd_endpoints[fd] != 0 && has_keys(server, fd);
}

static const char *property_of(zmq_msg_t *message, const char *name)
{
    const char *value = zmq_msg_gets(message, name);
    return value != NULL ? value : "";
}

struct sender server_sender(const struct server *server, int fd, zmq_msg_t *message)
{
    struct sender sender = {.key = "", .address = property_of(message, "Peer-Address")};
    if (has_keys(server, fd))
        sender.key = property_of(message, key_property);
    sender.admitted = sender.key[0] == '\0' ||
                      keys_admit(server->catalog->keys, sender.key, sender.address, &sender.client);
    return sender;
}

/* Whether a client may go on, by the keys that hold now: it has one, and it is for what it asks. */
static bool may_stay(const struct server *server, const struct client *client)
{
    const struct key_client *user;
    const struct request *request;
    if (client->key[0] == '\0')
        return true;
    if (!keys_admit(server->catalog->keys, client->key, client->host, &user))
        return false;
    TAILQ_FOREACH (request, &client->requests, entry) {
        const char *stream = request->stream->name;
        if (!key_client_may(user, stream, strlen(stream)))
            return false;
    }
    return true;
}

static bool is_clients(const struct server *server, int fd)
{
    const struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (client->fd == fd)
            return true;
    }
    return false;
}

/* Whose key a connection has that was let in and has said nothing, libzmq does not tell.  Those who
 * may stay connect again by themselves. */
static void cut_silent(struct server *server)
{
    server_monitor_drain(server);
    for (int fd = 0; fd < SERVER_FDS_MAX; fd++) {
        if (server_connection_has_keys(server, fd) && !is_clients(server, fd))
            server_connection_cut(server, fd);
    }
}

void server_keys_follow(struct server *server, const struct keys *before)
{
    if (keys_withdraw(before, server->catalog->keys))
        cut_silent(server);
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client != NULL) {
        struct client *next = TAILQ_NEXT(client, entry);
        if (!may_stay(server, client))
            server_client_cut(server, client, "its key was removed, or may ask for less");
        client = next;
    }
}
