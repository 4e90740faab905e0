/*
 * A map of a JPEG: to and from a frame.
 */
#include "daemon/image/jpeg_map.h"

#include <string.h>

static uint32_t divided_up(uint32_t count, uint32_t by)
{
    return (count + by - 1) / by;
}

size_t jpeg_map_choose_step(const struct jpeg_frame *frame, size_t bytes_max,
                            struct jpeg_entries *entries)
{
    if (bytes_max > JPEG_MAP_ENTRY_BYTES_MAX)
        bytes_max = JPEG_MAP_ENTRY_BYTES_MAX;
    size_t row_bytes = jpeg_map_entry_bytes(frame->component_count) * frame->mcu_rows;
    uint32_t columns_max = (uint32_t)(bytes_max / row_bytes);
    entries->step = columns_max > 0 ? divided_up(frame->mcu_columns, columns_max) : 0;
    entries->columns = columns_max > 0 ? divided_up(frame->mcu_columns, entries->step) : 0;
    return (size_t)frame->mcu_rows * entries->columns;
}

void jpeg_map_note(struct jpeg_map *map, const struct jpeg_frame *frame, const uint8_t *file)
{
    *map = (struct jpeg_map){
        .height = frame->height,
        .width = frame->width,
        .orientation = map->orientation,
        .component_count = frame->component_count,
        .h = frame->components[0].h,
        .v = frame->components[0].v,
        .restart_interval = frame->restart_interval,
        .scan_offset = (uint64_t)(frame->scan - file),
    };
    for (uint32_t c = 0; c < frame->component_count; c++) {
        memcpy(map->tables.quant[c], frame->components[c].quant, sizeof map->tables.quant[c]);
        map->tables.dc[c] = frame->components[c].dc->codes;
        map->tables.ac[c] = frame->components[c].ac->codes;
    }
}

static bool has_usual_frame(const struct jpeg_map *map)
{
    uint32_t factor_max = map->component_count == 3 ? 2 : 1;
    return (map->component_count == 1 || map->component_count == 3) && map->h >= 1 &&
           map->h <= factor_max && map->v >= 1 && map->v <= factor_max && map->height >= 1 &&
           map->height <= JPEG_FRAME_SIDE_MAX && map->width >= 1 &&
           map->width <= JPEG_FRAME_SIDE_MAX;
}

/* The first entry point is the scan's beginning. */
static bool begins(const struct jpeg_entry *first)
{
    return first->bit == 0 && first->dc[0] == 0 && first->dc[1] == 0 && first->dc[2] == 0;
}

static void set_components(const struct jpeg_map *map, struct jpeg_frame *frame)
{
    for (uint32_t c = 0; c < frame->component_count; c++) {
        struct jpeg_component *component = &frame->components[c];
        component->h = c == 0 ? map->h : 1;
        component->v = c == 0 ? map->v : 1;
        component->height = divided_up(map->height * component->v, map->v);
        component->width = divided_up(map->width * component->h, map->h);
        memcpy(component->quant, map->tables.quant[c], sizeof component->quant);
    }
}

static bool set_tables(const struct jpeg_map *map, struct jpeg_tables *tables,
                       struct jpeg_frame *frame)
{
    for (uint32_t c = 0; c < frame->component_count; c++) {
        struct jpeg_component *component = &frame->components[c];
        component->dc = jpeg_tables_dc(tables, &map->tables.dc[c]);
        component->ac = jpeg_tables_ac(tables, &map->tables.ac[c]);
        if (component->dc == NULL || component->ac == NULL)
            return false;
    }
    return true;
}

bool jpeg_map_frame(const struct jpeg_map *map, struct jpeg_tables *tables,
                    struct jpeg_frame *frame)
{
    if (!has_usual_frame(map))
        return false;
    *frame = (struct jpeg_frame){
        .height = map->height,
        .width = map->width,
        .mcu_rows = divided_up(map->height, map->v * JPEG_BLOCK_SIDE),
        .mcu_columns = divided_up(map->width, map->h * JPEG_BLOCK_SIDE),
        .component_count = map->component_count,
        .restart_interval = map->restart_interval,
    };
    set_components(map, frame);
    return jpeg_frame_is_usual(frame) && map->entries.step > 0 &&
           map->entries.step <= frame->mcu_columns &&
           map->entries.columns == divided_up(frame->mcu_columns, map->entries.step) &&
           map->scan_offset < UINT64_MAX - UINT32_MAX && map->scan_len > 0 &&
           map->scan_len < JPEG_MAP_SCAN_BYTES_MAX && begins(map->entries.entry) &&
           (tables == NULL || set_tables(map, tables, frame));
}

bool jpeg_map_place(const struct jpeg_map *map, const uint8_t *bytes, uint64_t from, size_t len,
                    struct jpeg_frame *frame)
{
    uint64_t before = from < map->scan_offset ? map->scan_offset - from : 0;
    uint64_t passed = from > map->scan_offset ? from - map->scan_offset : 0;
    if (before >= len || passed >= map->scan_len)
        return false;
    size_t rest = map->scan_len - (size_t)passed;
    frame->scan = bytes + before;
    frame->scan_len = len - (size_t)before < rest ? len - (size_t)before : rest;
    frame->scan_from = (uint32_t)passed;
    return true;
}

/* The end of the bytes that hold all bits before an entry point: a byte that is shared, and the
 * zero that may be behind it. */
static uint64_t end_before(const struct jpeg_map *map, const struct jpeg_entry *entry)
{
    uint64_t end = entry->bit / 8 + (entry->bit % 8 > 0 ? 2 : 0);
    return end < map->scan_len ? end : map->scan_len;
}

bool jpeg_map_range(const struct jpeg_map *map, const struct box *area, uint64_t *from,
                    uint64_t *len)
{
    struct jpeg_frame frame;
    *from = 0;
    *len = 0;
    if (!jpeg_map_frame(map, NULL, &frame))
        return false;
    const struct jpeg_entries *entries = &map->entries;
    struct jpeg_mcus mcus = jpeg_frame_mcus(&frame, area);
    uint32_t first =
        jpeg_entries_sure(entries, &frame, mcus.top * entries->columns + mcus.left / entries->step);
    /* The entry point behind a row's last one is the first of the next row. */
    uint32_t behind =
        mcus.bottom * entries->columns + divided_up(mcus.left + mcus.count, entries->step);
    uint64_t begin = entries->entry[first].bit / 8;
    uint64_t end = behind < frame.mcu_rows * entries->columns
                       ? end_before(map, &entries->entry[behind])
                       : map->scan_len;
    if (begin >= end)
        return false;
    *from = map->scan_offset + begin;
    *len = end - begin;
    return true;
}
