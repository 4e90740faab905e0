/*
 * Records of an index: what is forged in them is found, field by field.
 */
#include "daemon/index/record.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/index/little_endian.h"
#include "daemon/index/record_entries.h"
#include "tests/index_maps.h"
#include "tests/index_sound.h"
#include "tests/suite.h"

static uint8_t record[RECORD_BYTES_MAX];
static struct jpeg_entry entries[ENTRIES_MAX];
static char path[INDEX_PATH_BYTES_MAX + 1];

/* The record of sample i. */
static size_t write_sample(uint64_t i)
{
    char name[64];
    struct index_sample sample = maps_draw_sample(i, name);
    size_t len = record_encode_sample(&sample, 1, 4711, record);
    free(sample.map.entries.entry);
    ck_assert_uint_gt(len, 0);
    return len;
}

static bool decode(size_t len)
{
    struct index_sample sample;
    uint64_t tables;
    return record_decode_sample(record, len, path, entries, &sample, &tables);
}

/* A field of a sample's record, at an offset of so many bytes, and what it cannot be. */
struct forgery {
    size_t at;
    size_t bytes;
    uint64_t value;
};

static const struct forgery forgeries[] = {
    {16, 8, 3},                    /* the file is shorter than its scan */
    {48, 8, UINT64_MAX},           /* the scan begins behind the file */
    {48, 8, UINT64_MAX - 10},      /* its end overflows */
    {56, 4, 0},                    /* it has no bytes */
    {56, 4, UINT32_MAX},           /* more than the file */
    {56, 4, 5},                    /* fewer than entry points say */
    {60, 4, 0},                    /* no height */
    {60, 4, 16385},                /* more than ours */
    {60, 4, UINT32_MAX},           /* rows overflow */
    {64, 4, 0},                    /* no width */
    {64, 4, UINT32_MAX},           /* columns overflow */
    {68, 4, 1},                    /* restarts where entry points go on */
    {68, 4, 65536},                /* more than a marker says */
    {72, 4, 0},                    /* no step */
    {72, 4, UINT32_MAX},           /* one that goes past the row */
    {76, 4, 0},                    /* no columns */
    {76, 4, 1000},                 /* other columns than steps */
    {80, 1, INDEX_CORRUPT},        /* entry points that should not be there */
    {80, 1, INDEX_CONTENTS_COUNT}, /* no such contents */
    {81, 1, 0},                    /* no component */
    {81, 1, 2},                    /* not ours */
    {81, 1, 255},                  /* more than there is storage for */
    {82, 1, 0},                    /* no block */
    {82, 1, 4},                    /* not ours */
    {83, 1, 0},
    {83, 1, 3},
    {84, 1, 9},    /* no orientation of EXIF's */
    {85, 1, 1},    /* what must be zero */
    {86, 2, 0},    /* no path */
    {86, 2, 4096}, /* too long a path */
    {86, 2, 60000},
    {88, 1, 0}, /* a path with an end mark in it */
};

START_TEST(no_forged_field_is_taken)
{
    /* Three components, so that every field counts. */
    uint64_t i = 0;
    while (write_sample(i) == 0 || record[81] != 3)
        i++;
    for (size_t k = 0; k < sizeof forgeries / sizeof *forgeries; k++) {
        size_t len = write_sample(i);
        ck_assert(decode(len));
        little_endian_put(record + forgeries[k].at, forgeries[k].bytes, forgeries[k].value);
        ck_assert_msg(!decode(len), "forgery %zu is taken", k);
    }
}
END_TEST

START_TEST(the_bits_of_entry_points_have_limits)
{
    uint64_t i = 0;
    while (write_sample(i) == 0 || record[81] != 3)
        i++;
    for (int field = 0; field < 4; field++) {
        size_t len = write_sample(i);
        uint8_t *widths = &record[88 + little_endian_get16(record + 86)];
        ck_assert(decode(len));
        widths[field] = field == 0 ? 33 : 17;
        ck_assert(!decode(len));
        widths[field] = 255;
        ck_assert(!decode(len));
    }
}
END_TEST

START_TEST(entry_points_come_back_as_they_were)
{
    for (uint64_t i = 0; i < 200; i++) {
        char name[64];
        struct index_sample found, sample = maps_draw_sample(i, name);
        uint64_t tables;
        size_t count = (size_t)entries_mcu_rows(&sample.map) * sample.map.entries.columns;
        sample.map.entries.entry[count - 1].dc[0] = i % 2 == 0 ? INT16_MIN : INT16_MAX;
        sample.map.entries.entry[count / 2].dc[0] = -1;
        size_t len = record_encode_sample(&sample, 1, 4711, record);
        ck_assert_uint_eq(record_entry_count(record, len), count);
        ck_assert(record_decode_sample(record, len, path, entries, &found, &tables));
        ck_assert_uint_eq(tables, 4711);
        for (size_t k = 1; k < count; k++) {
            ck_assert_uint_eq(entries[k].bit, sample.map.entries.entry[k].bit);
            ck_assert_mem_eq(entries[k].dc, sample.map.entries.entry[k].dc, sizeof entries[k].dc);
        }
        free(sample.map.entries.entry);
    }
}
END_TEST

START_TEST(a_record_of_any_other_length_is_none)
{
    size_t len = write_sample(1);
    for (size_t other = 0; other <= len + 64; other++)
        ck_assert(decode(other) == (other == len));
}
END_TEST

START_TEST(whatever_is_taken_of_random_bytes_is_sound)
{
    uint64_t state = 1, taken = 0;
    for (int round = 0; round < 60000; round++) {
        struct index_sample sample;
        uint64_t tables;
        size_t len = write_sample(maps_draw(&state, 40));
        for (uint32_t i = maps_draw(&state, 4); i < 4; i++)
            record[16 + maps_draw(&state, (uint32_t)(i < 3 ? 80 : len - 16))] ^=
                (uint8_t)(1 << maps_draw(&state, 8));
        if (!record_decode_sample(record, len, path, entries, &sample, &tables))
            continue;
        sound_sample(&sample);
        taken++;
    }
    ck_assert_uint_gt(taken, 1000);
}
END_TEST

START_TEST(tables_come_back_and_equal_ones_have_one_key)
{
    for (uint64_t i = 0; i < 200; i++) {
        struct jpeg_map_tables tables, found;
        uint64_t key, other_key;
        maps_draw_tables(i, i % 3 == 0 ? 1 : 3, &tables);
        size_t len = record_encode_tables(&tables, record, &key);
        ck_assert_uint_le(len, RECORD_TABLES_BYTES_MAX);
        ck_assert(record_decode_tables(record, len, &found, &other_key));
        ck_assert_mem_eq(&tables, &found, sizeof tables);
        ck_assert_uint_eq(key, other_key);
        ck_assert(!record_decode_tables(record, len + 8, &found, &other_key));
        ck_assert(!record_decode_tables(record, len - 8, &found, &other_key));
    }
}
END_TEST

START_TEST(whatever_is_taken_of_random_tables_is_sound)
{
    uint64_t state = 9, taken = 0;
    for (int round = 0; round < 20000; round++) {
        struct jpeg_map_tables tables;
        uint64_t key;
        maps_draw_tables(maps_draw(&state, 50), 3, &tables);
        size_t len = record_encode_tables(&tables, record, &key);
        for (uint32_t i = maps_draw(&state, 3); i < 3; i++)
            record[16 + maps_draw(&state, (uint32_t)(len - 16))] ^=
                (uint8_t)(1 << maps_draw(&state, 8));
        if (!record_decode_tables(record, len, &tables, &key))
            continue;
        if (round % 10 == 0)
            sound_tables(&tables);
        taken++;
    }
    ck_assert_uint_gt(taken, 1000);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("index_record");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, no_forged_field_is_taken);
    tcase_add_test(tests, the_bits_of_entry_points_have_limits);
    tcase_add_test(tests, entry_points_come_back_as_they_were);
    tcase_add_test(tests, a_record_of_any_other_length_is_none);
    tcase_add_test(tests, whatever_is_taken_of_random_bytes_is_sound);
    tcase_add_test(tests, tables_come_back_and_equal_ones_have_one_key);
    tcase_add_test(tests, whatever_is_taken_of_random_tables_is_sound);
    return suite_run("index_record", tests);
}
