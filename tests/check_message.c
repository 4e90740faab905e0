/*
 * Messages: the golden bytes both ways, and those of an earlier version.
 */
#include "proto/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden_messages.h"

static struct stk_fingerprint golden_fingerprint(void)
{
    struct stk_fingerprint fingerprint;
    for (uint8_t i = 0; i < sizeof fingerprint.bytes; i++)
        fingerprint.bytes[i] = i;
    return fingerprint;
}

static struct stk_stream_info golden_info(void)
{
    return (struct stk_stream_info){
        .stream = stk_text_of("train"),
        .fingerprint = golden_fingerprint(),
        .samples = 1281167,
        .epoch_samples = 1281167,
        .steps = 20018,
        .batch = 64,
        .shape = {224, 224, 3},
        .dtype = STK_U8,
        .layout = STK_NHWC,
        .last = STK_LAST_DROP,
        .labels = STK_LABEL_CLASS,
        .classes = 1000,
        .mix = stk_text_of("mixup fastai alpha=0.4"),
        .decoder = stk_text_of("libjpeg-turbo 2.1.5 exact"),
        .phase_count = 1,
        .phases = {{.epoch = 80, .steps = 40036, .batch = 32, .shape = {288, 288, 3}}},
    };
}

/* Encode with fn, compare with the golden bytes. */
#define CHECK_ENCODES(fn, message, name)                                                           \
    do {                                                                                           \
        struct golden golden_ = read_golden(name);                                                 \
        uint8_t bytes_[BYTES_MAX];                                                                 \
        size_t len_;                                                                               \
        ck_assert_int_eq(fn(message, bytes_, sizeof bytes_, &len_), STK_OK);                       \
        ck_assert_uint_eq(len_, golden_.len);                                                      \
        ck_assert_mem_eq(bytes_, golden_.bytes, len_);                                             \
    } while (0)

START_TEST(requests_encode_to_the_golden_bytes)
{
    CHECK_ENCODES(stk_request_encode, &requests[_i].request, requests[_i].name);
}
END_TEST

START_TEST(golden_requests_decode_to_what_they_say)
{
    const struct stk_request *said = &requests[_i].request;
    struct golden golden = read_golden(requests[_i].name);
    struct stk_request message;
    ck_assert_int_eq(stk_request_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_int_eq(message.kind, said->kind);
    ck_assert_uint_eq(message.id, said->id);
    ck_assert_uint_eq(message.version, said->version);
    ck_assert_uint_eq(message.window, said->window);
    ck_assert_uint_eq(message.first, said->first);
    ck_assert_uint_eq(message.address.epoch, said->address.epoch);
    ck_assert_uint_eq(message.address.step, said->address.step);
    ck_assert_int_eq(message.pinned, said->pinned);
    ck_assert_int_eq(message.unmixed, said->unmixed);
    ck_assert_mem_eq(&message.fingerprint, &said->fingerprint, sizeof said->fingerprint);
    ck_assert_uint_eq(message.stream.len, said->stream.len);
    ck_assert_uint_eq(message.name.len, said->name.len);
    if (said->stream.len > 0)
        ck_assert_mem_eq(message.stream.data, said->stream.data, said->stream.len);
}
END_TEST

START_TEST(a_welcome_goes_both_ways)
{
    struct stk_welcome said = {
        .id = 1, .version = 1, .plan = 1, .window = 8, .info = golden_info()};
    CHECK_ENCODES(stk_welcome_encode, &said, "welcome");
    struct golden golden = read_golden("welcome");
    struct stk_welcome message;
    ck_assert_int_eq(stk_welcome_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_uint_eq(message.window, 8);
    ck_assert_uint_eq(message.info.samples, 1281167);
    ck_assert_uint_eq(message.info.steps, 20018);
    ck_assert_uint_eq(message.info.shape[1], 224);
    ck_assert_int_eq(message.info.dtype, STK_U8);
    CHECK_TEXT(message.info.decoder, "libjpeg-turbo 2.1.5 exact");
    struct stk_fingerprint fingerprint = golden_fingerprint();
    ck_assert_mem_eq(&message.info.fingerprint, &fingerprint, sizeof fingerprint);
}
END_TEST

START_TEST(pictures_come_in_four_dtypes)
{
    static const struct {
        enum stk_dtype dtype;
        const char *word;
        size_t bytes;
    } dtypes[] = {
        {STK_U8, "|u1", 1}, {STK_F32, "<f4", 4}, {STK_F16, "<f2", 2}, {STK_BF16, "bf16", 2}};
    for (int i = 0; i < 4; i++) {
        struct stk_welcome said = {.version = 1, .plan = 1, .window = 8, .info = golden_info()};
        said.info.dtype = dtypes[i].dtype;
        uint8_t bytes[BYTES_MAX];
        size_t len;
        struct stk_welcome message;
        ck_assert_int_eq(stk_welcome_encode(&said, bytes, sizeof bytes, &len), STK_OK);
        ck_assert_int_eq(stk_welcome_decode(bytes, len, &message), STK_OK);
        ck_assert_int_eq(message.info.dtype, dtypes[i].dtype);
        ck_assert_str_eq(stk_dtype_word(dtypes[i].dtype), dtypes[i].word);
        struct stk_tensor_info images = {.dtype = dtypes[i].dtype, .rank = 2, .shape = {5, 7}};
        ck_assert_uint_eq(stk_tensor_bytes(&images), 35 * dtypes[i].bytes);
    }
}
END_TEST

START_TEST(a_welcome_of_pictures_that_cannot_be_is_refused)
{
    struct stk_welcome good = {.version = 1, .plan = 1, .window = 8, .info = golden_info()};
    struct stk_welcome bad[] = {good, good, good, good, good, good};
    bad[0].info.shape[2] = 1;
    bad[1].info.shape[0] = 0;
    bad[2].info.shape[1] = STK_SIDE_MAX + 1;
    bad[3].info.dtype = STK_I32;
    bad[4].info.layout = STK_NCHW;
    bad[5].info.batch = 0;
    for (int i = 0; i < 6; i++) {
        uint8_t bytes[BYTES_MAX];
        size_t len;
        struct stk_welcome message;
        ck_assert_int_eq(stk_welcome_encode(&bad[i], bytes, sizeof bytes, &len), STK_OK);
        ck_assert_int_eq(stk_welcome_decode(bytes, len, &message), STK_INVALID);
    }
}
END_TEST

START_TEST(the_longest_welcome_has_sixteen_phases)
{
    struct stk_welcome said = {.version = 1, .plan = 1, .window = 8, .info = golden_info()};
    said.info.phase_count = STK_PHASES_MAX;
    for (uint32_t i = 0; i < STK_PHASES_MAX; i++)
        said.info.phases[i] =
            (struct stk_phase){UINT32_MAX - 16 + i, UINT64_MAX - i, 1 + i, {8, 9, 3}};
    uint8_t bytes[BYTES_MAX];
    size_t len;
    struct stk_welcome message;
    ck_assert_int_eq(stk_welcome_encode(&said, bytes, sizeof bytes, &len), STK_OK);
    ck_assert_int_eq(stk_welcome_decode(bytes, len, &message), STK_OK);
    ck_assert_uint_eq(message.info.phase_count, STK_PHASES_MAX);
    for (uint32_t i = 0; i < STK_PHASES_MAX; i++) {
        ck_assert_uint_eq(message.info.phases[i].epoch, said.info.phases[i].epoch);
        ck_assert_uint_eq(message.info.phases[i].steps, said.info.phases[i].steps);
        ck_assert_uint_eq(message.info.phases[i].batch, said.info.phases[i].batch);
        ck_assert_uint_eq(message.info.phases[i].shape[1], 9);
    }
}
END_TEST

START_TEST(phases_that_cannot_be_are_refused)
{
    struct stk_welcome good = {.version = 1, .plan = 1, .window = 8, .info = golden_info()};
    good.info.phase_count = 2;
    good.info.phases[1] = good.info.phases[0];
    good.info.phases[1].epoch++;
    struct stk_welcome bad[] = {good, good, good, good, good, good, good};
    bad[0].info.phases[1].epoch--;
    bad[1].info.phases[1].epoch = 1;
    bad[2].info.phases[0].epoch = 0;
    bad[3].info.phases[1].batch = 0;
    bad[4].info.phases[1].batch = STK_BATCH_MAX + 1;
    bad[5].info.phases[1].shape[2] = 4;
    bad[6].info.phases[0].shape[0] = 0;
    for (int i = -1; i < 7; i++) {
        uint8_t bytes[BYTES_MAX];
        size_t len;
        struct stk_welcome message;
        ck_assert_int_eq(stk_welcome_encode(i < 0 ? &good : &bad[i], bytes, sizeof bytes, &len),
                         STK_OK);
        ck_assert_int_eq(stk_welcome_decode(bytes, len, &message), i < 0 ? STK_OK : STK_INVALID);
    }
}
END_TEST

START_TEST(the_phase_of_an_epoch_is_the_last_that_has_begun)
{
    struct stk_stream_info info = golden_info();
    info.phases[1] = (struct stk_phase){90, 7, 8, {16, 16, 3}};
    info.phase_count = 2;
    static const uint32_t epochs[] = {0, 79, 80, 89, 90, UINT32_MAX};
    static const uint32_t batches[] = {64, 64, 32, 32, 8, 8},
                          sides[] = {224, 224, 288, 288, 16, 16};
    for (int i = 0; i < 6; i++) {
        struct stk_phase phase = stk_stream_phase(&info, epochs[i]);
        ck_assert_uint_eq(phase.batch, batches[i]);
        ck_assert_uint_eq(phase.shape[0], sides[i]);
        ck_assert_uint_eq(phase.epoch, epochs[i] < 80 ? 0 : epochs[i] < 90 ? 80 : 90);
    }
}
END_TEST

START_TEST(a_batch_header_goes_both_ways)
{
    struct stk_replaced replaced = {5, 81322, stk_text_of("corrupt: premature end of JPEG file")};
    struct stk_batch_header said = {
        .id = 2,
        .stream = stk_text_of("train"),
        .fingerprint = golden_fingerprint(),
        .address = {3, 20017},
        .count = 64,
        .tensor_count = 5,
        .tensors = {{stk_text_of("images"), STK_U8, 4, {64, 224, 224, 3}},
                    {stk_text_of("label"), STK_I32, 1, {64}},
                    {stk_text_of("lambda"), STK_F32, 1, {64}},
                    {stk_text_of("index"), STK_U64, 1, {64}},
                    {stk_text_of("crop"), STK_I32, 2, {64, 4}}},
        .replaced_count = 1,
        .replaced = &replaced,
    };
    CHECK_ENCODES(stk_batch_header_encode, &said, "batch");
    struct golden golden = read_golden("batch");
    struct stk_batch_header message;
    ck_assert_int_eq(stk_batch_header_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_uint_eq(message.address.step, 20017);
    ck_assert_uint_eq(message.tensor_count, 5);
    ck_assert_uint_eq(stk_tensor_bytes(&message.tensors[0]), 64 * 224 * 224 * 3);
    ck_assert_uint_eq(stk_tensor_bytes(&message.tensors[3]), 64 * 8);
    ck_assert_uint_eq(message.replaced_count, 1);
    struct stk_replaced rows[2];
    uint32_t count;
    ck_assert_int_eq(stk_batch_header_replaced(golden.bytes, golden.len, rows, 2, &count), STK_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(rows[0].slot, 5);
    ck_assert_uint_eq(rows[0].index, 81322);
    CHECK_TEXT(rows[0].reason, "corrupt: premature end of JPEG file");
    ck_assert_int_eq(message.unmixed, STK_MIXED);
    said.unmixed = STK_UNMIXED_OWN;
    CHECK_ENCODES(stk_batch_header_encode, &said, "batch_unmixed");
    golden = read_golden("batch_unmixed");
    ck_assert_int_eq(stk_batch_header_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_int_eq(message.unmixed, STK_UNMIXED_OWN);
}
END_TEST

START_TEST(an_error_goes_both_ways)
{
    struct stk_error said = {
        .id = 7,
        .status = STK_UNKNOWN_STREAM,
        .message = stk_text_of("no stream \"val\"; there is \"train\""),
    };
    CHECK_ENCODES(stk_error_encode, &said, "error");
    struct golden golden = read_golden("error");
    struct stk_error message;
    ck_assert_int_eq(stk_error_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_int_eq(message.status, STK_UNKNOWN_STREAM);
    CHECK_TEXT(message.message, "no stream \"val\"; there is \"train\"");
    ck_assert_uint_eq(message.retry_ms, 0);
}
END_TEST

START_TEST(an_error_says_when_to_come_back)
{
    struct stk_error said = {
        .id = 7,
        .status = STK_OVERLOADED,
        .message = stk_text_of("1,024 requests are waiting; come back later"),
        .retry_ms = 250,
    };
    CHECK_ENCODES(stk_error_encode, &said, "error_retry");
    struct golden golden = read_golden("error_retry");
    struct stk_error message;
    ck_assert_int_eq(stk_error_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_int_eq(message.status, STK_OVERLOADED);
    ck_assert_uint_eq(message.retry_ms, 250);
    golden.bytes[golden.len - 2] = 0xd0; /* int 8: -6 is no time */
    ck_assert_int_eq(stk_error_decode(golden.bytes, golden.len, &message), STK_INVALID);
}
END_TEST

START_TEST(an_error_says_that_a_key_does_not_suffice)
{
    const char *words = "the stream \"train\" is not for \"eve\"; its key is for valid";
    struct stk_error said = {.id = 7, .status = STK_FORBIDDEN, .message = stk_text_of(words)};
    CHECK_ENCODES(stk_error_encode, &said, "error_forbidden");
    struct golden golden = read_golden("error_forbidden");
    struct stk_error message;
    ck_assert_int_eq(stk_error_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_int_eq(message.status, STK_FORBIDDEN);
    CHECK_TEXT(message.message, words);
}
END_TEST

START_TEST(streams_labels_and_stats_go_both_ways)
{
    static struct stk_streams streams;
    streams = (struct stk_streams){.id = 4, .count = 1};
    streams.rows[0] = golden_info();
    CHECK_ENCODES(stk_streams_encode, &streams, "streams");
    struct golden golden = read_golden("streams");
    ck_assert_int_eq(stk_streams_decode(golden.bytes, golden.len, &streams), STK_OK);
    ck_assert_uint_eq(streams.count, 1);
    ck_assert_uint_eq(streams.rows[0].classes, 1000);

    static struct stk_labels labels;
    labels = (struct stk_labels){.id = 5, .first = 512, .count = 3};
    labels.names[0] = stk_text_of("corkscrew");
    labels.names[1] = stk_text_of("V\u00f6gel");
    labels.names[2] = stk_text_of("\u9ce5");
    labels.counts[0] = 1300;
    labels.counts[2] = (uint64_t)1 << 40;
    CHECK_ENCODES(stk_labels_encode, &labels, "labels");
    golden = read_golden("labels");
    ck_assert_int_eq(stk_labels_decode(golden.bytes, golden.len, &labels), STK_OK);
    CHECK_TEXT(labels.names[2], "\u9ce5");
    ck_assert_uint_eq(labels.counts[0], 1300);
    ck_assert_uint_eq(labels.counts[1], 0);
    ck_assert_uint_eq(labels.counts[2], (uint64_t)1 << 40);

    static struct stk_stats stats;
    stats = (struct stk_stats){.id = 6, .count = 3};
    stats.figures[0] = (struct stk_figure){stk_text_of("batches_made"), 12};
    stats.figures[1] = (struct stk_figure){stk_text_of("clients"), 0};
    stats.figures[2] = (struct stk_figure){stk_text_of("uptime_ns"), UINT64_MAX};
    CHECK_ENCODES(stk_stats_encode, &stats, "stats");
    golden = read_golden("stats");
    ck_assert_int_eq(stk_stats_decode(golden.bytes, golden.len, &stats), STK_OK);
    ck_assert_uint_eq(stats.figures[2].value, UINT64_MAX);
    ck_assert_uint_eq(stats.version.len, 0);
    ck_assert_uint_eq(stats.stream_count, 0);
}
END_TEST

START_TEST(the_figures_of_streams_and_trainers_go_both_ways)
{
    static struct stk_stats stats;
    stats.id = 7;
    stats.version = stk_text_of("0.1.0");
    stats.count = stats.stream_count = stats.trainer_count = 1;
    stats.figures[0] = (struct stk_figure){stk_text_of("clients"), 1};
    stats.streams[0] = (struct stk_figure_row){
        .stream = stk_text_of("train"),
        .limit = stk_text_of("decode"),
        .count = 2,
        .figures = {{stk_text_of("batches_made"), 12}, {stk_text_of("images_per_second"), 640}}};
    stats.trainers[0] = (struct stk_figure_row){.stream = stk_text_of("train"),
                                                .name = stk_text_of("resnet"),
                                                .number = 3,
                                                .transport = stk_text_of("tcp"),
                                                .count = 1,
                                                .figures = {{stk_text_of("epoch"), 2}}};
    CHECK_ENCODES(stk_stats_encode, &stats, "stats_rows");
    struct golden golden = read_golden("stats_rows");
    ck_assert_int_eq(stk_stats_decode(golden.bytes, golden.len, &stats), STK_OK);
    CHECK_TEXT(stats.version, "0.1.0");
    ck_assert_uint_eq(stats.stream_count, 1);
    CHECK_TEXT(stats.streams[0].limit, "decode");
    ck_assert_uint_eq(stats.streams[0].figures[1].value, 640);
    ck_assert_uint_eq(stats.trainer_count, 1);
    ck_assert_uint_eq(stats.trainers[0].number, 3);
    CHECK_TEXT(stats.trainers[0].transport, "tcp");
    CHECK_TEXT(stats.trainers[0].figures[0].name, "epoch");
    golden.bytes[golden.len - 9] ^= 0x20; /* a row without figures */
    ck_assert_int_eq(stk_stats_decode(golden.bytes, golden.len, &stats), STK_INVALID);
    ck_assert_uint_eq(stats.stream_count, 0);
}
END_TEST

/* What version 0.1.0 packed: frozen, where proto/golden may grow. */
static struct golden earlier(const char *name)
{
    return read_golden_of("tests/golden/0.1.0", name);
}

#define CHECK_READS(decode, type, name)                                                            \
    do {                                                                                           \
        static type message_;                                                                      \
        struct golden golden_ = earlier(name);                                                     \
        ck_assert_msg(decode(golden_.bytes, golden_.len, &message_) == STK_OK, "%s", name);        \
        ck_assert_uint_ne(message_.id, 0);                                                         \
    } while (0)

START_TEST(requests_of_an_earlier_version_are_read)
{
    static const char *const names[] = {"hello",          "get",           "get_pinned",
                                        "get_unmixed",    "cancel",        "streams_request",
                                        "labels_request", "stats_request", "replaced_request"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK_READS(stk_request_decode, struct stk_request, names[i]);
}
END_TEST

START_TEST(replies_of_an_earlier_version_are_read)
{
    CHECK_READS(stk_welcome_decode, struct stk_welcome, "welcome");
    CHECK_READS(stk_batch_header_decode, struct stk_batch_header, "batch");
    CHECK_READS(stk_batch_header_decode, struct stk_batch_header, "batch_unmixed");
    CHECK_READS(stk_error_decode, struct stk_error, "error");
    CHECK_READS(stk_error_decode, struct stk_error, "error_retry");
    CHECK_READS(stk_streams_decode, struct stk_streams, "streams");
    CHECK_READS(stk_labels_decode, struct stk_labels, "labels");
    CHECK_READS(stk_replaced_decode, struct stk_replaced_list, "replaced");
    CHECK_READS(stk_stats_decode, struct stk_stats, "stats");
}
END_TEST

START_TEST(a_list_of_replaced_samples_goes_both_ways)
{
    static struct stk_replaced_list list;
    list = (struct stk_replaced_list){.id = 8, .first = 256, .samples = 258, .count = 2};
    list.rows[0] = (struct stk_replaced_sample){81322,
                                                stk_text_of("n01/x.jpg"),
                                                stk_text_of("corrupt: premature end of JPEG file"),
                                                5,
                                                {3, 20017}};
    list.rows[1] = (struct stk_replaced_sample){UINT64_C(1) << 40,
                                                stk_text_of("V\u00f6gel/y.jpg"),
                                                stk_text_of("unreadable: empty file"),
                                                1,
                                                {0, 0}};
    CHECK_ENCODES(stk_replaced_encode, &list, "replaced");
    struct golden golden = read_golden("replaced");
    static struct stk_replaced_list message;
    ck_assert_int_eq(stk_replaced_decode(golden.bytes, golden.len, &message), STK_OK);
    ck_assert_uint_eq(message.first, 256);
    ck_assert_uint_eq(message.samples, 258);
    ck_assert_uint_eq(message.count, 2);
    ck_assert_uint_eq(message.rows[0].index, 81322);
    ck_assert_uint_eq(message.rows[0].slots, 5);
    ck_assert_uint_eq(message.rows[0].address.step, 20017);
    CHECK_TEXT(message.rows[0].reason, "corrupt: premature end of JPEG file");
    CHECK_TEXT(message.rows[1].path, "V\u00f6gel/y.jpg");
}
END_TEST

START_TEST(the_kind_of_a_reply_is_found)
{
    static const struct {
        const char *name;
        enum stk_kind kind;
        uint64_t id;
    } replies[] = {{"welcome", STK_KIND_WELCOME, 1},  {"batch", STK_KIND_BATCH, 2},
                   {"error", STK_KIND_ERROR, 7},      {"streams", STK_KIND_STREAMS, 4},
                   {"labels", STK_KIND_LABELS, 5},    {"stats", STK_KIND_STATS, 6},
                   {"replaced", STK_KIND_REPLACED, 8}};
    for (int i = 0; i < 7; i++) {
        struct golden golden = read_golden(replies[i].name);
        enum stk_kind kind;
        uint64_t id;
        ck_assert_int_eq(stk_reply_kind(golden.bytes, golden.len, &kind, &id), STK_OK);
        ck_assert_int_eq(kind, replies[i].kind);
        ck_assert_uint_eq(id, replies[i].id);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("message");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, requests_encode_to_the_golden_bytes, 0, REQUESTS);
    tcase_add_loop_test(tests, golden_requests_decode_to_what_they_say, 0, REQUESTS);
    tcase_add_test(tests, a_welcome_goes_both_ways);
    tcase_add_test(tests, pictures_come_in_four_dtypes);
    tcase_add_test(tests, a_welcome_of_pictures_that_cannot_be_is_refused);
    tcase_add_test(tests, the_longest_welcome_has_sixteen_phases);
    tcase_add_test(tests, phases_that_cannot_be_are_refused);
    tcase_add_test(tests, the_phase_of_an_epoch_is_the_last_that_has_begun);
    tcase_add_test(tests, a_batch_header_goes_both_ways);
    tcase_add_test(tests, an_error_goes_both_ways);
    tcase_add_test(tests, an_error_says_when_to_come_back);
    tcase_add_test(tests, an_error_says_that_a_key_does_not_suffice);
    tcase_add_test(tests, streams_labels_and_stats_go_both_ways);
    tcase_add_test(tests, the_figures_of_streams_and_trainers_go_both_ways);
    tcase_add_test(tests, requests_of_an_earlier_version_are_read);
    tcase_add_test(tests, replies_of_an_earlier_version_are_read);
    tcase_add_test(tests, a_list_of_replaced_samples_goes_both_ways);
    tcase_add_test(tests, the_kind_of_a_reply_is_found);
    return suite_run("message", tests);
}
