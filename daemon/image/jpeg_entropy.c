/*
 * JPEG entropy decoding: one lane.
 */
#include "daemon/image/jpeg_entropy.h"

#include "daemon/image/jpeg_symbols.h"

/* The blocks of an MCU, in their order. */
struct mcu {
    uint32_t count;
    struct {
        uint32_t component;
        int16_t *block; /* of the first MCU */
        uint8_t *last;
        size_t step; /* blocks from one MCU's to the next one's */
    } blocks[JPEG_BLOCKS_MAX];
};

static void lay_out(const struct jpeg_frame *frame, const struct jpeg_coefficients *out,
                    struct mcu *mcu)
{
    mcu->count = 0;
    for (uint32_t c = 0; c < frame->component_count; c++) {
        const struct jpeg_component *component = &frame->components[c];
        for (uint32_t i = 0; i < component->v * component->h; i++) {
            size_t at = (size_t)(i / component->h) * out->count * component->h + i % component->h;
            mcu->blocks[mcu->count].component = c;
            mcu->blocks[mcu->count].block = &out->block[c][at * JPEG_BLOCK_LEN];
            mcu->blocks[mcu->count].last = &out->last[c][at];
            mcu->blocks[mcu->count].step = component->h;
            mcu->count++;
        }
    }
}

void jpeg_lane_start(struct jpeg_lane *lane, const struct jpeg_frame *frame)
{
    *lane = (struct jpeg_lane){.restart_left = frame->restart_interval};
    jpeg_bits_begin(&lane->bits, frame->scan, frame->scan + frame->scan_len);
}

bool jpeg_lane_enter(struct jpeg_lane *lane, const struct jpeg_frame *frame,
                     const struct jpeg_entry *entry, uint32_t mcu)
{
    uint32_t byte = entry->bit / 8;
    if (byte < frame->scan_from || byte - frame->scan_from >= frame->scan_len)
        return false;
    jpeg_lane_start(lane, frame);
    lane->bits.next += byte - frame->scan_from;
    jpeg_bits_refill(&lane->bits);
    jpeg_bits_take(&lane->bits, (int)(entry->bit % 8));
    for (uint32_t c = 0; c < frame->component_count; c++)
        lane->dc[c] = entry->dc[c];
    if (frame->restart_interval > 0) {
        lane->restart_left -= mcu % frame->restart_interval;
        lane->restart_number = mcu / frame->restart_interval % 8;
    }
    return true;
}

/* Before an MCU: a restart where one is due. */
static bool pass_restart(const struct jpeg_frame *frame, struct jpeg_lane *lane)
{
    if (frame->restart_interval == 0 || lane->restart_left > 0)
        return true;
    if (!jpeg_bits_restart(&lane->bits, lane->restart_number))
        return false;
    lane->restart_number = (lane->restart_number + 1) % 8;
    lane->restart_left = frame->restart_interval;
    memset(lane->dc, 0, sizeof lane->dc);
    return true;
}

bool jpeg_lane_place(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                     struct jpeg_entry *entry)
{
    if (!pass_restart(frame, lane) || !jpeg_bits_given(&lane->bits))
        return false;
    uint8_t taken;
    const uint8_t *place = jpeg_bits_place(&lane->bits, frame->scan, &taken);
    entry->bit = (frame->scan_from + (uint32_t)(place - frame->scan)) * 8 + taken;
    for (uint32_t c = 0; c < JPEG_COMPONENTS_MAX; c++)
        entry->dc[c] = (int16_t)lane->dc[c];
    return true;
}

uint32_t jpeg_lane_bytes(const struct jpeg_frame *frame, const struct jpeg_lane *lane)
{
    if (!jpeg_bits_given(&lane->bits))
        return 0;
    const uint8_t *end = jpeg_bits_end(&lane->bits, frame->scan);
    return frame->scan_from + (uint32_t)(end - frame->scan);
}

static inline bool keep_mcu(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                            const struct mcu *mcu, uint32_t at)
{
    struct jpeg_bits bits = lane->bits;
    for (uint32_t i = 0; i < mcu->count; i++) {
        uint32_t c = mcu->blocks[i].component;
        size_t place = at * mcu->blocks[i].step;
        int16_t *block = &mcu->blocks[i].block[place * JPEG_BLOCK_LEN];
        uint32_t last;
        if (!jpeg_symbols_dc(&bits, frame->components[c].dc, &lane->dc[c]))
            return false;
        block[0] = (int16_t)lane->dc[c];
        if (!jpeg_symbols_keep(&bits, frame->components[c].ac, block, &last))
            return false;
        mcu->blocks[i].last[place] = (uint8_t)last;
    }
    lane->bits = bits;
    lane->restart_left--;
    return true;
}

bool jpeg_entropy_keep(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                       const struct jpeg_coefficients *out, uint32_t first, uint32_t count)
{
    struct mcu mcu;
    lay_out(frame, out, &mcu);
    for (uint32_t i = first; i < first + count; i++) {
        if (!pass_restart(frame, lane) || !keep_mcu(frame, lane, &mcu, i))
            return false;
    }
    return true;
}

static inline bool skip_component(const struct jpeg_component *component, struct jpeg_bits *bits,
                                  int32_t *dc)
{
    for (uint32_t i = 0; i < component->h * component->v; i++) {
        if (!jpeg_symbols_dc(bits, component->dc, dc) || !jpeg_symbols_skip(bits, component->ac))
            return false;
    }
    return true;
}

static inline bool skip_mcu(const struct jpeg_frame *frame, struct jpeg_lane *lane)
{
    struct jpeg_bits bits = lane->bits;
    for (uint32_t c = 0; c < frame->component_count; c++) {
        if (!skip_component(&frame->components[c], &bits, &lane->dc[c]))
            return false;
    }
    lane->bits = bits;
    lane->restart_left--;
    return true;
}

bool jpeg_entropy_skip(const struct jpeg_frame *frame, struct jpeg_lane *lane, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!pass_restart(frame, lane) || !skip_mcu(frame, lane))
            return false;
    }
    return true;
}

bool jpeg_entropy_note(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                       const struct jpeg_entries *entries, uint32_t row)
{
    struct jpeg_entry *entry = &entries->entry[(size_t)row * entries->columns];
    for (uint32_t column = 0; column < frame->mcu_columns; column += entries->step) {
        uint32_t left = frame->mcu_columns - column;
        if (!jpeg_lane_place(frame, lane, entry++) ||
            !jpeg_entropy_skip(frame, lane, left < entries->step ? left : entries->step))
            return false;
    }
    return true;
}

bool jpeg_entropy_scan(const struct jpeg_frame *frame, const struct jpeg_entries *entries,
                       uint32_t *scan_len)
{
    struct jpeg_lane lane;
    jpeg_lane_start(&lane, frame);
    for (uint32_t row = 0; row < frame->mcu_rows; row++) {
        if (!jpeg_entropy_note(frame, &lane, entries, row))
            return false;
    }
    *scan_len = jpeg_lane_bytes(frame, &lane);
    return jpeg_bits_sound(&lane.bits);
}
