/*
 * JPEG memory: the methods of libjpeg-turbo's memory manager, as its documentation and jmemmgr.c
 * define them.  They never return NULL and leave by error_exit instead.
 */
#include "daemon/image/jpeg_memory.h"

#include <stdbool.h>
#include <string.h>

#include <jerror.h>

/* Its vector code writes rows up to here: twice the 32 bytes of its widest registers. */
enum { ROW_ALIGN = 64 };
_Static_assert(ARENA_ALIGN % ROW_ALIGN == 0 && sizeof(JBLOCK) % ROW_ALIGN == 0,
               "rows and blocks are aligned in an arena");

/* All of a component's coefficients.  libjpeg-turbo's own manager would keep some of the rows in a
 * file; here all are in memory. */
struct jvirt_barray_control {
    JBLOCKARRAY blocks; /* [rows][columns]; NULL until realize_virt_arrays */
    JDIMENSION rows;
    JDIMENSION columns;
    JDIMENSION rows_defined; /* written to, or zeroed */
    boolean zeroed;          /* rows are zero when they are met first */
    struct jvirt_barray_control *next;
};

static struct jpeg_memory *memory_of(j_common_ptr jpeg)
{
    return (struct jpeg_memory *)jpeg->mem;
}

static void *take(j_common_ptr jpeg, int pool, size_t bytes)
{
    (void)pool;
    struct jpeg_memory *memory = memory_of(jpeg);
    void *storage;
    enum stk_status status = arena_take(&memory->arena, bytes, &storage);
    if (status == STK_LIMIT)
        ERREXIT1(jpeg, memory->limit_message, (int)(memory->arena.bytes_max >> 20));
    if (status != STK_OK)
        ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
    return storage;
}

static JSAMPARRAY take_samples(j_common_ptr jpeg, int pool, JDIMENSION columns, JDIMENSION rows)
{
    size_t stride = ((size_t)columns * sizeof(JSAMPLE) + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
    JSAMPARRAY array = take(jpeg, pool, rows * sizeof *array);
    uint8_t *samples = take(jpeg, pool, rows * stride);
    for (JDIMENSION y = 0; y < rows; y++)
        array[y] = (JSAMPROW)(samples + y * stride);
    return array;
}

static JBLOCKARRAY take_blocks(j_common_ptr jpeg, int pool, JDIMENSION columns, JDIMENSION rows)
{
    JBLOCKARRAY array = take(jpeg, pool, rows * sizeof *array);
    JBLOCKROW blocks = take(jpeg, pool, (size_t)rows * columns * sizeof *blocks);
    for (JDIMENSION y = 0; y < rows; y++)
        array[y] = blocks + (size_t)y * columns;
    return array;
}

static jvirt_barray_ptr request_blocks(j_common_ptr jpeg, int pool, boolean zeroed,
                                       JDIMENSION columns, JDIMENSION rows, JDIMENSION rows_max)
{
    (void)rows_max;
    struct jpeg_memory *memory = memory_of(jpeg);
    jvirt_barray_ptr array = take(jpeg, pool, sizeof *array);
    *array = (struct jvirt_barray_control){
        .rows = rows, .columns = columns, .zeroed = zeroed, .next = memory->arrays};
    memory->arrays = array;
    return array;
}

static void realize(j_common_ptr jpeg)
{
    for (jvirt_barray_ptr array = memory_of(jpeg)->arrays; array != NULL; array = array->next) {
        if (array->blocks == NULL)
            array->blocks = take_blocks(jpeg, JPOOL_IMAGE, array->columns, array->rows);
    }
}

/* The scans of a hostile file come in an order of its own, so every access is judged. */
static JBLOCKARRAY access_blocks(j_common_ptr jpeg, jvirt_barray_ptr array, JDIMENSION first,
                                 JDIMENSION count, boolean writable)
{
    JDIMENSION end = first + count;
    bool defined = end <= array->rows_defined;
    if (array->blocks == NULL || end > array->rows || (!defined && !array->zeroed) ||
        (writable && first > array->rows_defined))
        ERREXIT(jpeg, JERR_BAD_VIRTUAL_ACCESS);
    JDIMENSION from = first > array->rows_defined ? first : array->rows_defined;
    for (JDIMENSION y = from; y < end; y++)
        memset(array->blocks[y], 0, array->columns * sizeof(JBLOCK));
    if (writable && !defined)
        array->rows_defined = end;
    return &array->blocks[first];
}

/* Virtual arrays of samples are for quantised colours and, from libjpeg-turbo 3 on, for lossless
 * files of several scans: not for us. */
static jvirt_sarray_ptr request_samples(j_common_ptr jpeg, int pool, boolean zeroed,
                                        JDIMENSION columns, JDIMENSION rows, JDIMENSION rows_max)
{
    (void)pool, (void)zeroed, (void)columns, (void)rows, (void)rows_max;
    ERREXIT(jpeg, JERR_NOTIMPL);
    return NULL;
}

static JSAMPARRAY access_samples(j_common_ptr jpeg, jvirt_sarray_ptr array, JDIMENSION first,
                                 JDIMENSION count, boolean writable)
{
    (void)array, (void)first, (void)count, (void)writable;
    ERREXIT(jpeg, JERR_BAD_VIRTUAL_ACCESS);
    return NULL;
}

static void free_pool(j_common_ptr jpeg, int pool)
{
    if (pool != JPOOL_IMAGE)
        return;
    memory_of(jpeg)->arrays = NULL;
    arena_reset(&memory_of(jpeg)->arena);
}

static void self_destruct(j_common_ptr jpeg)
{
    struct jpeg_memory *memory = memory_of(jpeg);
    free_pool(jpeg, JPOOL_IMAGE);
    jpeg->mem = memory->own;
    memory->own = NULL;
    jpeg->mem->self_destruct(jpeg);
}

enum stk_status jpeg_memory_init(struct jpeg_memory *memory, size_t bytes_max, int limit_message)
{
    *memory = (struct jpeg_memory){
        .methods = {.alloc_small = take,
                    .alloc_large = take,
                    .alloc_sarray = take_samples,
                    .alloc_barray = take_blocks,
                    .request_virt_sarray = request_samples,
                    .request_virt_barray = request_blocks,
                    .realize_virt_arrays = realize,
                    .access_virt_sarray = access_samples,
                    .access_virt_barray = access_blocks,
                    .free_pool = free_pool,
                    .self_destruct = self_destruct},
        .limit_message = limit_message,
    };
    return arena_init(&memory->arena, bytes_max);
}

void jpeg_memory_release(struct jpeg_memory *memory)
{
    arena_release(&memory->arena);
}

void jpeg_memory_install(struct jpeg_memory *memory, struct jpeg_decompress_struct *jpeg)
{
    memory->own = jpeg->mem;
    memory->methods.max_memory_to_use = (long)memory->arena.bytes_max;
    memory->methods.max_alloc_chunk = jpeg->mem->max_alloc_chunk;
    jpeg->mem = &memory->methods;
}

void jpeg_memory_forget(struct jpeg_decompress_struct *jpeg)
{
    jpeg_abort_decompress(jpeg);
    for (int i = 0; i < NUM_QUANT_TBLS; i++)
        jpeg->quant_tbl_ptrs[i] = NULL;
    for (int i = 0; i < NUM_HUFF_TBLS; i++) {
        jpeg->dc_huff_tbl_ptrs[i] = NULL;
        jpeg->ac_huff_tbl_ptrs[i] = NULL;
    }
}
