/*
 * A JPEG's frame: from what libjpeg-turbo made of the header.
 */
#include "daemon/image/jpeg_frame.h"

#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

/* One scan for all, and nothing in it but what a sequential file has. */
static bool is_sequential(const struct jpeg_decompress_struct *jpeg)
{
    return !jpeg->progressive_mode && !jpeg->arith_code && jpeg->data_precision == 8 &&
           jpeg->comps_in_scan == jpeg->num_components && jpeg->Ss == 0 &&
           jpeg->Se == JPEG_BLOCK_LEN - 1 && jpeg->Ah == 0 && jpeg->Al == 0 &&
           jpeg->image_width <= JPEG_FRAME_SIDE_MAX && jpeg->image_height <= JPEG_FRAME_SIDE_MAX;
}

static bool has_colours(const struct jpeg_decompress_struct *jpeg)
{
    return (jpeg->num_components == 1 && jpeg->jpeg_color_space == JCS_GRAYSCALE) ||
           (jpeg->num_components == 3 && jpeg->jpeg_color_space == JCS_YCbCr);
}

/* The colours are as fine as the first component or half as fine. */
static bool has_usual_sampling(const struct jpeg_decompress_struct *jpeg)
{
    const jpeg_component_info *first = &jpeg->comp_info[0];
    if (jpeg->num_components == 1)
        return first->h_samp_factor == 1 && first->v_samp_factor == 1;
    for (int i = 1; i < jpeg->num_components; i++) {
        const jpeg_component_info *component = &jpeg->comp_info[i];
        if (component->h_samp_factor != 1 || component->v_samp_factor != 1)
            return false;
    }
    return first->h_samp_factor <= 2 && first->v_samp_factor <= 2;
}

/* The components of the scan stand in the order of the frame: libjpeg-turbo sees to it that none
 * comes twice, and not to the order. */
static bool in_order(const struct jpeg_decompress_struct *jpeg)
{
    for (int i = 0; i < jpeg->comps_in_scan; i++) {
        if (jpeg->cur_comp_info[i] != &jpeg->comp_info[i])
            return false;
    }
    return true;
}

static struct jpeg_codes codes_of(const JHUFF_TBL *table)
{
    struct jpeg_codes codes = {0};
    size_t count = 0;
    for (int i = 0; i < JPEG_CODE_BITS_MAX; i++) {
        codes.counts[i] = table->bits[i + 1];
        count += table->bits[i + 1];
    }
    memcpy(codes.symbols, table->huffval, count < JPEG_SYMBOLS_MAX ? count : JPEG_SYMBOLS_MAX);
    return codes;
}

static bool set_codes(const struct jpeg_decompress_struct *jpeg, const jpeg_component_info *info,
                      struct jpeg_tables *tables, struct jpeg_component *component)
{
    const JHUFF_TBL *dc = jpeg->dc_huff_tbl_ptrs[info->dc_tbl_no & (NUM_HUFF_TBLS - 1)];
    const JHUFF_TBL *ac = jpeg->ac_huff_tbl_ptrs[info->ac_tbl_no & (NUM_HUFF_TBLS - 1)];
    if (info->dc_tbl_no >= NUM_HUFF_TBLS || info->ac_tbl_no >= NUM_HUFF_TBLS || dc == NULL ||
        ac == NULL)
        return false;
    struct jpeg_codes codes = codes_of(dc);
    component->dc = jpeg_tables_dc(tables, &codes);
    codes = codes_of(ac);
    component->ac = jpeg_tables_ac(tables, &codes);
    return component->dc != NULL && component->ac != NULL;
}

static bool set_component(const struct jpeg_decompress_struct *jpeg,
                          const jpeg_component_info *info, struct jpeg_tables *tables,
                          struct jpeg_component *component)
{
    component->h = (uint32_t)info->h_samp_factor;
    component->v = (uint32_t)info->v_samp_factor;
    component->height = info->downsampled_height;
    component->width = info->downsampled_width;
    if (info->quant_tbl_no < 0 || info->quant_tbl_no >= NUM_QUANT_TBLS ||
        jpeg->quant_tbl_ptrs[info->quant_tbl_no] == NULL)
        return false;
    memcpy(component->quant, jpeg->quant_tbl_ptrs[info->quant_tbl_no]->quantval,
           sizeof component->quant);
    return set_codes(jpeg, info, tables, component);
}

static uint32_t divided_up(uint32_t count, uint32_t by)
{
    return (count + by - 1) / by;
}

bool jpeg_frame_read(struct jpeg_frame *frame, const struct jpeg_decompress_struct *jpeg,
                     struct jpeg_tables *tables)
{
    if (!is_sequential(jpeg) || !has_colours(jpeg) || !has_usual_sampling(jpeg) || !in_order(jpeg))
        return false;
    uint32_t h = (uint32_t)jpeg->comp_info[0].h_samp_factor;
    uint32_t v = (uint32_t)jpeg->comp_info[0].v_samp_factor;
    frame->height = jpeg->image_height;
    frame->width = jpeg->image_width;
    frame->mcu_rows = divided_up(frame->height, v * JPEG_BLOCK_SIDE);
    frame->mcu_columns = divided_up(frame->width, h * JPEG_BLOCK_SIDE);
    frame->component_count = (uint32_t)jpeg->num_components;
    frame->restart_interval = jpeg->restart_interval;
    frame->scan = jpeg->src->next_input_byte;
    frame->scan_len = jpeg->src->bytes_in_buffer;
    frame->scan_from = 0;
    for (uint32_t i = 0; i < frame->component_count; i++) {
        if (!set_component(jpeg, &jpeg->comp_info[i], tables, &frame->components[i]))
            return false;
    }
    return jpeg_frame_is_usual(frame);
}

bool jpeg_frame_is_usual(const struct jpeg_frame *frame)
{
    return frame->component_count == 1 || frame->components[1].width > 2;
}

static uint32_t clamped(uint32_t value, uint32_t most)
{
    return value < most ? value : most;
}

/* The component whose samples are the coarsest. */
static const struct jpeg_component *coarsest(const struct jpeg_frame *frame)
{
    return &frame->components[frame->component_count - 1];
}

static uint32_t first_mcu_row(const struct jpeg_frame *frame, uint32_t row)
{
    uint32_t v = frame->components[0].v;
    uint32_t sample = row / v;
    return (sample - clamped(v - 1, sample)) / JPEG_BLOCK_SIDE;
}

uint32_t jpeg_frame_last_mcu_row(const struct jpeg_frame *frame, uint32_t row)
{
    uint32_t v = frame->components[0].v;
    return clamped(row / v + v - 1, coarsest(frame)->height - 1) / JPEG_BLOCK_SIDE;
}

struct jpeg_mcus jpeg_frame_mcus(const struct jpeg_frame *frame, const struct box *area)
{
    uint32_t h = frame->components[0].h;
    uint32_t top = (uint32_t)area->top;
    uint32_t left = (uint32_t)area->left;
    uint32_t first = left / h;
    uint32_t last = (left + (uint32_t)area->width - 1) / h + h - 1;
    first -= clamped(h - 1, first);
    last = clamped(last, coarsest(frame)->width - 1);
    return (struct jpeg_mcus){
        .top = first_mcu_row(frame, top),
        .bottom = jpeg_frame_last_mcu_row(frame, top + (uint32_t)area->height - 1),
        .left = first / JPEG_BLOCK_SIDE,
        .count = last / JPEG_BLOCK_SIDE - first / JPEG_BLOCK_SIDE + 1,
    };
}
