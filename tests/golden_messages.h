/*
 * Golden messages.
 *
 * proto/golden/NAME.hex holds a message as PROTOCOL.md describes it: a comment with its content and
 * its bytes.  The files were packed by another implementation, and are never changed within a
 * major version.
 */
#ifndef STK_TESTS_GOLDEN_MESSAGES_H
#define STK_TESTS_GOLDEN_MESSAGES_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/message.h"
#include "tests/suite.h"

enum { BYTES_MAX = 4096 };

struct golden {
    uint8_t bytes[BYTES_MAX];
    size_t len;
};

static inline struct golden read_golden_of(const char *folder, const char *name)
{
    struct golden golden = {.len = 0};
    char path[256];
    snprintf(path, sizeof path, "%s/%s.hex", folder, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL) {
        for (const char *c = line; line[0] != '#' && isxdigit((unsigned char)c[0]); c += 2) {
            unsigned byte;
            ck_assert_int_eq(sscanf(c, "%2x", &byte), 1);
            golden.bytes[golden.len++] = (uint8_t)byte;
        }
    }
    fclose(file);
    return golden;
}

static inline struct golden read_golden(const char *name)
{
    return read_golden_of("proto/golden", name);
}

#define CHECK_TEXT(text, string) ck_assert(stk_text_is(text, string))

static const struct {
    const char *name;
    struct stk_request request;
} requests[] = {
    {"hello",
     {.kind = STK_KIND_HELLO,
      .id = 1,
      .version = 1,
      .window = 8,
      .stream = {"train", 5},
      .name = {"trainer-0", 9}}},
    {"get", {.kind = STK_KIND_GET, .id = 2, .stream = {"train", 5}, .address = {3, 20017}}},
    {"get_pinned",
     {.kind = STK_KIND_GET,
      .id = 300,
      .stream = {"train", 5},
      .address = {UINT32_MAX, UINT64_C(1) << 32},
      .pinned = true,
      .fingerprint = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}}},
    {"get_unmixed",
     {.kind = STK_KIND_GET,
      .id = 7,
      .stream = {"train", 5},
      .address = {3, 20017},
      .unmixed = STK_UNMIXED_PARTNER}},
    {"cancel", {.kind = STK_KIND_CANCEL, .id = 2}},
    {"streams_request", {.kind = STK_KIND_STREAMS, .id = 4}},
    {"labels_request", {.kind = STK_KIND_LABELS, .id = 5, .stream = {"train", 5}, .first = 512}},
    {"replaced_request",
     {.kind = STK_KIND_REPLACED, .id = 8, .stream = {"train", 5}, .first = 256}},
    {"stats_request", {.kind = STK_KIND_STATS, .id = 6}},
};

enum { REQUESTS = sizeof requests / sizeof requests[0] };

#endif
