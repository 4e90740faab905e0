/*
 * JPEG memory: a decoder that met its pictures once allocates nothing for them again, and what the
 * header's judgement lets pass fits.
 */
#include <stdatomic.h>

#include "daemon/image/image.h"
#include "tests/jpegs.h"
#include "tests/suite.h"

/* Calls of malloc and its kin in this process; relaxed, because one thread alone is counted. */
static atomic_ulong allocations;

static void count_allocation(void)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* The sanitizers have a malloc of their own, and a hook in it. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *storage, size_t bytes)
{
    (void)storage, (void)bytes;
    count_allocation();
}

static void on_free(const volatile void *storage)
{
    (void)storage;
}

static void start_counting(void)
{
    ck_assert_int_ne(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
}

#else

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *storage, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);

void *malloc(size_t bytes)
{
    count_allocation();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    count_allocation();
    return __libc_calloc(count, bytes);
}

void *realloc(void *storage, size_t bytes)
{
    count_allocation();
    return __libc_realloc(storage, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    count_allocation();
    return __libc_memalign(align, bytes);
}

static void start_counting(void) {}

#endif

enum { SIDE = 64, FILES = 8 * KINDS, JOBS = 1500 };

struct job {
    const struct jpeg *file;
    struct view view;
    bool flip;
};

static struct jpeg files[FILES];
static struct job jobs[JOBS];
static uint8_t slot[SIDE * SIDE * 3];

static void make_jobs(void)
{
    for (int i = 0; i < FILES; i++)
        files[i] = write_jpeg(&kinds[i % KINDS], 1 + random_below(SIDE_MAX),
                              1 + random_below(SIDE_MAX), NULL, 0);
    for (int i = 0; i < JOBS; i++) {
        const struct jpeg *file = &files[random_below(FILES)];
        struct view view = {.resized_height = SIDE, .resized_width = SIDE};
        view.box.height = 1 + (int32_t)random_below(file->height);
        view.box.width = 1 + (int32_t)random_below(file->width);
        view.box.top = (int32_t)(random_below(file->height - (uint32_t)view.box.height + 1));
        view.box.left = (int32_t)(random_below(file->width - (uint32_t)view.box.width + 1));
        jobs[i] = (struct job){file, view, i % 2 == 0};
    }
}

static unsigned long allocations_of(struct image_decoder *decoder, const struct job *job,
                                    const struct image_format *format)
{
    char reason[IMAGE_REASON_BYTES];
    unsigned long before = atomic_load(&allocations);
    enum stk_status status =
        decode(decoder, job->file, &job->view, job->flip, format, slot, reason);
    unsigned long after = atomic_load(&allocations);
    ck_assert_msg(status == STK_OK, "%s", reason);
    return after - before;
}

START_TEST(a_decoder_allocates_nothing_for_what_it_met)
{
    start_counting();
    random_state = 21;
    make_jobs();
    struct image_decoder *decoder = open_decoder(&generous);
    struct image_format format = format_u8(SIDE, SIDE);
    unsigned long first_round = 0;
    for (int i = 0; i < JOBS; i++)
        first_round += allocations_of(decoder, &jobs[i], &format);
    ck_assert_uint_gt(first_round, 0);
    for (int i = JOBS - 1; i >= 0; i--)
        ck_assert_uint_eq(allocations_of(decoder, &jobs[i], &format), 0);
    image_decoder_close(&decoder);
    for (int i = 0; i < FILES; i++)
        free(files[i].bytes);
}
END_TEST

/* A picture is refused by its header or not at all for its memory, at every limit: what the header
 * says is counted for enough. */
START_TEST(what_the_header_lets_pass_fits_into_the_limit)
{
    random_state = 22;
    struct image_format format = format_u8(8, 8);
    int passed = 0, refused = 0;
    for (int i = 0; i < 600; i++) {
        struct jpeg file = write_jpeg(&kinds[i % KINDS], 1 + random_below(SIDE_MAX),
                                      1 + random_below(SIDE_MAX), NULL, 0);
        struct image_limits limits = generous;
        limits.decoder_bytes_max = (256u << 10) + random_below(1u << 19);
        struct image_decoder *decoder = open_decoder(&limits);
        char reason[IMAGE_REASON_BYTES];
        uint32_t height, width;
        enum stk_status status =
            image_decoder_begin(decoder, file.bytes, file.len, &height, &width, reason);
        ck_assert(status == STK_OK || status == STK_LIMIT);
        refused += status == STK_LIMIT;
        if (status == STK_OK) {
            struct view view = {{0, 0, (int32_t)height, (int32_t)width}, 8, 8, 0, 0, {0}};
            status = image_decoder_finish(decoder, &view, false, &format, slot, reason);
            ck_assert_msg(status == STK_OK, "%s", reason);
            passed++;
        }
        image_decoder_close(&decoder);
        free(file.bytes);
    }
    ck_assert_int_gt(passed, 100);
    ck_assert_int_gt(refused, 30);
}
END_TEST

/* Less than any picture needs: the header is read, and the limit of the memory holds behind it. */
START_TEST(the_limit_holds_in_every_place)
{
    random_state = 23;
    struct jpeg file = write_jpeg(kind_of("4:2:0"), 60, 60, NULL, 0);
    for (size_t bytes = 1; bytes < 16 << 10; bytes += 61) {
        struct image_limits limits = generous;
        limits.decoder_bytes_max = bytes;
        struct image_decoder *decoder = open_decoder(&limits);
        char reason[IMAGE_REASON_BYTES];
        uint32_t height, width;
        ck_assert_int_eq(
            image_decoder_begin(decoder, file.bytes, file.len, &height, &width, reason), STK_LIMIT);
        ck_assert_ptr_nonnull(strstr(reason, "decoding takes more memory than the limit"));
        image_decoder_close(&decoder);
    }
    free(file.bytes);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("jpeg_memory");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_decoder_allocates_nothing_for_what_it_met);
    tcase_add_test(tests, what_the_header_lets_pass_fits_into_the_limit);
    tcase_add_test(tests, the_limit_holds_in_every_place);
    return suite_run("jpeg_memory", tests);
}
