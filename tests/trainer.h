/*
 * A trainer for tests of the client against fake daemons: open, and expect batches or failures.
 */
#ifndef STK_TESTS_TRAINER_H
#define STK_TESTS_TRAINER_H

#include <time.h>

#include "client/stoker.h"
#include "daemon/base/clock.h"
#include "tests/fake_daemon.h"

enum { SHORT_MS = 300 };

static inline struct stk_client *open_url(const char *url, const struct stk_options *options)
{
    struct stk_client *client;
    char error[STK_ERROR_BYTES];
    enum stk_status status = stk_client_open(url, options, &client, error);
    ck_assert_msg(status == STK_OK, "%s: %s", stk_status_word(status), error);
    ck_assert_str_eq(error, "");
    return client;
}

static inline struct stk_client *open_fake(const struct fake_daemon *fake,
                                           const struct stk_options *options)
{
    char url[256];
    fake_url(fake, url);
    return open_url(url, options);
}

static inline enum stk_status open_fails(const char *url, const struct stk_options *options,
                                         char error[STK_ERROR_BYTES])
{
    struct stk_client *client = (struct stk_client *)error; /* must become NULL */
    enum stk_status status = stk_client_open(url, options, &client, error);
    ck_assert_int_ne(status, STK_OK);
    ck_assert_ptr_null(client);
    ck_assert_str_ne(error, "");
    return status;
}

static inline void ck_contains(const char *text, const char *part)
{
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
}

/* Every tensor of a batch is the one of its address, at an address that its elements may have. */
static inline void check_content(const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    struct fake_batch wanted;
    fake_batch_fill(&wanted, header->address);
    const struct {
        const char *name;
        const void *data;
        size_t bytes;
        size_t alignment;
    } tensors[] = {{"images", wanted.images, FAKE_COUNT * FAKE_IMAGE_BYTES, 1},
                   {"label", wanted.label, sizeof wanted.label, 4},
                   {"partner_label", wanted.partner_label, sizeof wanted.partner_label, 4},
                   {"lambda", wanted.lambda, sizeof wanted.lambda, 4},
                   {"index", wanted.index, sizeof wanted.index, 8},
                   {"partner_index", wanted.partner_index, sizeof wanted.partner_index, 8},
                   {"crop", wanted.crop, sizeof wanted.crop, 4},
                   {"flip", wanted.flip, sizeof wanted.flip, 1}};
    ck_assert_uint_eq(header->count, FAKE_COUNT);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const struct stk_tensor_info *info;
        const void *data = stk_batch_tensor(batch, tensors[i].name, &info);
        ck_assert_ptr_nonnull(data);
        ck_assert_uint_eq(stk_tensor_bytes(info), tensors[i].bytes);
        ck_assert_uint_eq((uintptr_t)data % tensors[i].alignment, 0);
        ck_assert_mem_eq(data, tensors[i].data, tensors[i].bytes);
    }
    const struct stk_tensor_info *none = header->tensors;
    ck_assert_ptr_null(stk_batch_tensor(batch, "weights", &none));
    ck_assert_ptr_null(none);
}

static inline void check_replaced(const struct stk_batch *batch)
{
    uint32_t count;
    const struct stk_replaced *rows = stk_batch_replaced(batch, &count);
    if (stk_batch_header(batch)->address.step % 3 != 0) {
        ck_assert_uint_eq(count, 0);
        return;
    }
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(rows[1].slot, 2);
    ck_assert_uint_eq(rows[1].index, 78);
    ck_assert(stk_text_is(rows[1].reason, "unreadable: gone"));
}

/* The next batch is the one of this address. */
static inline void expect_batch(struct stk_client *client, uint32_t epoch, uint64_t step)
{
    struct stk_batch *batch;
    enum stk_status status = stk_client_next(client, &batch);
    ck_assert_msg(status == STK_OK, "epoch %u step %u: %s: %s", epoch, (unsigned)step,
                  stk_status_word(status), stk_client_error(client));
    ck_assert_str_eq(stk_client_error(client), "");
    ck_assert_uint_eq(stk_batch_header(batch)->address.epoch, epoch);
    ck_assert_uint_eq(stk_batch_header(batch)->address.step, step);
    check_content(batch);
    check_replaced(batch);
    stk_batch_close(&batch);
    ck_assert_ptr_null(batch);
}

static inline void expect_failure(struct stk_client *client, enum stk_status wanted,
                                  const char *says)
{
    struct stk_batch *batch = (struct stk_batch *)client; /* must become NULL */
    enum stk_status status = stk_client_next(client, &batch);
    ck_assert_msg(status == wanted, "%s: %s", stk_status_word(status), stk_client_error(client));
    ck_assert_ptr_null(batch);
    ck_contains(stk_client_error(client), says);
}

static inline bool reaches(atomic_uint *figure, unsigned wanted)
{
    uint64_t until_ns = clock_now_ns() + 5000000000u;
    while (atomic_load(figure) < wanted && clock_now_ns() < until_ns)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(figure) >= wanted;
}

/* "first,second/train" */
static inline void both_url(const struct fake_daemon fakes[2], char url[512])
{
    snprintf(url, 512, "%s,%s/train", fakes[0].endpoint, fakes[1].endpoint);
}

#endif
