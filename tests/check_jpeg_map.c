/*
 * Maps of JPEGs: what is decoded from the bytes that a map names equals what the whole file gives,
 * to the byte; a map that does not fit is found out; and only sound files have one.
 *
 * STOKER_CASES sets how many pictures, STOKER_SEED other ones.
 */
#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/image/decode.h"
#include "daemon/image/jpeg_map.h"
#include "tests/jpegs.h"
#include "tests/own_jpegs.h"
#include "tests/suite.h"

enum { PICTURES = 400, VIEWS = 6, SERVED_SIDE_MAX = 64 };

static unsigned long pictures(void)
{
    return from_environment("STOKER_CASES", PICTURES);
}

/* Bytes between two pages that cannot be read: at the first one's end or at the last one's
 * beginning, in turns. */
struct cell {
    uint8_t *pages;
    size_t bytes;
    size_t page;
    bool high;
};

static struct cell cell_open(void)
{
    struct cell cell = {.bytes = 8 << 20, .page = (size_t)sysconf(_SC_PAGESIZE)};
    cell.pages =
        mmap(NULL, cell.bytes + 2 * cell.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(cell.pages != MAP_FAILED);
    ck_assert_int_eq(mprotect(cell.pages + cell.page, cell.bytes, PROT_READ | PROT_WRITE), 0);
    return cell;
}

static void cell_close(struct cell *cell)
{
    munmap(cell->pages, cell->bytes + 2 * cell->page);
}

static const uint8_t *cell_put(struct cell *cell, const uint8_t *bytes, size_t len)
{
    ck_assert_uint_le(len, cell->bytes);
    cell->high = !cell->high;
    uint8_t *place = cell->pages + cell->page + (cell->high ? cell->bytes - len : 0);
    memcpy(place, bytes, len);
    return place;
}

/* What the tests share: decoders, slots for what two of them make of a picture, and how far a walk
 * is. */
struct bench {
    struct image_decoder *decoder; /* of whole files */
    struct image_decoder *mapper;
    struct image_decoder *enterer;
    struct cell cell;
    struct image_format format;
    struct view view;
    bool flip;
    char text[KIND_TEXT_BYTES];
    char reason[IMAGE_REASON_BYTES];
    uint8_t whole[SERVED_SIDE_MAX * SERVED_SIDE_MAX * 3];
    uint8_t entered[SERVED_SIDE_MAX * SERVED_SIDE_MAX * 3];
    struct jpeg file;
    struct jpeg_map map;
    unsigned long number; /* of the picture */
    int look;             /* at it */
    unsigned long looks;  /* at all of them */
    unsigned long stale;  /* maps that were found out */
};

static struct bench *bench_open(void)
{
    struct bench *bench = calloc(1, sizeof *bench);
    ck_assert_ptr_nonnull(bench);
    bench->decoder = open_decoder(&generous);
    bench->mapper = open_decoder(&generous);
    bench->enterer = open_decoder(&generous);
    bench->cell = cell_open();
    return bench;
}

static void bench_close(struct bench *bench)
{
    image_decoder_close(&bench->decoder);
    image_decoder_close(&bench->mapper);
    image_decoder_close(&bench->enterer);
    cell_close(&bench->cell);
    free(bench);
}

/* A part of a side. */
static void random_part(uint32_t side, int32_t *first, int32_t *count)
{
    *first = (int32_t)random_below(side);
    uint32_t most = side - (uint32_t)*first;
    *count = (int32_t)(1 + random_below(random_below(2) && most > 8 ? 8 : most));
}

/* A crop resized, a window of the resized whole, or one that reaches beyond it. */
static void random_view(struct bench *bench, const struct jpeg *file)
{
    struct image_format *format = &bench->format;
    struct view *view = &bench->view;
    *format = format_u8(1 + random_below(SERVED_SIDE_MAX), 1 + random_below(SERVED_SIDE_MAX));
    format->interpolation = (enum interpolation)random_below(5);
    bench->flip = random_below(2) == 0;
    *view = view_of_all(file);
    switch (random_below(3)) {
    case 0:
        random_part(file->height, &view->box.top, &view->box.height);
        random_part(file->width, &view->box.left, &view->box.width);
        view->resized_height = format->height;
        view->resized_width = format->width;
        return;
    case 1:
        view->resized_height = format->height + random_below(200);
        view->resized_width = format->width + random_below(200);
        view->top = (int32_t)random_below(view->resized_height - format->height + 1);
        view->left = (int32_t)random_below(view->resized_width - format->width + 1);
        return;
    default:
        view->top = (int32_t)random_below(view->resized_height + format->height - 1);
        view->left = (int32_t)random_below(view->resized_width + format->width - 1);
        view->top -= (int32_t)format->height - 1;
        view->left -= (int32_t)format->width - 1;
        view->fill[0] = 7;
    }
}

static enum stk_status decode_file(struct bench *bench, const struct jpeg *file)
{
    return decode(bench->decoder, file, &bench->view, bench->flip, &bench->format, bench->whole,
                  bench->reason);
}

static size_t random_entry_bytes(void)
{
    return random_below(2) ? random_below(JPEG_MAP_ENTRY_BYTES_MAX) : random_below(2000);
}

/* Decode the view from the bytes that a map names, and no other is there. */
static enum stk_status enter(struct bench *bench, const struct jpeg_map *map,
                             const struct jpeg *file)
{
    uint64_t from, len;
    if (!image_map_range(map, &bench->view, &bench->format, &from, &len))
        return STK_STALE;
    ck_assert_uint_gt(len, 0);
    if (from > file->len || len > file->len - from)
        return STK_STALE;
    const uint8_t *bytes = cell_put(&bench->cell, &file->bytes[from], len);
    enum stk_status status = image_decoder_enter(bench->enterer, map, bytes, from, len);
    return status != STK_OK ? status
                            : image_decoder_finish(bench->enterer, &bench->view, bench->flip,
                                                   &bench->format, bench->entered, bench->reason);
}

static bool same_slots(const struct bench *bench)
{
    return memcmp(bench->whole, bench->entered, image_format_bytes(&bench->format)) == 0;
}

/* Draw so many pictures, map them, and look so often at each whose map can be entered by. */
static void walk(struct bench *bench, unsigned long count, int looks,
                 void (*look)(struct bench *bench))
{
    for (bench->number = 1; bench->number <= count; bench->number++) {
        struct jpeg *file = &bench->file;
        *file = own_picture(bench->number, bench->text);
        ck_assert_int_eq(image_map(bench->mapper, file->bytes, file->len, random_entry_bytes(),
                                   &bench->map, bench->reason),
                         STK_OK);
        for (bench->look = 0; bench->look < looks && bench->map.entries.columns > 0;
             bench->look++) {
            look(bench);
            bench->looks++;
        }
        free(file->bytes);
    }
}

/* A view of the picture, as the whole file gives it. */
static void view_whole(struct bench *bench)
{
    random_view(bench, &bench->file);
    ck_assert_int_eq(decode_file(bench, &bench->file), STK_OK);
}

static void look_by_map(struct bench *bench)
{
    view_whole(bench);
    ck_assert_msg(enter(bench, &bench->map, &bench->file) == STK_OK && same_slots(bench),
                  "picture %lu, view %d, %s: %s", bench->number, bench->look, bench->text,
                  bench->reason);
}

START_TEST(views_of_their_own_bytes_are_those_of_the_file)
{
    struct bench *bench = bench_open();
    walk(bench, pictures(), VIEWS, look_by_map);
    ck_assert_uint_gt(bench->looks, pictures() * VIEWS / 2);
    bench_close(bench);
}
END_TEST

static void check_same_maps(const struct jpeg_map *a, const struct jpeg_map *b, const char *text)
{
    struct jpeg_map left = *a, right = *b;
    left.entries.entry = NULL;
    right.entries.entry = NULL;
    ck_assert_msg(memcmp(&left.tables, &right.tables, sizeof left.tables) == 0, "%s", text);
    ck_assert_int_eq(left.height, right.height);
    ck_assert_int_eq(left.width, right.width);
    ck_assert_int_eq(left.orientation, right.orientation);
    ck_assert_int_eq(left.component_count, right.component_count);
    ck_assert_int_eq(left.h, right.h);
    ck_assert_int_eq(left.v, right.v);
    ck_assert_int_eq(left.restart_interval, right.restart_interval);
    ck_assert_uint_eq(left.scan_offset, right.scan_offset);
    ck_assert_msg(left.scan_len == right.scan_len, "%s", text);
    ck_assert_int_eq(left.entries.step, right.entries.step);
    ck_assert_int_eq(left.entries.columns, right.entries.columns);
    if (left.entries.columns == 0)
        return;
    size_t count = (a->height + 8 * a->v - 1) / (8 * a->v) * a->entries.columns;
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(a->entries.entry[i].bit == b->entries.entry[i].bit, "%s: %zu", text, i);
        ck_assert_mem_eq(a->entries.entry[i].dc, b->entries.entry[i].dc,
                         sizeof a->entries.entry->dc);
    }
}

/* Sound files of any kind, and damaged ones: nothing shows that a map is collected, and it is the
 * one that is made of the whole file. */
START_TEST(a_collected_map_is_that_of_the_file)
{
    struct bench *bench = bench_open();
    struct image_decoder *collecter = open_decoder(&generous);
    char reason[IMAGE_REASON_BYTES];
    for (unsigned long number = 1; number <= pictures(); number++) {
        struct jpeg file = own_picture(number, bench->text);
        if (number % 8 == 0) {
            free(file.bytes);
            struct kind kind = random_kind();
            file = write_jpeg(&kind, random_side(OWN_SIDE_MAX), random_side(OWN_SIDE_MAX), NULL, 0);
            kind_text(&kind, bench->text);
        }
        if (number % 3 == 0)
            damage(&file);
        size_t entry_bytes_max = random_entry_bytes();
        uint32_t height, width;
        struct jpeg_map map;
        enum stk_status mapped =
            image_map(bench->mapper, file.bytes, file.len, entry_bytes_max, &map, bench->reason);
        enum stk_status begun =
            image_decoder_begin(collecter, file.bytes, file.len, &height, &width, bench->reason);
        struct jpeg sides = {file.bytes, file.len, height, width};
        if (begun == STK_OK)
            random_view(bench, &sides);
        enum stk_status status = begun == STK_OK ? decode_file(bench, &file) : begun;
        image_decoder_collect(collecter, entry_bytes_max);
        enum stk_status collected =
            image_decoder_begin(collecter, file.bytes, file.len, &height, &width, reason);
        ck_assert_int_eq(begun, collected);
        if (begun == STK_OK)
            collected = image_decoder_finish(collecter, &bench->view, bench->flip, &bench->format,
                                             bench->entered, reason);
        ck_assert_msg(collected == status, "picture %lu, %s", number, bench->text);
        ck_assert(status == STK_OK ? same_slots(bench) : strcmp(reason, bench->reason) == 0);
        const struct jpeg_map *found = image_decoder_collected(collecter);
        ck_assert_int_eq(found != NULL, status == STK_OK);
        if (found != NULL && mapped == STK_OK)
            check_same_maps(found, &map, bench->text);
        else if (found != NULL)
            ck_assert_int_eq(found->component_count, 0);
        free(file.bytes);
    }
    image_decoder_close(&collecter);
    bench_close(bench);
}
END_TEST

/* All rows by libjpeg-turbo, or why there are none. */
static enum stk_status decode_by_library(struct decode *decode, const struct jpeg *file,
                                         char *reason)
{
    struct box all = {0};
    enum stk_status status = decode_begin(decode, file->bytes, file->len, (uint32_t *)&all.height,
                                          (uint32_t *)&all.width, reason);
    if (status == STK_OK)
        status = decode_start(decode, &all, reason);
    const uint8_t *row;
    for (int32_t y = 0; y < all.height && status == STK_OK; y++)
        status = decode_next(decode, &row, reason);
    decode_end(decode);
    return status;
}

START_TEST(no_file_that_the_library_warns_of_has_a_map)
{
    struct bench *bench = bench_open();
    struct decode *library;
    char reason[IMAGE_REASON_BYTES];
    ck_assert_int_eq(decode_open(&generous, &library), STK_OK);
    decode_by_library_alone(library);
    unsigned long refused = 0, sound = 0;
    for (unsigned long number = 1; number <= 2 * pictures(); number++) {
        struct jpeg file = own_picture(number, bench->text);
        damage(&file);
        /* Of just its length, so that a sanitizer sees who reads behind it. */
        struct jpeg cut = {malloc(file.len), file.len, file.height, file.width};
        memcpy(cut.bytes, file.bytes, file.len);
        struct jpeg_map map;
        enum stk_status status =
            image_map(bench->mapper, cut.bytes, cut.len, 1 << 14, &map, bench->reason);
        enum stk_status judged = decode_by_library(library, &cut, reason);
        if (map.entries.columns > 0)
            ck_assert_msg(judged == STK_OK, "picture %lu, %s: %s", number, bench->text, reason);
        if (status != STK_OK)
            ck_assert_msg(judged == status && strcmp(reason, bench->reason) == 0,
                          "picture %lu, %s: \"%s\", and libjpeg-turbo: \"%s\"", number, bench->text,
                          bench->reason, reason);
        refused += status != STK_OK;
        sound += map.entries.columns > 0;
        free(cut.bytes);
        free(file.bytes);
    }
    ck_assert_uint_gt(refused, pictures() / 4);
    ck_assert_uint_gt(sound, pictures() / 10);
    decode_close(&library);
    bench_close(bench);
}
END_TEST

static size_t entry_count(const struct jpeg_map *map)
{
    return (size_t)((map->height + 8 * map->v - 1) / (8 * map->v)) * map->entries.columns;
}

/* Any other number, near or far. */
static uint32_t other_number(uint32_t number)
{
    uint32_t near = random_below(2) ? number + 1 + random_below(8) : number - 1 - random_below(8);
    uint32_t bit = number ^ 1u << random_below(32);
    return random_below(2) ? near : bit;
}

/* Change one field of a map whose entry points are a copy, and keep as many of them as it says. */
static void change_field(struct jpeg_map *map)
{
    size_t count = entry_count(map);
    struct jpeg_entry *entry = &map->entries.entry[random_below((uint32_t)count)];
    uint32_t *fields[] = {&map->component_count,  &map->h,        &map->v,
                          &map->restart_interval, &map->scan_len, &map->entries.step,
                          &map->entries.columns,  &entry->bit,    &entry->bit};
    uint32_t choice = random_below(12);
    uint32_t c = random_below(map->component_count);
    if (choice < 9)
        *fields[choice] = other_number(*fields[choice]);
    else if (choice == 9)
        map->scan_offset = other_number((uint32_t)map->scan_offset);
    else
        entry->dc[c] = (int16_t)other_number((uint32_t)entry->dc[c]);
    bool likely = map->v >= 1 && map->v <= 4 && map->entries.columns <= 10000;
    size_t changed = likely ? entry_count(map) : 0;
    if (changed <= count)
        return;
    map->entries.entry = realloc(map->entries.entry, changed * sizeof *map->entries.entry);
    ck_assert_ptr_nonnull(map->entries.entry);
    for (size_t i = count; i < changed; i++)
        map->entries.entry[i] = (struct jpeg_entry){.bit = random_below(map->scan_len * 8 + 1)};
}

/* What no entry point can tell: a wrong table, and sides that make as many MCUs. */
static void change_contents(struct jpeg_map *map)
{
    uint8_t *tables = (uint8_t *)&map->tables;
    if (random_below(4) > 0)
        tables[random_below(sizeof map->tables)] ^= (uint8_t)(1 + random_below(255));
    else if (random_below(2))
        map->height = (map->height - 1) / 8 * 8 + 1 + random_below(8);
    else
        map->width = (map->width - 1) / 8 * 8 + 1 + random_below(8);
}

static struct jpeg_map copy_of(const struct jpeg_map *map)
{
    struct jpeg_map copy = *map;
    size_t bytes = entry_count(map) * sizeof *map->entries.entry;
    copy.entries.entry = malloc(bytes);
    ck_assert_ptr_nonnull(copy.entries.entry);
    memcpy(copy.entries.entry, map->entries.entry, bytes);
    return copy;
}

/* A restart makes everything right that was wrong before it, so there it cannot be found out: the
 * checksums of an index see to that. */
static void look_by_changed_map(struct bench *bench)
{
    view_whole(bench);
    struct jpeg_map changed = copy_of(&bench->map);
    change_field(&changed);
    enum stk_status status = enter(bench, &changed, &bench->file);
    ck_assert(status == STK_STALE || status == STK_OK);
    ck_assert_msg(status == STK_STALE || same_slots(bench) || bench->map.restart_interval > 0,
                  "picture %lu, view %d, %s", bench->number, bench->look, bench->text);
    bench->stale += status == STK_STALE;
    free(changed.entries.entry);
}

START_TEST(a_changed_map_gives_the_same_pixels_or_is_stale)
{
    struct bench *bench = bench_open();
    walk(bench, PICTURES, 2 * VIEWS, look_by_changed_map);
    ck_assert_uint_gt(bench->stale, PICTURES);
    ck_assert_uint_gt(bench->looks - bench->stale, PICTURES / 2);
    bench_close(bench);
}
END_TEST

/* An index has checksums against this; here nothing may break, whatever the pixels are. */
static void look_by_forged_map(struct bench *bench)
{
    struct jpeg_map changed = copy_of(&bench->map);
    for (uint32_t count = 1 + random_below(3); count > 0; count--)
        change_contents(&changed);
    struct jpeg sides = {.height = changed.height, .width = changed.width};
    random_view(bench, &sides);
    uint8_t *byte = &bench->file.bytes[random_below((uint32_t)bench->file.len)];
    if (random_below(2))
        *byte = (uint8_t)(*byte ^ (1u << random_below(8)));
    enum stk_status status = enter(bench, &changed, &bench->file);
    ck_assert(status == STK_OK || status == STK_STALE);
    free(changed.entries.entry);
}

START_TEST(a_forged_map_breaks_nothing)
{
    struct bench *bench = bench_open();
    walk(bench, PICTURES, VIEWS, look_by_forged_map);
    bench_close(bench);
}
END_TEST

/* Of equal sides, so that only the scan can tell; what a few bytes say may be said by others. */
START_TEST(the_map_of_another_file_is_stale)
{
    struct bench *bench = bench_open();
    enum { BYTES_MIN = 100 };
    unsigned long stale = 0;
    for (unsigned long number = 1; number <= PICTURES; number++) {
        random_begin(from_environment("STOKER_SEED", 1), number);
        struct kind kind = {.colour = JCS_YCbCr,
                            .h = 1 + (int)random_below(2),
                            .v = 1 + (int)random_below(2),
                            .content = random_below(CONTENTS)};
        uint32_t height = random_side(200), width = 4 + random_side(200);
        struct jpeg files[2];
        for (int i = 0; i < 2; i++)
            files[i] = write_jpeg(&kind, height, width, NULL, 0);
        struct jpeg_map map;
        ck_assert_int_eq(
            image_map(bench->mapper, files[0].bytes, files[0].len, 1 << 14, &map, bench->reason),
            STK_OK);
        for (int i = 0; i < VIEWS && map.entries.columns > 0; i++) {
            random_view(bench, &files[1]);
            ck_assert_int_eq(decode_file(bench, &files[1]), STK_OK);
            uint64_t from, len;
            if (!image_map_range(&map, &bench->view, &bench->format, &from, &len) ||
                len < BYTES_MIN)
                continue;
            enum stk_status status = enter(bench, &map, &files[1]);
            ck_assert_msg(status == STK_STALE || (status == STK_OK && same_slots(bench)),
                          "picture %lu, view %d", number, i);
            stale += status == STK_STALE;
        }
        free(files[0].bytes);
        free(files[1].bytes);
    }
    ck_assert_uint_gt(stale, PICTURES * VIEWS / 4);
    bench_close(bench);
}
END_TEST

/* As many bytes as fit, from any place: fewer than the range are found out. */
static void look_at_a_part(struct bench *bench)
{
    const struct jpeg *file = &bench->file;
    uint64_t from, len;
    view_whole(bench);
    if (!image_map_range(&bench->map, &bench->view, &bench->format, &from, &len))
        return;
    uint64_t begin = random_below(2) ? from : random_below((uint32_t)file->len);
    uint64_t count = random_below((uint32_t)(file->len - begin + 1));
    const uint8_t *bytes = cell_put(&bench->cell, &file->bytes[begin], count);
    enum stk_status status = image_decoder_enter(bench->enterer, &bench->map, bytes, begin, count);
    if (status == STK_OK)
        status = image_decoder_finish(bench->enterer, &bench->view, bench->flip, &bench->format,
                                      bench->entered, bench->reason);
    ck_assert(status == STK_STALE || (status == STK_OK && same_slots(bench)));
    if (begin <= from && begin + count >= from + len)
        ck_assert_int_eq(status, STK_OK);
}

START_TEST(bytes_that_are_missing_are_missed)
{
    struct bench *bench = bench_open();
    walk(bench, PICTURES, 1, look_at_a_part);
    bench_close(bench);
}
END_TEST

START_TEST(a_map_is_held_to_the_limits)
{
    struct bench *bench = bench_open();
    struct jpeg file = write_jpeg(kind_of("4:2:0"), 100, 100, NULL, 0);
    struct image_limits small[] = {generous, generous};
    struct jpeg_map map;
    small[0].pixels_max = 9999;
    small[1].decoder_bytes_max = 1 << 20;
    ck_assert_int_eq(image_map(bench->mapper, file.bytes, file.len, 1 << 14, &map, bench->reason),
                     STK_OK);
    for (int i = 0; i < 2; i++) {
        struct image_decoder *decoder = open_decoder(&small[i]);
        ck_assert_int_eq(image_decoder_enter(decoder, &map, file.bytes, 0, file.len), STK_STALE);
        image_decoder_close(&decoder);
    }
    free(file.bytes);
    bench_close(bench);
}
END_TEST

START_TEST(entry_points_are_as_many_as_fit)
{
    struct bench *bench = bench_open();
    struct jpeg file = write_jpeg(kind_of("4:2:0"), 375, 500, NULL, 0);
    struct jpeg_map map;
    uint64_t from, len;
    random_view(bench, &file);
    /* 24 rows of 32 MCUs, and 10 bytes an entry point. */
    static const size_t bytes[] = {0, 239, 240, 479, 480, 2639, 2640, 7680, 1 << 20};
    static const uint32_t columns[] = {0, 0, 1, 1, 2, 8, 11, 32, 32};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        ck_assert_int_eq(
            image_map(bench->mapper, file.bytes, file.len, bytes[i], &map, bench->reason), STK_OK);
        ck_assert_int_eq(map.entries.columns, columns[i]);
        ck_assert(image_map_range(&map, &bench->view, &bench->format, &from, &len) ==
                  (columns[i] > 0));
        ck_assert_int_eq(map.component_count, 3);
        ck_assert_int_eq(map.height, 375);
    }
    free(file.bytes);
    bench_close(bench);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("jpeg_map");
    tcase_set_timeout(tests, getenv("STOKER_CASES") != NULL ? 0 : 600);
    tcase_add_test(tests, views_of_their_own_bytes_are_those_of_the_file);
    tcase_add_test(tests, a_collected_map_is_that_of_the_file);
    tcase_add_test(tests, no_file_that_the_library_warns_of_has_a_map);
    tcase_add_test(tests, a_changed_map_gives_the_same_pixels_or_is_stale);
    tcase_add_test(tests, a_forged_map_breaks_nothing);
    tcase_add_test(tests, the_map_of_another_file_is_stale);
    tcase_add_test(tests, bytes_that_are_missing_are_missed);
    tcase_add_test(tests, a_map_is_held_to_the_limits);
    tcase_add_test(tests, entry_points_are_as_many_as_fit);
    return suite_run("jpeg_map", tests);
}
