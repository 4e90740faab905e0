/*
 * libstoker: batches from one or more stokerd, in order, as a trainer wants them.
 *
 * A client holds a connection to every endpoint and keeps a window of requests in flight; batches
 * come out in the order of their steps, whatever order they arrive in.  A connection that breaks is
 * made again, and what it owed is asked for again, elsewhere if there is another endpoint: an
 * address has the same bytes everywhere, so nothing is lost and nothing comes twice.
 *
 * Of several endpoints the one whose answer is expected first is asked for the next step: the one
 * with the least (requests in flight + 1) x (what a reply took / requests in flight with it, as it
 * was lately).  So each serves as much as it is fast.  Where several are expected within half as
 * much again, the step decides, so that trainers of one stream ask the same daemon for the same
 * batch.  An endpoint that stalls is not asked on; one that was not asked for a second gets one
 * step, so that its recovery is noticed.  A trainer waits for one step alone, the next: where that
 * is unanswered for three times as long as replies of another endpoint usually take (50 ms at
 * least), that one is asked as well; the first answer counts, the other is cancelled or dropped.
 *
 * The library starts no thread of its own (libzmq's I/O thread receives in the background),
 * installs no signal handler and never writes to stderr.
 *
 * A client, and the batches that came from it, may be used by one thread at a time.  Neither
 * survives a fork: open clients in the process that uses them.
 */
#ifndef STK_STOKER_H
#define STK_STOKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In here: proto/ knows C alone. */
#include "proto/message.h"
#include "proto/status.h"

enum {
    STK_ERROR_BYTES = 1024, /* storage for a sentence about what failed, its end mark included */
    STK_ENDPOINTS_MAX = 16,
    STK_HEARTBEAT_MS_MIN = 100,
    STK_HEARTBEAT_MS_DEFAULT = 5000,
    STK_HEARTBEAT_MS_MAX = 3600000,
    STK_STATE_BYTES = 320, /* storage for a state's text, its end mark included */
};

/*
 * Where a trainer is, for its checkpoint: the group's next step, and of which data.  It restarts
 * exactly behind the last batch, with any world: rank and world tell who saved it, and bind nobody.
 */
struct stk_state {
    char stream[STK_NAME_BYTES_MAX + 1];
    struct stk_fingerprint fingerprint; /* of what was served: recipe, files and plan */
    uint32_t epoch;
    uint64_t step; /* the group's next, 0 .. the epoch's steps */
    uint32_t rank; /* < world */
    uint32_t world;
};

/* All zero means: one trainer, from the start, without end, with the defaults below. */
struct stk_options {
    const char *name; /* what the daemon's log calls this trainer; NULL: "HOST:PID" */
    uint32_t window;  /* requests in flight, 1 .. STK_WINDOW_MAX; 0: 8 */
    uint32_t rank;    /* this trainer among world trainers, 0 .. world - 1 */
    uint32_t world;   /* trainers that share the stream; 0: 1 */
    uint32_t epoch;   /* where to start */
    uint64_t step;    /* where to start in that epoch, 0 .. its steps: the group's next step,
                            not the rank's; steps is the epoch's end, and the next one follows */
    uint32_t epochs;  /* epochs to deliver, the first one counted even if it starts in the
                            middle; 0: without end.  Those before epoch + epochs: seek does not
                            change that */
    const struct stk_state *state; /* go on there, inside these epochs, if the data is the same;
                            epoch and step are then the run's start.  Not kept.  NULL: none */
    uint64_t batches;         /* batches to deliver at most; no more are asked for.  0: no limit */
    enum stk_unmixed unmixed; /* which pictures: not the mixed ones, but what they are made of */
    uint32_t timeout_ms;      /* how long open and next wait for an answer; 0: 30,000 */
    uint32_t heartbeat_ms;    /* an endpoint that sends nothing for so long, not even heartbeats, is
                            left: its host is dead or cut off, or the daemon is stopped.  So is one
                            that sends heartbeats, but nothing that it owes, for as long and four
                            times its usual, while another endpoint serves.  Over tcp every byte
                            counts as a sign of life, so a large batch on a slow link is none of
                            this; over ipc every frame.  STK_HEARTBEAT_MS_MIN .. _MAX; 0: 5,000 */
    const char *server_key;   /* of a daemon with keys: a file with its public key, or the key.  Not
                               kept.  NULL: $STOKER_SERVER_KEY; without that, to other hosts alone,
                               stoker/server.key in the user's $XDG_CONFIG_HOME (~/.config); without
                               that the daemon has none */
    const char *key; /* who this client is: a file with its secret key, which others must not
                               be able to read, or the key.  Not kept.  NULL: $STOKER_KEY, or
                               stoker/client.key_secret there; without that one is made up, for a
                               daemon that admits this address */
};

struct stk_client;

/* One batch: its header and its tensors, in the frames as they were received. */
struct stk_batch;

/**
 * Connect to a stream.
 *
 *   url       "tcp://host:7654/train" (7654 is also what no port means), "tcp://[::1]:7654/train",
 *             "ipc:///run/stoker/stoker.sock/train"; several endpoints of the same stream are
 *             separated by commas, the stream's name follows the last one:
 *             "tcp://a:7654,tcp://b:7654/train".  Braces stand for several of them:
 *             "tcp://node{1..4}:7654/train", "tcp://host:{7654..7657}/train",
 *             "tcp://{a,b,c}/train"; {08..12} keeps its digits.  At most STK_ENDPOINTS_MAX
 *   options   NULL means all zero; copied
 *   client    set on success, NULL otherwise
 *   error     STK_ERROR_BYTES of storage: what failed and what to do; empty on success; may be
 *             NULL
 *
 * Owns:    the caller owns *client and gives it to stk_client_close.
 * Returns: STK_OK           a daemon has answered for the stream
 *          STK_INVALID      the url or an option makes no sense
 *          STK_TIMEOUT      no endpoint answered in time
 *          STK_FINGERPRINT  two endpoints serve different data, or other data than the state's;
 *                           error names both
 *          STK_RANGE        the start lies behind the epoch's end, or an epoch has fewer steps
 *                           than world, so that this rank would not receive one
 *          STK_FORBIDDEN    others can read the secret key; or the daemon does not let the key in,
 *                           asks for one, has none, or has the stream for others
 *          STK_MEMORY, STK_SYSTEM, or what a daemon answered: STK_UNKNOWN_STREAM, STK_VERSION,
 *          STK_OVERLOADED, ...
 * Threads: any; each client on its own.  Blocks: up to timeout_ms: until every endpoint has
 * answered, or one has and the others have not for a second; those join when they can be reached.
 */
STK_MUST_CHECK enum stk_status stk_client_open(const char *url, const struct stk_options *options,
                                               struct stk_client **client, char *error);

/** Give a client back; *client becomes NULL.  Batches that it gave stay valid.  NULL is fine. */
void stk_client_close(struct stk_client **client);

/** What the daemon told of the stream; borrowed until the client is closed. */
const struct stk_stream_info *stk_client_info(const struct stk_client *client);

/**
 * Steps that this rank receives in a whole epoch: those congruent to rank modulo world.  With
 * last = partial (evaluation) every step goes to exactly one rank, so that ranks may differ by one;
 * with mask (evaluation) every rank receives as many, and "valid" tells the slots that count; with
 * drop and wrap (training) every rank receives steps / world, and the remainder is left out.
 * Epochs of different phases have different numbers of steps: see stk_stream_phase.
 */
uint64_t stk_client_steps(const struct stk_client *client, uint32_t epoch);

/**
 * The next batch in order, and on behind the epoch's end into the next epoch.
 *
 *   batch   set on success, NULL otherwise
 *
 * Owns:    the caller owns *batch and gives it to stk_batch_close.
 * Returns: STK_OK
 *          STK_END      all epochs or batches asked for were delivered
 *          STK_TIMEOUT  nothing came for timeout_ms; calling again goes on waiting
 *          STK_FINGERPRINT, STK_CORRUPT, ...: what a daemon answered for this step; calling again
 *                       asks again.  stk_client_error has the sentence.  A daemon that is
 *                       STK_DRAINING or STK_OVERLOADED, or short of memory or descriptors, is
 *                       asked again, or another one is, until the time is up.  One that came back
 *                       with other data, or serves the stream no more, is left out while another
 *                       one serves
 *          STK_INVALID  a daemon broke the protocol
 *          STK_MEMORY, STK_SYSTEM
 * Threads: the client's.  Blocks: up to timeout_ms.
 */
STK_MUST_CHECK enum stk_status stk_client_next(struct stk_client *client, struct stk_batch **batch);

/** Change how long next waits; 0: 30,000.  A program that polls gives a short time. */
void stk_client_timeout(struct stk_client *client, uint32_t timeout_ms);

/**
 * The group's next step behind the batch that next gave last (before the first one: the start).  As
 * options.epoch and options.step, or in stk_client_seek, it goes on there, with any world.
 */
struct stk_address stk_client_place(const struct stk_client *client);

/**
 * Go to another place: the next batch is this rank's first at or behind the group's step.  What is
 * in flight is cancelled.
 *
 * Returns: STK_OK; STK_RANGE where step is larger than the epoch's steps (nothing changed).
 * Threads: the client's.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status stk_client_seek(struct stk_client *client, uint32_t epoch,
                                               uint64_t step);

/**
 * What to save in a checkpoint: stk_client_place, and what it is a place in.  The ranks of a group
 * that have taken as many batches have the same place, so one rank's state restarts all of them.
 * With last = partial, where the last ranks take one less, save rank 0's at an epoch's end.
 *
 *   state   set
 *
 * Owns: nothing.  Threads: the client's.  Blocks: no.  Allocates: no.
 */
void stk_client_state(const struct stk_client *client, struct stk_state *state);

/**
 * Go to where a state was saved, as stk_client_seek, if it is of the same data.  A client that is
 * opened with options.state starts there.
 *
 * Returns: STK_OK
 *          STK_INVALID      the state is of another stream; the error names both
 *          STK_FINGERPRINT  the stream's data is not what it was; the error names both
 *          STK_RANGE        the epoch has fewer steps.  On failure nothing has changed
 * Owns: nothing.  Threads: the client's.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_client_restore(struct stk_client *client,
                                                  const struct stk_state *state);

/**
 * Write a state, as stk_client_state told it, as one line of JSON without a line feed, closed by
 * '\0':
 *
 *     {"stoker_state": 1, "stream": "train", "fingerprint": "00112233445566778899aabbccddeeff",
 *      "epoch": 3, "step": 17, "rank": 0, "world": 4}
 *
 * stoker_state is the version of this form.  Owns: nothing.  Threads: any.
 */
void stk_state_encode(const struct stk_state *state, char text[STK_STATE_BYTES]);

/**
 * Read what stk_state_encode wrote, also after a JSON library has set it anew: keys in any order,
 * white space anywhere.
 *
 *   text    closed by '\0'
 *   state   set on success; zero otherwise
 *   error   STK_ERROR_BYTES of storage, or NULL: what is wrong
 *
 * Returns: STK_OK
 *          STK_INVALID   not JSON, a key missing, twice or unknown, a value out of its range
 *          STK_VERSION   a state of another version
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_state_decode(const char *text, struct stk_state *state,
                                                char *error);

/* One endpoint of a client, and what became of what it was asked so far. */
struct stk_endpoint {
    const char *endpoint; /* borrowed until the client is closed */
    bool live;            /* connected, and its daemon would have us */
    uint32_t in_flight;   /* requests */
    uint64_t asked;       /* requests, with those below and those that were asked again */
    uint64_t hedged;      /* of them of a step that another endpoint owed as well */
    uint64_t batches;     /* received, the first ones of their steps */
    uint64_t dropped;     /* replies that nobody waited for any more: late, or a second time */
    uint64_t losses;      /* connections that broke or were given up */
    uint64_t reply_ns;    /* from a request to its batch, lately; 0: not known */
};

/** Look at an endpoint; false, and all zero, where there is none of that index.  Blocks: no. */
bool stk_client_endpoint(const struct stk_client *client, uint32_t index,
                         struct stk_endpoint *endpoint);

/** The sentence that belongs to the last failure of next, seek or restore; "" after a success. */
const char *stk_client_error(const struct stk_client *client);

/** A batch's address, count, tensors and fingerprint; borrowed until the batch is closed. */
const struct stk_batch_header *stk_batch_header(const struct stk_batch *batch);

/**
 * A tensor's elements, in C order, little-endian, where they were received: nothing is copied.
 * Those of STK_F16 and STK_BF16 are the bits, as uint16_t.
 *
 *   name   "images", "label", "partner_label", "lambda", "index", "partner_index", "crop", "flip",
 *          and of some streams "cut", "partner_crop", "partner_flip", "erase", "partner_erase",
 *          "target", "valid": see PROTOCOL.md, "Tensors"
 *   info   set to the tensor's dtype and shape; may be NULL
 *
 * Returns: the elements, borrowed until the batch is closed; NULL where there is no such tensor.
 */
const void *stk_batch_tensor(const struct stk_batch *batch, const char *name,
                             const struct stk_tensor_info **info);

/** The same by place: the elements of header->tensors[index]; index < tensor_count. */
const void *stk_batch_tensor_at(const struct stk_batch *batch, uint32_t index);

/**
 * The slots whose own sample could not be decoded, and behind them, as slot count + i, the partners
 * from the data set that could not be; rows are borrowed until the batch is closed.
 */
const struct stk_replaced *stk_batch_replaced(const struct stk_batch *batch, uint32_t *count);

/** Give a batch back; *batch becomes NULL.  Threads: any one at a time.  NULL is fine. */
void stk_batch_close(struct stk_batch **batch);

/**
 * Dense soft labels of a mixed batch, for losses that take a distribution:
 * lambda * smooth(label) + (1 - lambda) * smooth(partner_label), where smooth(k) is
 * 1 - smoothing + smoothing / classes at k and smoothing / classes elsewhere.  The same bytes as
 * the "target" of a stream that says labels = dense.
 *
 *   label, partner_label   i4 [count], 0 .. classes - 1
 *   lambda                 f4 [count], 0 .. 1
 *   smoothing              0 .. 1
 *   target                 f4 [count, classes], the caller's; every row sums to 1
 *
 * Returns: STK_OK; STK_RANGE where a label is outside the classes or a lambda outside 0 .. 1
 *          (target is unspecified); STK_INVALID where smoothing is.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source:  PROTOCOL.md, "Target", to the bit; timm's mixup_target.
 */
STK_MUST_CHECK enum stk_status stk_soft_labels(const int32_t *label, const int32_t *partner_label,
                                               const float *lambda, uint32_t count,
                                               uint32_t classes, double smoothing, float *target);

/**
 * Let this process keep the memory of a batch for the next one.
 *
 * glibc's malloc gives a block of more than 32 MiB (256 pictures of 224 x 224 as u8, 64 as f32)
 * back to the system at once, and the kernel maps and clears every page of the next one: up to four
 * fifths of what receiving such a batch costs.  This sets malloc for the whole process: one arena,
 * blocks of up to 1 GiB from the heap, up to 2 GiB of free memory kept.  So it is the program's to
 * decide, not the library's: call it first in main, before there are threads.  A program that
 * cannot says the same in its environment: MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=1073741824
 * MALLOC_TRIM_THRESHOLD_=2147483647.
 *
 * Owns: nothing.  Threads: before any is started.  Blocks: no.  Allocates: no.
 * Source: mallopt(3).
 */
void stk_keep_memory(void);

/* The reply to a single question, decoded. */
struct stk_answer;

/**
 * Ask one endpoint one question (streams, labels, replaced, stats or hello) and wait for its
 * answer.  Keys are found as without an option of stk_options.
 *
 *   endpoint   "tcp://host:7654", without a stream's name
 *   request    id is set by the library
 *   answer     set on success, NULL otherwise
 *   error      STK_ERROR_BYTES of storage; may be NULL
 *
 * Owns:    the caller owns *answer and gives it to stk_answer_close.
 * Returns: STK_OK, STK_TIMEOUT, STK_INVALID, STK_FORBIDDEN, STK_MEMORY, STK_SYSTEM, or what the
 *          daemon answered.
 * Threads: any.  Blocks: up to timeout_ms.
 */
STK_MUST_CHECK enum stk_status stk_ask(const char *endpoint, const struct stk_request *request,
                                       uint32_t timeout_ms, struct stk_answer **answer,
                                       char *error);

/** What was answered; NULL where the answer is of another kind.  Borrowed from the answer. */
const struct stk_streams *stk_answer_streams(const struct stk_answer *answer);
const struct stk_labels *stk_answer_labels(const struct stk_answer *answer);
const struct stk_replaced_list *stk_answer_replaced(const struct stk_answer *answer);
const struct stk_stats *stk_answer_stats(const struct stk_answer *answer);
const struct stk_welcome *stk_answer_welcome(const struct stk_answer *answer);

/** Give an answer back; *answer becomes NULL.  NULL is fine. */
void stk_answer_close(struct stk_answer **answer);

#ifdef __cplusplus
}
#endif

#endif
