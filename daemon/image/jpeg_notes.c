/*
 * Notes: see jpeg_notes.h.
 */
#include "daemon/image/jpeg_notes.h"

#include <stdlib.h>

#include "daemon/image/exif.h"
#include "daemon/image/grow.h"

void jpeg_notes_release(struct jpeg_notes *notes)
{
    free(notes->storage);
    *notes = (struct jpeg_notes){0};
}

void jpeg_notes_begin(struct jpeg_notes *notes, const uint8_t *jpeg, size_t len, uint32_t height,
                      uint32_t width)
{
    notes->file = jpeg;
    notes->map = (struct jpeg_map){
        .height = height, .width = width, .orientation = exif_orientation(jpeg, len)};
}

bool jpeg_notes_plan(struct jpeg_notes *notes, const struct jpeg_frame *frame)
{
    struct jpeg_entries *entries = &notes->map.entries;
    jpeg_map_note(&notes->map, frame, notes->file);
    size_t count = jpeg_map_choose_step(frame, notes->entry_bytes_max, entries);
    if (count > 0)
        notes->storage = grow(notes->storage, &notes->storage_max, count, sizeof *notes->storage);
    entries->entry = notes->storage;
    if (count > 0 && entries->entry != NULL)
        return true;
    *entries = (struct jpeg_entries){0};
    return false;
}

void jpeg_notes_refuse(struct jpeg_notes *notes)
{
    notes->map = (struct jpeg_map){.height = notes->map.height,
                                   .width = notes->map.width,
                                   .orientation = notes->map.orientation};
}
