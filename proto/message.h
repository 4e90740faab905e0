/*
 * Messages: what a request and a reply's header say, and their bytes.
 *
 * Every message is one msgpack map, PROTOCOL.md is normative.  Decoding takes bytes from a
 * stranger: they are walked first (length, depth, counts, duplicate keys, trailing bytes), and only
 * then unpacked; decoded texts point into the caller's bytes.  Encoding writes to the caller's
 * storage.  No state, no sockets; any thread.
 */
#ifndef STK_MESSAGE_H
#define STK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

enum {
    STK_PROTOCOL_VERSION = 1, /* major; another one is refused */
    STK_PLAN_VERSION = 1,
    STK_PORT = 7654,

    STK_REQUEST_BYTES_MAX = 4096,
    STK_HEADER_BYTES_MAX = 1 << 20,
    STK_NAME_BYTES_MAX = 64,  /* a stream's or client's name */
    STK_TEXT_BYTES_MAX = 512, /* any other text */
    STK_DEPTH_MAX = 6,        /* containers inside each other, the message's map counted */

    STK_BATCH_MAX = 8192,     /* samples a batch */
    STK_SIDE_MAX = 8192,      /* pixels a side of a served picture */
    STK_WINDOW_MAX = 64,      /* requests of one client in flight */
    STK_TENSORS_MAX = 16,     /* a batch */
    STK_RANK_MAX = 4,         /* dimensions of a tensor */
    STK_STREAMS_MAX = 256,    /* in one streams reply */
    STK_PHASES_MAX = 16,      /* of a stream, behind its first one */
    STK_FIGURES_MAX = 64,     /* in one stats reply, of the daemon, of a stream or of a trainer */
    STK_TRAINERS_MAX = 256,   /* in one stats reply */
    STK_ROW_FIGURES_MAX = 40, /* of these, those that this version looks at in a row */
    STK_LABELS_MAX = 512,     /* class names in one labels reply */
    /* Samples in one replaced reply. */
    STK_REPLACED_MAX = 256,
};

/* X(name, the wire's name, bytes an element); NumPy's names, but for bf16, which NumPy has not. */
#define STK_DTYPE_LIST(X)                                                                          \
    X(U8, "|u1", 1)                                                                                \
    X(I32, "<i4", 4)                                                                               \
    X(U64, "<u8", 8)                                                                               \
    X(F32, "<f4", 4)                                                                               \
    X(F16, "<f2", 2)   /* IEEE 754 binary16 */                                                     \
    X(BF16, "bf16", 2) /* bfloat16: the upper half of a float */

#define STK_DTYPE_ENUM(name, word, bytes) STK_##name,
enum stk_dtype { STK_DTYPE_LIST(STK_DTYPE_ENUM) STK_DTYPE_COUNT };
#undef STK_DTYPE_ENUM

enum stk_layout { STK_NHWC, STK_NCHW };

enum stk_last { STK_LAST_DROP, STK_LAST_PARTIAL, STK_LAST_WRAP, STK_LAST_MASK, STK_LAST_COUNT };

/* What the labels of a stream's source are. */
enum stk_label_kind {
    STK_LABEL_CLASS,   /* one class a sample: its class number says all */
    STK_LABEL_CLASSES, /* any number of classes a sample: a row of 0 and 1 (multi-label) */
    STK_LABEL_NUMBERS, /* a row of numbers a sample (regression) */
    STK_LABEL_COUNT
};

/* Which pictures of a batch are wanted: those that it is trained with, or for a look at what they
 * are made of those of the slots, or of their partners, as they were before mixing. */
enum stk_unmixed { STK_MIXED, STK_UNMIXED_OWN, STK_UNMIXED_PARTNER, STK_UNMIXED_COUNT };

/** What the wire calls a dtype, e.g. "<f4".  Threads: any. */
const char *stk_dtype_word(enum stk_dtype dtype);

/** Bytes of one element. */
size_t stk_dtype_bytes(enum stk_dtype dtype);

/** "nhwc" or "nchw". */
const char *stk_layout_word(enum stk_layout layout);

/** "drop", "partial", "wrap" or "mask". */
const char *stk_last_word(enum stk_last last);

/** "class", "classes" or "numbers". */
const char *stk_label_kind_word(enum stk_label_kind kind);

/** "no", "own" or "partner". */
const char *stk_unmixed_word(enum stk_unmixed unmixed);

/* X(name, word); the same words name requests and their replies. */
#define STK_KIND_LIST(X)                                                                           \
    X(HELLO, "hello")                                                                              \
    X(GET, "get")                                                                                  \
    X(CANCEL, "cancel")                                                                            \
    X(STREAMS, "streams")                                                                          \
    X(LABELS, "labels")                                                                            \
    X(REPLACED, "replaced")                                                                        \
    X(STATS, "stats")                                                                              \
    X(WELCOME, "welcome")                                                                          \
    X(BATCH, "batch")                                                                              \
    X(ERROR, "error")

#define STK_KIND_ENUM(name, word) STK_KIND_##name,
enum stk_kind { STK_KIND_LIST(STK_KIND_ENUM) STK_KIND_COUNT };
#undef STK_KIND_ENUM

/* UTF-8 text inside somebody's bytes, not terminated. */
struct stk_text {
    const char *data;
    size_t len;
};

/** A text over a terminated string, borrowed. */
struct stk_text stk_text_of(const char *string);

/** Whether a text equals a terminated string. */
bool stk_text_is(struct stk_text text, const char *string);

/* XXH3-128 over the canonical recipe and the source's listing, in canonical (big-endian) order. */
struct stk_fingerprint {
    uint8_t bytes[16];
};

enum { STK_FINGERPRINT_HEX_BYTES = 33 }; /* the end mark included */

/** Write a fingerprint as 32 lower-case hexadecimal digits and an end mark. */
void stk_fingerprint_hex(const struct stk_fingerprint *fingerprint,
                         char hex[STK_FINGERPRINT_HEX_BYTES]);

/* A batch's place: what its bytes are a function of, together with the fingerprint. */
struct stk_address {
    uint32_t epoch;
    uint64_t step; /* 0 .. steps - 1 of the epoch */
};

struct stk_request {
    enum stk_kind kind;     /* STK_KIND_HELLO .. STK_KIND_STATS */
    uint64_t id;            /* echoed in the reply; unique among the sender's requests in flight */
    uint32_t version;       /* hello */
    uint32_t window;        /* hello: requests in flight that the sender would like */
    struct stk_text stream; /* hello, get, labels, replaced */
    struct stk_text name;   /* hello: what the log and the figures call the sender; may be empty */
    struct stk_address address; /* get */
    enum stk_unmixed unmixed;   /* get */
    uint32_t first;             /* labels: the first class number wanted; replaced: likewise row */
    bool pinned;                /* get: fingerprint is set */
    struct stk_fingerprint fingerprint;
};

/* How large batches are from an epoch on: progressive resizing. */
struct stk_phase {
    uint32_t epoch;    /* the first one */
    uint64_t steps;    /* of an epoch */
    uint32_t batch;    /* samples a batch; the last one of an epoch may be smaller */
    uint32_t shape[3]; /* of one picture, in the layout's order */
};

/* What a daemon tells of a stream: the body of a welcome, and a row of a streams reply. */
struct stk_stream_info {
    struct stk_text stream;
    struct stk_fingerprint fingerprint;
    uint64_t samples;       /* in the source */
    uint64_t epoch_samples; /* of an epoch; a last batch that is wrapped or masked has more */
    uint64_t steps;         /* of an epoch, as batch and shape in the first phase */
    uint32_t batch;         /* samples a batch; the last one of an epoch may be smaller */
    uint32_t shape[3];      /* of one picture, in the layout's order */
    enum stk_dtype dtype;
    enum stk_layout layout;
    enum stk_last last;
    enum stk_label_kind labels;
    uint32_t classes;        /* with STK_LABEL_NUMBERS how many a sample has */
    struct stk_text mix;     /* "none", or e.g. "mixup fastai alpha=0.4" */
    struct stk_text decoder; /* e.g. "libjpeg-turbo 2.1.5 exact" */
    uint32_t phase_count;
    struct stk_phase phases[STK_PHASES_MAX]; /* the later ones, by epoch, which is >= 1 */
};

/** The phase that holds in an epoch; of the first one epoch is 0.  Threads: any. */
struct stk_phase stk_stream_phase(const struct stk_stream_info *info, uint32_t epoch);

struct stk_welcome {
    uint64_t id;
    uint32_t version; /* of the protocol */
    uint32_t plan;    /* version of the plan's algorithms */
    uint32_t window;  /* requests in flight granted */
    struct stk_stream_info info;
};

/* One tensor of a batch: dtype and shape; its bytes are a frame of their own, C order. */
struct stk_tensor_info {
    struct stk_text name;
    enum stk_dtype dtype;
    uint32_t rank; /* 1 .. STK_RANK_MAX */
    uint32_t shape[STK_RANK_MAX];
};

/** Bytes of a tensor: its elements times its dtype.  The shape is one that decode accepted. */
size_t stk_tensor_bytes(const struct stk_tensor_info *tensor);

/* A slot whose own sample could not be decoded. */
struct stk_replaced {
    uint32_t slot;  /* count and more: the partner of slot - count, where it is no slot itself */
    uint64_t index; /* the sample that should have been there */
    struct stk_text reason; /* e.g. "corrupt: premature end of file" */
};

struct stk_batch_header {
    uint64_t id;
    struct stk_text stream;
    struct stk_fingerprint fingerprint;
    struct stk_address address;
    enum stk_unmixed unmixed; /* as asked; a daemon that does not know of it says STK_MIXED */
    uint32_t count;           /* samples in this batch */
    uint32_t tensor_count;
    struct stk_tensor_info tensors[STK_TENSORS_MAX]; /* in frame order */
    uint32_t replaced_count;
    /* replaced_count rows; encode reads them, decode does not set them: see
     * stk_batch_header_replaced. */
    const struct stk_replaced *replaced;
};

struct stk_error {
    uint64_t id;
    enum stk_status status; /* "code" on the wire */
    struct stk_text message;
    uint32_t retry_ms; /* when to come back; 0: not said */
};

struct stk_labels {
    uint64_t id;
    uint32_t first;
    uint32_t count;
    struct stk_text names[STK_LABELS_MAX];
    uint64_t counts[STK_LABELS_MAX]; /* samples of each class */
};

/* A sample that could not be read or decoded. */
struct stk_replaced_sample {
    uint64_t index;
    struct stk_text path;       /* as the source has it; of a long one the end */
    struct stk_text reason;     /* as in a batch header */
    uint64_t slots;             /* that it was replaced in */
    struct stk_address address; /* of the batch where that was met first */
};

struct stk_replaced_list {
    uint64_t id;
    uint32_t first;
    uint64_t samples; /* known to be bad; only the first thousands of them are listed */
    uint32_t count;
    struct stk_replaced_sample rows[STK_REPLACED_MAX];
};

struct stk_streams {
    uint64_t id;
    uint32_t count;
    struct stk_stream_info rows[STK_STREAMS_MAX];
};

struct stk_figure {
    struct stk_text name;
    uint64_t value;
};

/* The figures of a stream or of a trainer; texts that it has not are empty. */
struct stk_figure_row {
    struct stk_text stream;
    struct stk_text limit;     /* of a stream: what limits it, in a word */
    struct stk_text name;      /* of a trainer */
    uint32_t number;           /* of a trainer: with the name it is its alone */
    struct stk_text transport; /* of a trainer: "tcp", "ipc" or "" */
    uint32_t count;
    struct stk_figure figures[STK_ROW_FIGURES_MAX];
};

struct stk_stats {
    uint64_t id;
    uint32_t count;
    struct stk_figure figures[STK_FIGURES_MAX];
    struct stk_text version; /* of the daemon, e.g. "0.1.0"; empty from one that does not tell */
    uint32_t stream_count;   /* 0 from a daemon that does not tell */
    struct stk_figure_row streams[STK_STREAMS_MAX];
    uint32_t trainer_count;
    struct stk_figure_row trainers[STK_TRAINERS_MAX];
};

/**
 * Encode one message.
 *
 *   message    what to say; texts within their limits
 *   bytes      storage of capacity bytes (STK_REQUEST_BYTES_MAX for a request,
 *              STK_HEADER_BYTES_MAX for a reply always suffice)
 *   len        bytes written
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_LIMIT    it does not fit into capacity; *len is 0
 * Threads: any.  Blocks: no.  Allocates: no.
 * Source:  PROTOCOL.md, "Messages".
 */
STK_MUST_CHECK enum stk_status stk_request_encode(const struct stk_request *message, void *bytes,
                                                  size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_welcome_encode(const struct stk_welcome *message, void *bytes,
                                                  size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_batch_header_encode(const struct stk_batch_header *message,
                                                       void *bytes, size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_error_encode(const struct stk_error *message, void *bytes,
                                                size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_labels_encode(const struct stk_labels *message, void *bytes,
                                                 size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_replaced_encode(const struct stk_replaced_list *message,
                                                   void *bytes, size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_streams_encode(const struct stk_streams *message, void *bytes,
                                                  size_t capacity, size_t *len);
STK_MUST_CHECK enum stk_status stk_stats_encode(const struct stk_stats *message, void *bytes,
                                                size_t capacity, size_t *len);

/**
 * What kind of reply some bytes are, and the id it answers (0 where it has none).
 *
 *   bytes   len bytes from a peer
 *
 * Returns: STK_OK
 *          STK_INVALID  not a message; *kind and *id are zero
 *          STK_LIMIT    longer than STK_HEADER_BYTES_MAX
 *          STK_UNKNOWN_KIND  a message of a kind that this version does not know
 *          STK_MEMORY
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: for the call (msgpack's objects).
 */
STK_MUST_CHECK enum stk_status stk_reply_kind(const void *bytes, size_t len, enum stk_kind *kind,
                                              uint64_t *id);

/**
 * Decode one message of a known kind.
 *
 *   bytes     len bytes from a peer; the decoded texts point into them
 *   message   set on success; on failure zero, but for the id of a request or reply whose id
 *             could be read (so that an error reply can name it)
 *
 * Owns:    nothing; the texts live as long as bytes do.
 * Returns: STK_OK
 *          STK_INVALID       not msgpack, not this kind of message, a key missing, doubled or of a
 *                            wrong type or range, bytes behind the end
 *          STK_LIMIT         longer, deeper or with more items than the limits
 *          STK_VERSION       hello or welcome of another major version (message->version is set)
 *          STK_UNKNOWN_KIND  a request of an unknown kind
 *          STK_MEMORY
 * Threads: any.  Blocks: no.  Allocates: for the call (msgpack's objects, bounded by len).
 */
STK_MUST_CHECK enum stk_status stk_request_decode(const void *bytes, size_t len,
                                                  struct stk_request *message);
STK_MUST_CHECK enum stk_status stk_welcome_decode(const void *bytes, size_t len,
                                                  struct stk_welcome *message);
STK_MUST_CHECK enum stk_status stk_batch_header_decode(const void *bytes, size_t len,
                                                       struct stk_batch_header *message);
STK_MUST_CHECK enum stk_status stk_error_decode(const void *bytes, size_t len,
                                                struct stk_error *message);
STK_MUST_CHECK enum stk_status stk_labels_decode(const void *bytes, size_t len,
                                                 struct stk_labels *message);
STK_MUST_CHECK enum stk_status stk_replaced_decode(const void *bytes, size_t len,
                                                   struct stk_replaced_list *message);
STK_MUST_CHECK enum stk_status stk_streams_decode(const void *bytes, size_t len,
                                                  struct stk_streams *message);
STK_MUST_CHECK enum stk_status stk_stats_decode(const void *bytes, size_t len,
                                                struct stk_stats *message);

/**
 * The replaced slots of a batch header.
 *
 *   bytes     the header's bytes, len of them, that stk_batch_header_decode accepted
 *   rows      storage for capacity rows; the reasons point into bytes
 *   count     rows written: the smaller of capacity and the header's replaced_count
 *
 * Returns: STK_OK, STK_INVALID, STK_LIMIT or STK_MEMORY as the decoders above.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: for the call.
 */
STK_MUST_CHECK enum stk_status stk_batch_header_replaced(const void *bytes, size_t len,
                                                         struct stk_replaced *rows,
                                                         uint32_t capacity, uint32_t *count);

#endif
