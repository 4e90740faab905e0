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

void jpeg_lane_enter(struct jpeg_lane *lane, const struct jpeg_frame *frame,
                     const struct jpeg_entry *entry, uint32_t mcu)
{
    jpeg_lane_start(lane, frame);
    lane->bits.next += entry->byte;
    jpeg_bits_refill(&lane->bits);
    jpeg_bits_take(&lane->bits, entry->bit);
    for (uint32_t c = 0; c < frame->component_count; c++)
        lane->dc[c] = entry->dc[c];
    if (frame->restart_interval > 0) {
        lane->restart_left -= mcu % frame->restart_interval;
        lane->restart_number = mcu / frame->restart_interval % 8;
    }
}

/* Before an MCU: a restart where one is due. */
static bool pass_restart(const struct jpeg_frame *frame, struct jpeg_lane *lane)
{
    if (frame->restart_interval == 0)
        return true;
    if (lane->restart_left == 0) {
        if (!jpeg_bits_restart(&lane->bits, lane->restart_number))
            return false;
        lane->restart_number = (lane->restart_number + 1) % 8;
        lane->restart_left = frame->restart_interval;
        memset(lane->dc, 0, sizeof lane->dc);
    }
    lane->restart_left--;
    return true;
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
    return true;
}

bool jpeg_entropy_keep(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                       const struct jpeg_coefficients *out)
{
    struct mcu mcu;
    lay_out(frame, out, &mcu);
    for (uint32_t i = 0; i < out->count; i++) {
        if (!pass_restart(frame, lane) || !keep_mcu(frame, lane, &mcu, i))
            return false;
    }
    return jpeg_bits_sound(&lane->bits);
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
    return true;
}

bool jpeg_entropy_skip(const struct jpeg_frame *frame, struct jpeg_lane *lane, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!pass_restart(frame, lane) || !skip_mcu(frame, lane))
            return false;
    }
    return jpeg_bits_sound(&lane->bits);
}

static void note_entry(const struct jpeg_frame *frame, const struct jpeg_lane *lane,
                       struct jpeg_entry *entry)
{
    const uint8_t *place = jpeg_bits_place(&lane->bits, &entry->bit);
    entry->byte = (uint32_t)(place - frame->scan);
    for (uint32_t c = 0; c < JPEG_COMPONENTS_MAX; c++)
        entry->dc[c] = (int16_t)lane->dc[c];
}

bool jpeg_entropy_scan(const struct jpeg_frame *frame, const struct jpeg_entries *entries)
{
    struct jpeg_lane lane;
    jpeg_lane_start(&lane, frame);
    uint32_t mcus = frame->mcu_rows * frame->mcu_columns;
    for (uint32_t i = 0; i < mcus; i++) {
        uint32_t column = i % frame->mcu_columns;
        if (!pass_restart(frame, &lane))
            return false;
        if (column % entries->step == 0)
            note_entry(frame, &lane,
                       &entries->entry[i / frame->mcu_columns * entries->columns +
                                       column / entries->step]);
        if (!skip_mcu(frame, &lane))
            return false;
    }
    return jpeg_bits_sound(&lane.bits);
}
