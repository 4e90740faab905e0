/*
 * Records of an index: a sample's or tables' bytes in the file, and what they mean.
 *
 * Pure: bytes to structs and back, as FORMAT.md says.  The bytes may be a stranger's: whatever is
 * decoded here was looked at field by field, and can do no harm to whoever works with it.
 */
#ifndef STK_INDEX_RECORD_H
#define STK_INDEX_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/jpeg_map.h"
#include "daemon/index/index.h"

enum {
    RECORD_HEAD_BYTES = 16,
    RECORD_BYTES_MAX = 1 << 16,
    RECORD_UNIT = 8,                /* a record's len is a multiple of it */
    RECORD_SAMPLE_BYTES = 88,       /* in front of the path */
    RECORD_TABLES_BYTES_MAX = 2048, /* a record of tables is not longer */
};

enum record_kind { RECORD_TABLES = 1, RECORD_SAMPLE };

/** A length with what fills it up to a unit. */
size_t record_round_up(size_t len);

/** Write a record's head around what stands behind it. */
void record_seal(uint8_t *record, size_t len, enum record_kind kind);

/** Bytes of a sample's record, with entry points of so many bytes. */
size_t record_sample_bytes(size_t path_len, size_t entries_len);

/** Bytes that records may take of a file's, 2.5 %, but for what their places take. */
uint64_t record_share(uint64_t file_bytes);

/** Bytes that a record has for entry points: with all else it takes 2.5 % of the file's bytes, and
 *  is not too long. */
size_t record_room(uint64_t file_bytes, size_t path_len);

/** The key of a sample, by its path; that of tables, by a record's len bytes. */
uint64_t record_sample_key(const char *path);
uint64_t record_tables_key(const uint8_t *record, size_t len);

/**
 * Which entry points of a map to write, so that they take no more than bytes_max: of a row of MCUs
 * every so manieth, from the first on.
 *
 * Returns: 1 where all may be written; 0 where not even one a row may.
 */
uint32_t record_choose_thinning(const struct jpeg_map *map, size_t bytes_max);

/**
 * Write a sample's record.
 *
 *   sample     as index.h has it; its path has 1 .. INDEX_PATH_BYTES_MAX bytes
 *   thinning   of its entry points, >= 1; not looked at where it has none
 *   tables     likewise: the key of its tables
 *   record     RECORD_BYTES_MAX bytes of storage
 *
 * Returns: the record's bytes, or 0 where it would have more than RECORD_BYTES_MAX.
 */
size_t record_encode_sample(const struct index_sample *sample, uint32_t thinning, uint64_t tables,
                            uint8_t *record);

/**
 * Write the record of tables; *key is set to their key.
 *
 *   record   RECORD_TABLES_BYTES_MAX bytes of storage
 *
 * Returns: the record's bytes.
 */
size_t record_encode_tables(const struct jpeg_map_tables *tables, uint8_t *record, uint64_t *key);

/**
 * Look at a record's head.
 *
 *   bytes   available of them from record on
 *   len     set to the record's bytes
 *
 * Returns: whether it is a record of a known kind that ends within bytes and has not more than
 *          RECORD_BYTES_MAX.
 */
bool record_head(const uint8_t *record, size_t available, size_t *len, enum record_kind *kind);

/** Whether the checksum of a whole record is right. */
bool record_is_whole(const uint8_t *record, size_t len);

/**
 * Read a sample's record: a whole one of its kind.
 *
 *   path      INDEX_PATH_BYTES_MAX + 1 bytes of storage; sample->path is set to it
 *   entries   storage that sample->map's entries are to be in: as many as
 *             record_entry_count says
 *   tables    set to the key of its tables, which the caller has to find; sample->map.tables stays
 *             as it is
 *
 * Returns: whether every field can be what it says.
 */
bool record_decode_sample(const uint8_t *record, size_t len, char *path, struct jpeg_entry *entries,
                          struct index_sample *sample, uint64_t *tables);

/** Entry points of a sample's record, at most ENTRIES_MAX; 0 where it has none that could be. */
size_t record_entry_count(const uint8_t *record, size_t len);

/** Read the record of tables: a whole one of its kind; *key is set to their key.  As above. */
bool record_decode_tables(const uint8_t *record, size_t len, struct jpeg_map_tables *tables,
                          uint64_t *key);

/** Whether a whole record of a sample says that it has entry points. */
bool record_has_entries(const uint8_t *record);

/** The key of a whole record, of either kind; false where it is none that could be read. */
bool record_key(const uint8_t *record, size_t len, enum record_kind kind, uint64_t *key);

#endif
