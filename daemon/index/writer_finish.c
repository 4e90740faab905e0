/*
 * The end of a part: a directory, a trailer, and its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/index/record.h"
#include "daemon/index/writer_parts.h"

static enum stk_status write_blocks(struct index_writer *writer)
{
    uint8_t *block = malloc(LAYOUT_BLOCK_BYTES_MAX);
    enum stk_status status = block != NULL ? STK_OK : STK_MEMORY;
    size_t count = writer->places.count;
    for (size_t i = 0; status == STK_OK && i < count; i += LAYOUT_BLOCK_PLACES) {
        size_t left = count - i;
        size_t len =
            layout_encode_block(&writer->places.table[i],
                                left < LAYOUT_BLOCK_PLACES ? left : LAYOUT_BLOCK_PLACES, block);
        status = writer_append(writer, block, len);
    }
    free(block);
    return status;
}

static enum stk_status write_directory(struct index_writer *writer)
{
    const struct trailer trailer = {.directory = writer->end,
                                    .records = writer->places.count,
                                    .samples = writer->samples,
                                    .with_entries = writer->with_entries};
    uint8_t bytes[LAYOUT_TRAILER_BYTES];
    places_sort(&writer->places);
    enum stk_status status = write_blocks(writer);
    layout_encode_trailer(&trailer, bytes);
    if (status == STK_OK)
        status = writer_append(writer, bytes, sizeof bytes);
    /* The trailer is where the file ends. */
    if (status == STK_OK && ftruncate(writer->fd, (off_t)writer->end) != 0)
        status = STK_SYSTEM;
    return status;
}

/* The name is on the disk once its folder is. */
static enum stk_status sync_folder(const struct index_writer *writer)
{
    char *copy = strdup(writer->name);
    if (copy == NULL)
        return STK_MEMORY;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return STK_SYSTEM;
    enum stk_status status = fsync(fd) == 0 || errno == EINVAL ? STK_OK : STK_SYSTEM;
    close(fd);
    return status;
}

enum stk_status index_writer_finish(struct index_writer **writer, char *error)
{
    struct index_writer *its = *writer;
    uint64_t end = its->end;
    enum stk_status status = write_directory(its);
    if (status == STK_OK && (fsync(its->fd) != 0 || rename(its->part, its->name) != 0))
        status = STK_SYSTEM;
    if (status != STK_OK) {
        status = writer_explain(its, status, "finish", error);
        /* Where this fails, the next writer finds that a directory is no record. */
        int ignored = ftruncate(its->fd, (off_t)end);
        (void)ignored;
    } else if (sync_folder(its) != STK_OK) {
        status = writer_explain(its, STK_SYSTEM, "keep", error);
    }
    index_writer_close(writer);
    return status;
}
