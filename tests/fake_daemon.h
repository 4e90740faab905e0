/*
 * A daemon for tests of the client: a ROUTER in a thread that answers through proto/message.h.
 *
 * Set its fields after fake_init and before fake_start; the thread only reads them.  It answers in
 * order, in reverse, late, wrong, or goes away and comes back.  Figures are atomics with relaxed
 * order: a test reads them when its batches have come.  A batch's bytes are a function of its
 * address, so that a test can say whether they are right.
 */
#ifndef STK_TESTS_FAKE_DAEMON_H
#define STK_TESTS_FAKE_DAEMON_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "proto/message.h"
#include "tests/suite.h"

enum {
    FAKE_COUNT = 3, /* samples a batch */
    FAKE_SIDE = 4,  /* pixels a side of a picture */
    FAKE_IMAGE_BYTES = FAKE_SIDE * FAKE_SIDE * 3,
    FAKE_CLASSES = 600, /* more than one labels reply */
};

/* What is wrong with the answer to a get. */
enum fake_fault {
    FAULT_NONE,
    FAULT_ERROR,         /* an error reply with fault_status */
    FAULT_SILENCE,       /* no reply */
    FAULT_FEW_FRAMES,    /* the last tensor's frame is missing */
    FAULT_MANY_FRAMES,   /* one frame too many */
    FAULT_FRAME_FLOOD,   /* more than a message may have */
    FAULT_SHORT_FRAME,   /* the first tensor's frame lacks a byte */
    FAULT_LONG_FRAME,    /* or has one too many */
    FAULT_EPOCH,         /* another address */
    FAULT_STEP,          /* another address */
    FAULT_STREAM,        /* another stream */
    FAULT_FINGERPRINT,   /* other data */
    FAULT_COUNT_ZERO,    /* no samples */
    FAULT_COUNT_MANY,    /* more samples than a batch has */
    FAULT_LABEL_SHAPE,   /* fewer labels than samples, the frame as its shape says */
    FAULT_LABEL_DTYPE,   /* labels as f4 */
    FAULT_IMAGES_SHAPE,  /* pictures of another height */
    FAULT_TARGET_SHAPE,  /* a target of fewer columns than there are classes */
    FAULT_TENSOR_NAME,   /* no lambda, but a tensor that nobody knows */
    FAULT_TENSOR_TWICE,  /* two tensors of one name */
    FAULT_CUT_SHAPE,     /* boxes of three numbers */
    FAULT_CUT_TWICE,     /* boxes two times */
    FAULT_REPLACED_SLOT, /* a replaced slot that the batch does not have */
    FAULT_NO_HEADER,     /* a batch reply without its keys */
    FAULT_NONSENSE,      /* bytes that are no message */
};

struct fake_daemon {
    /* Set by the test. */
    uint64_t steps;
    enum stk_last last;
    uint32_t window;           /* granted at most */
    uint8_t fingerprint;       /* its first byte */
    uint8_t fingerprint_later; /* the same after the daemon went away and came back */
    uint32_t plan;
    uint32_t version;
    enum stk_status refusal; /* what a hello is answered with; STK_OK: a welcome */
    uint32_t refusals;       /* how many hellos are refused */
    bool deaf;               /* answers nothing at all */
    bool crossed;            /* answers a question for streams with figures */
    uint32_t hold_times;     /* so often; then at once */
    uint32_t hold;           /* gets are gathered and answered in reverse; 0 or 1: at once */
    uint64_t leave_after;    /* after so many gets: go away once, and come back; 0: never */
    enum fake_fault fault;
    uint64_t fault_step;  /* of any epoch */
    uint32_t fault_times; /* this often, then the right answer */
    enum stk_status fault_status;
    uint32_t retry_ms; /* in every error; 0: not said */
    bool twice;        /* answers every get two times */

    /* Set by the test at any time. */
    atomic_uint pace_ms; /* gets are answered one after another, each this much later; 0: at once */
    atomic_bool stuck;   /* the loop stands still; libzmq goes on and answers heartbeats */

    char endpoint[128]; /* the port is known once it was started */

    /* Read by the test. */
    atomic_uint hellos, gets, cancels, pinned_gets;

    /* The thread's. */
    void *context;
    void *router;
    void *stop; /* the test's end of a PAIR; a message on it ends the thread */
    pthread_t thread;
    char directory[64];
    struct fake_held {
        zmq_msg_t peer;
        struct stk_address address;
        uint64_t id;
    } held[STK_WINDOW_MAX];
    uint32_t held_count;
    uint64_t answered_ns; /* when the last get was answered, or the first of those held came */
};

/* What belongs to the address in a batch. */
static inline uint8_t fake_pixel(struct stk_address address, uint32_t i)
{
    return (uint8_t)(address.epoch * 31 + address.step * 7 + i);
}

static inline int32_t fake_label(struct stk_address address, uint32_t slot)
{
    return (int32_t)(address.step * FAKE_COUNT + slot);
}

static inline void fake_init(struct fake_daemon *fake)
{
    *fake = (struct fake_daemon){.steps = 10,
                                 .last = STK_LAST_DROP,
                                 .window = STK_WINDOW_MAX,
                                 .fingerprint = 0xab,
                                 .fingerprint_later = 0xab,
                                 .plan = STK_PLAN_VERSION,
                                 .version = STK_PROTOCOL_VERSION,
                                 .fault_times = 1,
                                 .hold_times = UINT32_MAX,
                                 .endpoint = "tcp://127.0.0.1:*"};
}

/* Listen on a socket file in a directory of its own instead. */
static inline void fake_init_ipc(struct fake_daemon *fake)
{
    fake_init(fake);
    snprintf(fake->directory, sizeof fake->directory, "/tmp/check_client.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fake->directory));
    snprintf(fake->endpoint, sizeof fake->endpoint, "ipc://%s/sock", fake->directory);
}

static inline void fake_url(const struct fake_daemon *fake, char url[256])
{
    snprintf(url, 256, "%s/train", fake->endpoint);
}

static inline struct stk_stream_info fake_info(const struct fake_daemon *fake)
{
    return (struct stk_stream_info){.stream = stk_text_of("train"),
                                    .fingerprint.bytes = {fake->fingerprint},
                                    .samples = fake->steps * FAKE_COUNT,
                                    .epoch_samples = fake->steps * FAKE_COUNT,
                                    .steps = fake->steps,
                                    .batch = FAKE_COUNT,
                                    .shape = {FAKE_SIDE, FAKE_SIDE, 3},
                                    .dtype = STK_U8,
                                    .layout = STK_NHWC,
                                    .last = fake->last,
                                    .classes = FAKE_CLASSES,
                                    .mix = stk_text_of("mixup fastai alpha=0.4"),
                                    .decoder = stk_text_of("fake")};
}

static inline void fake_send(struct fake_daemon *fake, zmq_msg_t *peer, const void *bytes,
                             size_t len, bool more)
{
    if (peer != NULL) {
        zmq_msg_t to;
        zmq_msg_init(&to);
        zmq_msg_copy(&to, peer);
        if (zmq_msg_send(&to, fake->router, ZMQ_SNDMORE) < 0)
            zmq_msg_close(&to);
    }
    zmq_send(fake->router, bytes, len, more ? ZMQ_SNDMORE : 0);
}

static inline void fake_send_error(struct fake_daemon *fake, zmq_msg_t *peer, uint64_t id,
                                   enum stk_status status, const char *message)
{
    const struct stk_error error = {
        .id = id, .status = status, .message = stk_text_of(message), .retry_ms = fake->retry_ms};
    char bytes[1024];
    size_t len;
    ck_assert_int_eq(stk_error_encode(&error, bytes, sizeof bytes, &len), STK_OK);
    fake_send(fake, peer, bytes, len, false);
}

static inline void fake_hello(struct fake_daemon *fake, zmq_msg_t *peer,
                              const struct stk_request *request)
{
    atomic_fetch_add(&fake->hellos, 1);
    if (fake->refusals > 0) {
        fake->refusals--;
        fake_send_error(fake, peer, request->id, fake->refusal, "we would rather not");
        return;
    }
    if (!stk_text_is(request->stream, "train")) {
        fake_send_error(fake, peer, request->id, STK_UNKNOWN_STREAM, "no such stream here");
        return;
    }
    const struct stk_welcome welcome = {.id = request->id,
                                        .version = fake->version,
                                        .plan = fake->plan,
                                        .window = request->window < fake->window ? request->window
                                                                                 : fake->window,
                                        .info = fake_info(fake)};
    char bytes[4096];
    size_t len;
    ck_assert_int_eq(stk_welcome_encode(&welcome, bytes, sizeof bytes, &len), STK_OK);
    fake_send(fake, peer, bytes, len, false);
}

/* The tensors of an address, in frame order. */
struct fake_batch {
    uint8_t images[(FAKE_COUNT + 1) * FAKE_IMAGE_BYTES];
    int32_t label[FAKE_COUNT], partner_label[FAKE_COUNT], crop[FAKE_COUNT][4];
    float lambda[FAKE_COUNT];
    uint64_t index[FAKE_COUNT], partner_index[FAKE_COUNT];
    uint8_t flip[FAKE_COUNT];
};

static inline void fake_batch_fill(struct fake_batch *batch, struct stk_address address)
{
    for (uint32_t i = 0; i < sizeof batch->images; i++)
        batch->images[i] = fake_pixel(address, i);
    for (uint32_t slot = 0; slot < FAKE_COUNT; slot++) {
        batch->label[slot] = fake_label(address, slot);
        batch->partner_label[slot] = fake_label(address, FAKE_COUNT - 1 - slot);
        batch->lambda[slot] = 0.5f + (float)slot / 8;
        batch->index[slot] = address.step * FAKE_COUNT + slot;
        batch->partner_index[slot] = address.step * FAKE_COUNT + FAKE_COUNT - 1 - slot;
        batch->flip[slot] = slot & 1;
        for (int32_t i = 0; i < 4; i++)
            batch->crop[slot][i] = (int32_t)slot * 10 + i;
    }
}

static inline struct stk_tensor_info fake_tensor(const char *name, enum stk_dtype dtype,
                                                 uint32_t rank, uint32_t columns)
{
    return (struct stk_tensor_info){.name = stk_text_of(name),
                                    .dtype = dtype,
                                    .rank = rank,
                                    .shape = {FAKE_COUNT, columns, FAKE_SIDE, 3}};
}

/* Spoil a header as a fault asks; frames keep the bytes that the shapes say where that is not the
 * fault itself. */
static inline void fake_spoil(struct stk_batch_header *header, enum fake_fault fault,
                              struct stk_replaced *replaced)
{
    switch (fault) {
    case FAULT_EPOCH:
        header->address.epoch++;
        break;
    case FAULT_STEP:
        header->address.step++;
        break;
    case FAULT_STREAM:
        header->stream = stk_text_of("trail");
        break;
    case FAULT_FINGERPRINT:
        header->fingerprint.bytes[15] ^= 1;
        break;
    case FAULT_COUNT_ZERO:
        header->count = 0;
        for (uint32_t i = 0; i < header->tensor_count; i++)
            header->tensors[i].shape[0] = 0;
        break;
    case FAULT_COUNT_MANY:
        header->count++;
        header->tensor_count = 1;
        header->tensors[0].shape[0]++;
        break;
    case FAULT_LABEL_SHAPE:
        header->tensors[1].shape[0]--;
        break;
    case FAULT_LABEL_DTYPE:
        header->tensors[1].dtype = STK_F32;
        break;
    case FAULT_IMAGES_SHAPE:
        header->tensors[0].shape[1]--;
        break;
    case FAULT_TARGET_SHAPE:
        header->tensors[header->tensor_count++] = fake_tensor("target", STK_F32, 2, 2);
        break;
    case FAULT_TENSOR_NAME:
        header->tensors[3].name = stk_text_of("lamda");
        break;
    case FAULT_TENSOR_TWICE:
        header->tensors[4].name = header->tensors[5].name;
        break;
    case FAULT_CUT_SHAPE:
    case FAULT_CUT_TWICE:
        header->tensor_count = fault == FAULT_CUT_SHAPE ? 9 : 10;
        header->tensors[8] = fake_tensor("cut", STK_I32, 2, fault == FAULT_CUT_SHAPE ? 3 : 4);
        header->tensors[9] = header->tensors[8];
        break;
    case FAULT_REPLACED_SLOT:
        replaced[1].slot = FAKE_COUNT;
        break;
    default:
        break;
    }
}

static inline void fake_send_batch(struct fake_daemon *fake, zmq_msg_t *peer, uint64_t id,
                                   struct stk_address address, enum fake_fault fault)
{
    struct fake_batch batch;
    fake_batch_fill(&batch, address);
    /* Every third batch has two replaced slots. */
    struct stk_replaced replaced[2] = {{0, 77, stk_text_of("corrupt: premature end")},
                                       {2, 78, stk_text_of("unreadable: gone")}};
    struct stk_batch_header header = {
        .id = id,
        .stream = stk_text_of("train"),
        .fingerprint.bytes = {fake->fingerprint},
        .address = address,
        .count = FAKE_COUNT,
        .tensor_count = 8,
        .tensors = {fake_tensor("images", STK_U8, 4, FAKE_SIDE),
                    fake_tensor("label", STK_I32, 1, 0),
                    fake_tensor("partner_label", STK_I32, 1, 0),
                    fake_tensor("lambda", STK_F32, 1, 0), fake_tensor("index", STK_U64, 1, 0),
                    fake_tensor("partner_index", STK_U64, 1, 0), fake_tensor("crop", STK_I32, 2, 4),
                    fake_tensor("flip", STK_U8, 1, 0)},
        .replaced_count = address.step % 3 == 0 || fault == FAULT_REPLACED_SLOT ? 2 : 0,
        .replaced = replaced};
    fake_spoil(&header, fault, replaced);
    /* What stands last is the data of a target or of boxes, of which only the shape matters. */
    const void *const data[] = {
        batch.images,        batch.label, batch.partner_label, batch.lambda, batch.index,
        batch.partner_index, batch.crop,  batch.flip,          batch.images, batch.images};
    char bytes[8192];
    size_t len;
    ck_assert_int_eq(stk_batch_header_encode(&header, bytes, sizeof bytes, &len), STK_OK);
    fake_send(fake, peer, bytes, len, true);
    uint32_t last = header.tensor_count - 1 - (fault == FAULT_FEW_FRAMES);
    for (uint32_t i = 0; i <= last; i++) {
        size_t tensor_len = stk_tensor_bytes(&header.tensors[i]);
        if (i == 0)
            tensor_len = tensor_len - (fault == FAULT_SHORT_FRAME) + (fault == FAULT_LONG_FRAME);
        bool more = i < last || fault == FAULT_MANY_FRAMES || fault == FAULT_FRAME_FLOOD;
        fake_send(fake, NULL, data[i], tensor_len, more);
    }
    for (uint32_t i = fault == FAULT_FRAME_FLOOD ? 30 : fault == FAULT_MANY_FRAMES; i > 0; i--)
        fake_send(fake, NULL, "x", 1, i > 1);
}

static inline void fake_answer(struct fake_daemon *fake, struct fake_held *held)
{
    enum fake_fault fault = FAULT_NONE;
    if (fake->fault != FAULT_NONE && held->address.step == fake->fault_step &&
        fake->fault_times > 0) {
        fake->fault_times--;
        fault = fake->fault;
    }
    if (fault == FAULT_ERROR)
        fake_send_error(fake, &held->peer, held->id, fake->fault_status, "that went wrong");
    else if (fault == FAULT_NONSENSE)
        fake_send(fake, &held->peer, "\xc1 nonsense", 10, false);
    else if (fault == FAULT_NO_HEADER) {
        /* {"k": "batch", "id": N} with N < 128 */
        char bytes[] = "\x82\xa1k\xa5"
                       "batch\xa2id?";
        bytes[sizeof bytes - 2] = (char)held->id;
        fake_send(fake, &held->peer, bytes, sizeof bytes - 1, false);
    } else if (fault != FAULT_SILENCE)
        fake_send_batch(fake, &held->peer, held->id, held->address, fault);
    if (fake->twice)
        fake_send_batch(fake, &held->peer, held->id, held->address, fault);
}

/* Answer the first of what is held if it is time to; milliseconds until the next look. */
static inline int fake_answer_paced(struct fake_daemon *fake)
{
    const uint64_t pace_ns = (uint64_t)atomic_load(&fake->pace_ms) * 1000000;
    const uint64_t due_ns = fake->answered_ns + pace_ns, now_ns = clock_now_ns();
    if (fake->held_count == 0 || pace_ns == 0)
        return 20;
    if (now_ns < due_ns)
        return (int)((due_ns - now_ns) / 1000000) + 1;
    fake_answer(fake, &fake->held[0]);
    zmq_msg_close(&fake->held[0].peer);
    memmove(fake->held, fake->held + 1, --fake->held_count * sizeof *fake->held);
    fake->answered_ns = now_ns;
    return 0;
}

/* Answer what was held, the last one first. */
static inline void fake_flush(struct fake_daemon *fake)
{
    if (fake->hold_times > 0)
        fake->hold_times--;
    while (fake->held_count > 0) {
        struct fake_held *held = &fake->held[--fake->held_count];
        fake_answer(fake, held);
        zmq_msg_close(&held->peer);
    }
}

static inline void fake_get(struct fake_daemon *fake, zmq_msg_t *peer,
                            const struct stk_request *request)
{
    atomic_fetch_add(&fake->gets, 1);
    bool pinned = request->pinned && request->fingerprint.bytes[0] == fake->fingerprint;
    atomic_fetch_add(&fake->pinned_gets, pinned);
    ck_assert_uint_lt(fake->held_count, STK_WINDOW_MAX);
    struct fake_held *held = &fake->held[fake->held_count++];
    held->id = request->id;
    held->address = request->address;
    zmq_msg_init(&held->peer);
    zmq_msg_copy(&held->peer, peer);
    if (fake->held_count == 1)
        fake->answered_ns = clock_now_ns();
    if (atomic_load(&fake->pace_ms) == 0 &&
        (fake->held_count >= fake->hold || fake->hold_times == 0))
        fake_flush(fake);
}

static inline void fake_labels(struct fake_daemon *fake, zmq_msg_t *peer,
                               const struct stk_request *request)
{
    char names[FAKE_CLASSES][16];
    struct stk_labels labels = {.id = request->id, .first = request->first};
    for (uint32_t i = request->first; i < FAKE_CLASSES && labels.count < STK_LABELS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "class %u", i);
        labels.counts[labels.count] = i;
        labels.names[labels.count++] = stk_text_of(names[i]);
    }
    char bytes[1 << 16];
    size_t len;
    ck_assert_int_eq(stk_labels_encode(&labels, bytes, sizeof bytes, &len), STK_OK);
    fake_send(fake, peer, bytes, len, false);
}

static inline void fake_tell(struct fake_daemon *fake, zmq_msg_t *peer,
                             const struct stk_request *request)
{
    const struct stk_streams streams = {.id = request->id, .count = 1, .rows = {fake_info(fake)}};
    const struct stk_stats stats = {
        .id = request->id,
        .count = 1,
        .figures = {{stk_text_of("batches_made"), atomic_load(&fake->gets)}}};
    char bytes[4096];
    size_t len;
    enum stk_status status = request->kind == STK_KIND_STREAMS && !fake->crossed
                                 ? stk_streams_encode(&streams, bytes, sizeof bytes, &len)
                                 : stk_stats_encode(&stats, bytes, sizeof bytes, &len);
    ck_assert_int_eq(status, STK_OK);
    fake_send(fake, peer, bytes, len, false);
}

static inline void fake_heed(struct fake_daemon *fake, zmq_msg_t *peer, zmq_msg_t *message)
{
    struct stk_request request;
    ck_assert_int_eq(stk_request_decode(zmq_msg_data(message), zmq_msg_size(message), &request),
                     STK_OK);
    if (fake->deaf)
        return;
    switch (request.kind) {
    case STK_KIND_HELLO:
        fake_hello(fake, peer, &request);
        break;
    case STK_KIND_GET:
        fake_get(fake, peer, &request);
        break;
    case STK_KIND_CANCEL:
        atomic_fetch_add(&fake->cancels, 1);
        break;
    case STK_KIND_LABELS:
        fake_labels(fake, peer, &request);
        break;
    default:
        fake_tell(fake, peer, &request);
        break;
    }
}

static inline void fake_bind(struct fake_daemon *fake)
{
    fake->router = zmq_socket(fake->context, ZMQ_ROUTER);
    zmq_setsockopt(fake->router, ZMQ_LINGER, &(int){1000}, sizeof(int));
    ck_assert_msg(zmq_bind(fake->router, fake->endpoint) == 0, "%s: %s", fake->endpoint,
                  zmq_strerror(errno));
    size_t len = sizeof fake->endpoint;
    zmq_getsockopt(fake->router, ZMQ_LAST_ENDPOINT, fake->endpoint, &len);
}

static inline void fake_drop_held(struct fake_daemon *fake)
{
    while (fake->held_count > 0)
        zmq_msg_close(&fake->held[--fake->held_count].peer);
}

/* What was asked of the old socket is lost, as with a daemon that was killed. */
static inline void fake_leave_and_return(struct fake_daemon *fake)
{
    fake->leave_after = 0;
    fake_drop_held(fake);
    zmq_setsockopt(fake->router, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_close(fake->router);
    fake->fingerprint = fake->fingerprint_later;
    /* libzmq gives the address back some time after the socket is closed. */
    void *router = zmq_socket(fake->context, ZMQ_ROUTER);
    while (zmq_bind(router, fake->endpoint) != 0)
        zmq_poll(NULL, 0, 1);
    fake->router = router;
}

static inline void *fake_run(void *argument)
{
    struct fake_daemon *fake = argument;
    void *stop = zmq_socket(fake->context, ZMQ_PAIR);
    ck_assert_int_eq(zmq_connect(stop, "inproc://stop"), 0);
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = stop, .events = ZMQ_POLLIN},
                                  {.socket = fake->router, .events = ZMQ_POLLIN}};
        bool stuck = atomic_load(&fake->stuck);
        zmq_poll(items, stuck ? 1 : 2, stuck ? 1 : fake_answer_paced(fake));
        if (items[0].revents != 0)
            break;
        if (stuck || items[1].revents == 0)
            continue;
        zmq_msg_t peer, message;
        zmq_msg_init(&peer);
        zmq_msg_init(&message);
        zmq_msg_recv(&peer, fake->router, 0);
        zmq_msg_recv(&message, fake->router, 0);
        fake_heed(fake, &peer, &message);
        zmq_msg_close(&peer);
        zmq_msg_close(&message);
        if (fake->leave_after > 0 && atomic_load(&fake->gets) >= fake->leave_after)
            fake_leave_and_return(fake);
    }
    fake_drop_held(fake);
    zmq_close(stop);
    zmq_close(fake->router);
    return NULL;
}

static inline void fake_start(struct fake_daemon *fake)
{
    fake->context = zmq_ctx_new();
    fake->stop = zmq_socket(fake->context, ZMQ_PAIR);
    ck_assert_int_eq(zmq_bind(fake->stop, "inproc://stop"), 0);
    fake_bind(fake);
    ck_assert_int_eq(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
}

static inline void fake_stop(struct fake_daemon *fake)
{
    if (fake->context == NULL)
        return;
    zmq_send(fake->stop, "", 0, 0);
    pthread_join(fake->thread, NULL);
    zmq_close(fake->stop);
    zmq_ctx_term(fake->context);
    fake->context = NULL;
    if (fake->directory[0] == '\0')
        return;
    char path[80];
    snprintf(path, sizeof path, "%s/sock", fake->directory);
    unlink(path);
    rmdir(fake->directory);
}

#endif
