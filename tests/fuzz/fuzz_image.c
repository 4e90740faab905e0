/*
 * libFuzzer target: a stranger's bytes to the JPEG decoder, for views that their hash chooses.
 *
 * No crash, no read outside of the bytes, no picture beyond the limits; and the same bytes give the
 * same answer and the same pixels twice, whatever was decoded before.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/image.h"

enum { SIDE = 24 };

static const struct image_limits limits = {
    .pixels_max = 1 << 20, .decoder_bytes_max = 16 << 20, .scan_pixels_max = 1 << 22};

static struct view view_of(uint32_t height, uint32_t width, uint32_t seed)
{
    uint32_t h = 1 + seed % height;
    uint32_t w = 1 + seed / 7 % width;
    return (struct view){.box = {.top = (int32_t)(seed / 3 % (height - h + 1)),
                                 .left = (int32_t)(seed / 5 % (width - w + 1)),
                                 .height = (int32_t)h,
                                 .width = (int32_t)w},
                         .resized_height = SIDE,
                         .resized_width = SIDE,
                         .top = (int32_t)(seed / 11 % (2 * SIDE - 1)) - SIDE + 1,
                         .left = (int32_t)(seed / 13 % (2 * SIDE - 1)) - SIDE + 1};
}

static enum stk_status decode(struct image_decoder *decoder, const uint8_t *bytes, size_t len,
                              uint8_t *slot)
{
    static const double none[3] = {0, 0, 0};
    static const double one[3] = {1, 1, 1};
    struct image_format format;
    image_format_init(&format, SIDE, SIDE, STK_U8, STK_NHWC, none, one);
    format.interpolation = (enum interpolation)(len % (INTERPOLATION_NEAREST + 1));
    char reason[IMAGE_REASON_BYTES];
    uint32_t height;
    uint32_t width;
    enum stk_status status = image_decoder_begin(decoder, bytes, len, &height, &width, reason);
    if (status != STK_OK)
        return status;
    CHECK((uint64_t)height * width <= limits.pixels_max);
    struct view view = view_of(height, width, bytes[len / 2] * 977u + (uint32_t)len);
    return image_decoder_finish(decoder, &view, len % 2 == 0, &format, slot, reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct image_decoder *decoder;
    static uint8_t first[SIDE * SIDE * 3];
    static uint8_t second[SIDE * SIDE * 3];
    if (len == 0)
        return 0;
    if (decoder == NULL)
        CHECK(image_decoder_open(&limits, &decoder) == STK_OK);
    enum stk_status status = decode(decoder, bytes, len, first);
    CHECK(decode(decoder, bytes, len, second) == status);
    if (status == STK_OK)
        CHECK(memcmp(first, second, sizeof first) == 0);
    return 0;
}
