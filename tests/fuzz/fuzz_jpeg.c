/*
 * libFuzzer target: a stranger's bytes to our own JPEG decoder and to libjpeg-turbo alone, for an
 * area that their hash chooses.
 *
 * Both refuse the file for the same reason, or both give the same rows.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/decode.h"

static const struct image_limits limits = {
    .pixels_max = 1 << 18, .decoder_bytes_max = 16 << 20, .scan_pixels_max = 1 << 20};

/* A decoder and how far it came with the file. */
struct side {
    struct decode *decode;
    enum stk_status status;
    uint32_t height;
    uint32_t width;
    const uint8_t *row;
    char reason[IMAGE_REASON_BYTES];
};

static struct box area_of(const struct side *side, uint32_t seed)
{
    uint32_t height = 1 + seed % side->height;
    uint32_t width = 1 + seed / 7 % side->width;
    return (struct box){.top = (int32_t)(seed / 3 % (side->height - height + 1)),
                        .left = (int32_t)(seed / 5 % (side->width - width + 1)),
                        .height = (int32_t)height,
                        .width = (int32_t)width};
}

static void begin(struct side *side, const uint8_t *bytes, size_t len, struct box *area)
{
    if (side->decode == NULL)
        CHECK(decode_open(&limits, &side->decode) == STK_OK);
    memset(side->reason, 0, sizeof side->reason);
    side->status =
        decode_begin(side->decode, bytes, len, &side->height, &side->width, side->reason);
    if (side->status != STK_OK)
        return;
    *area = area_of(side, bytes[len / 2] * 977u + (uint32_t)len);
    side->status = decode_start(side->decode, area, side->reason);
}

/* Where one fails with its first rows, the other may fail already as it begins. */
static void compare(struct side *own, struct side *library, const struct box *area)
{
    for (int32_t y = 0; y < area->height; y++) {
        if (own->status == STK_OK)
            own->status = decode_next(own->decode, &own->row, own->reason);
        if (library->status == STK_OK)
            library->status = decode_next(library->decode, &library->row, library->reason);
        if (own->status != STK_OK || library->status != STK_OK)
            continue;
        for (size_t x = 0; x < (size_t)area->width; x++)
            CHECK(memcmp(&own->row[4 * x], &library->row[4 * x], 3) == 0);
    }
    CHECK(own->status == library->status);
    CHECK(strcmp(own->reason, library->reason) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct side own, library;
    struct box area = {0};
    if (len == 0)
        return 0;
    begin(&own, bytes, len, &area);
    if (library.decode == NULL) {
        CHECK(decode_open(&limits, &library.decode) == STK_OK);
        decode_by_library_alone(library.decode);
    }
    begin(&library, bytes, len, &area);
    compare(&own, &library, &area);
    decode_end(own.decode);
    decode_end(library.decode);
    return 0;
}
