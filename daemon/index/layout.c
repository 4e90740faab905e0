/*
 * The layout of an index's file.
 */
#include "daemon/index/layout.h"

#include <string.h>

#include <xxhash.h>

#include "daemon/index/little_endian.h"
#include "daemon/index/record.h"

static const uint8_t head_magic[8] = "STKINDEX";
static const uint8_t trailer_magic[8] = "STKINEND";

enum { AT_VERSION = 8, AT_HEAD_CHECKSUM = 16, AT_TRAILER_CHECKSUM = 32, AT_TRAILER_MAGIC = 40 };

void layout_encode_head(uint8_t head[LAYOUT_HEAD_BYTES])
{
    memcpy(head, head_magic, sizeof head_magic);
    little_endian_put(head + AT_VERSION, 8, LAYOUT_VERSION);
    little_endian_put(head + AT_HEAD_CHECKSUM, 8, XXH3_64bits(head, AT_HEAD_CHECKSUM));
}

enum stk_status layout_check_head(const uint8_t head[LAYOUT_HEAD_BYTES])
{
    if (memcmp(head, head_magic, sizeof head_magic) != 0 ||
        little_endian_get64(head + AT_HEAD_CHECKSUM) != XXH3_64bits(head, AT_HEAD_CHECKSUM))
        return STK_CORRUPT;
    return little_endian_get64(head + AT_VERSION) == LAYOUT_VERSION ? STK_OK : STK_VERSION;
}

void layout_encode_trailer(const struct trailer *trailer, uint8_t bytes[LAYOUT_TRAILER_BYTES])
{
    little_endian_put(bytes, 8, trailer->directory);
    little_endian_put(bytes + 8, 8, trailer->records);
    little_endian_put(bytes + 16, 8, trailer->samples);
    little_endian_put(bytes + 24, 8, trailer->with_entries);
    little_endian_put(bytes + AT_TRAILER_CHECKSUM, 8, XXH3_64bits(bytes, AT_TRAILER_CHECKSUM));
    memcpy(bytes + AT_TRAILER_MAGIC, trailer_magic, sizeof trailer_magic);
}

bool layout_decode_trailer(const uint8_t bytes[LAYOUT_TRAILER_BYTES], uint64_t file_bytes,
                           struct trailer *trailer)
{
    *trailer = (struct trailer){.directory = little_endian_get64(bytes),
                                .records = little_endian_get64(bytes + 8),
                                .samples = little_endian_get64(bytes + 16),
                                .with_entries = little_endian_get64(bytes + 24)};
    if (memcmp(bytes + AT_TRAILER_MAGIC, trailer_magic, sizeof trailer_magic) != 0 ||
        little_endian_get64(bytes + AT_TRAILER_CHECKSUM) !=
            XXH3_64bits(bytes, AT_TRAILER_CHECKSUM) ||
        trailer->directory < LAYOUT_HEAD_BYTES || trailer->directory > LAYOUT_OFFSET_MAX ||
        trailer->records > trailer->directory / RECORD_HEAD_BYTES)
        return false;
    return trailer->samples <= trailer->records && trailer->with_entries <= trailer->samples &&
           trailer->directory + layout_directory_bytes(trailer->records) + LAYOUT_TRAILER_BYTES ==
               file_bytes;
}

uint64_t layout_directory_bytes(uint64_t records)
{
    uint64_t blocks = (records + LAYOUT_BLOCK_PLACES - 1) / LAYOUT_BLOCK_PLACES;
    return records * LAYOUT_PLACE_BYTES + blocks * LAYOUT_CHECKSUM_BYTES;
}

size_t layout_encode_block(const struct place *places, size_t count, uint8_t *block)
{
    size_t len = count * LAYOUT_PLACE_BYTES;
    for (size_t i = 0; i < count; i++) {
        little_endian_put(block + i * LAYOUT_PLACE_BYTES, 8, places[i].key);
        little_endian_put(block + i * LAYOUT_PLACE_BYTES + 8, 8, places[i].what);
    }
    little_endian_put(block + len, LAYOUT_CHECKSUM_BYTES, XXH3_64bits(block, len));
    return len + LAYOUT_CHECKSUM_BYTES;
}

static bool place_can_be(const struct place *place, uint64_t end)
{
    uint64_t offset = place_offset(place);
    size_t len = place_len(place);
    return offset >= LAYOUT_HEAD_BYTES && len >= RECORD_HEAD_BYTES && len <= RECORD_BYTES_MAX &&
           offset <= end && len <= end - offset;
}

bool layout_decode_block(const uint8_t *block, size_t count, uint64_t *least, uint64_t end,
                         struct place *places)
{
    size_t len = count * LAYOUT_PLACE_BYTES;
    if (little_endian_get64(block + len) != XXH3_64bits(block, len))
        return false;
    uint64_t lowest = *least;
    for (size_t i = 0; i < count; i++) {
        places[i].key = little_endian_get64(block + i * LAYOUT_PLACE_BYTES);
        places[i].what = little_endian_get64(block + i * LAYOUT_PLACE_BYTES + 8);
        if (places[i].key < lowest || (i > 0 && places[i].key == places[i - 1].key) ||
            !place_can_be(&places[i], end))
            return false;
        lowest = places[i].key;
    }
    *least = lowest;
    return true;
}
