/*
 * The keys of the configuration: one table that libConfuse's schema, ranges, defaults, the printed
 * form and the search for the nearest key are made from.
 *
 * A value is read from its text into the field that its row names, and printed from there.  The
 * tests hold the example file and the man page against the same table.  Internal to config/ and
 * its tests; constant; any thread.
 */
#ifndef STK_CONFIG_SCHEMA_H
#define STK_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/recipe.h"
#include "proto/status.h"

/* Where a key stands: what holds a section stands above it. */
enum config_section {
    CONFIG_GLOBAL,
    CONFIG_STREAM,
    CONFIG_MIX,
    CONFIG_PHASE,
    CONFIG_TRANSFORMS, /* the first transform's; the others' follow in the order of their enum */
    CONFIG_SECTION_COUNT = CONFIG_TRANSFORMS + TRANSFORM_COUNT,
};

enum config_kind {
    CONFIG_U32,
    CONFIG_U64,
    CONFIG_BYTES,    /* uint64_t; K, M, G and T stand for powers of 1024 */
    CONFIG_MS,       /* uint64_t milliseconds; ms, s, m or h stand behind all but 0 */
    CONFIG_REAL,     /* double */
    CONFIG_WORD,     /* an enum */
    CONFIG_ENDPOINT, /* char *, owned by the field */
    CONFIG_SOURCE,   /* likewise */
    CONFIG_PATH,     /* likewise; empty where none is given */
    CONFIG_MIX_BOX,  /* a word, or {minmax, LOW, HIGH}, the cutmix_box of a struct recipe_mix */
    CONFIG_SUBSECTION,
};

enum {
    CONFIG_KEYS_MAX = 80,    /* rows of the table */
    CONFIG_DEFAULTS_MAX = 3, /* values of a default */
    CONFIG_RANGE_BYTES = 128 /* storage for a range in words */
};

struct config_key {
    const char *name;
    enum config_section section;
    enum config_kind kind;
    size_t offset;      /* in struct config (CONFIG_GLOBAL), struct recipe_phase (CONFIG_PHASE) or
                           struct config_stream (the others) */
    unsigned count_min; /* values; more than one are a list */
    unsigned count_max;
    size_t count_offset; /* of the size_t that says how many; 0: the last one fills the rest */
    uint64_t min, max;   /* of whole numbers, in bytes or milliseconds; both are allowed */
    double real_min, real_max;
    const struct recipe_words *words;
    bool until_end; /* of a number: it holds until the process ends, whatever a reload reads */
    const char
        *defaults[CONFIG_DEFAULTS_MAX]; /* as a file says it; [0] NULL: no default of its own */
};

extern const struct config_key config_keys[];
extern const unsigned config_key_count;

/** The section of a transform's settings. */
static inline enum config_section config_section_of(enum transform transform)
{
    return (enum config_section)(CONFIG_TRANSFORMS + transform);
}

/** What holds the keys of a section: "stream", "mix", "phase", "flip"; "" for the global ones. */
const char *config_section_name(enum config_section section);

/** The row of a key of a section; NULL where it has none of that name. */
const struct config_key *config_key_find(enum config_section section, const char *name);

/**
 * The key of a section that was most likely meant, by edit distance (a swap of two letters counts
 * as one edit); NULL where none is near.
 */
const struct config_key *config_key_nearest(enum config_section section, const char *name);

/**
 * Read one value into its field.
 *
 *   key     not CONFIG_SUBSECTION
 *   base    the struct that key->offset counts from
 *   index   of the value, < key->count_max
 *
 * Owns:    nothing; a text is copied, and one that stood in the field before is freed.
 * Returns: STK_OK
 *          STK_INVALID  not a value of this kind
 *          STK_RANGE    outside of what the key allows
 *          STK_MEMORY
 * Threads: base's.  Blocks: no.  Allocates: texts.
 */
STK_MUST_CHECK enum stk_status config_key_set(const struct config_key *key, void *base,
                                              unsigned index, const char *text);

/** What a key allows, in words: "1 .. 8192", "shuffle or sequential".  Not for texts. */
void config_key_range(const struct config_key *key, char range[CONFIG_RANGE_BYTES]);

/** A key's values as in a file, cut where they are longer than bytes - 1.  Threads: any. */
void config_key_text(const struct config_key *key, const void *base, char *text, size_t bytes);

/** Copy the value of a key that is a number.  Threads: to's. */
void config_key_copy(const struct config_key *key, void *to, const void *from);

/** Print a key's values as a line of a file.  Blocks: on out. */
void config_key_print(const struct config_key *key, const void *base, FILE *out);

#endif
