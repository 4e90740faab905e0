/*
 * Verifying.
 */
#include "client/doctor/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "client/command/json.h"
#include "client/doctor/crew.h"
#include "client/doctor/rows.h"
#include "daemon/index/home.h"

#define FILE_BYTES_MAX ((uint64_t)1 << 30) /* what the daemon can be set to take at most */

/* What a file can be to the index. */
enum outcome {
    INTACT,
    DAMAGED,    /* other bytes, though size and time are as they were */
    STALE,      /* another size or time */
    MISSING,    /* not in the index */
    GONE,       /* in the index alone */
    UNREADABLE, /* it cannot be read now */
    OUTCOMES
};

static const char *const outcome_words[OUTCOMES] = {"intact",  "damaged", "stale",
                                                    "missing", "gone",    "unreadable"};

struct verifying {
    const struct source *source;
    const struct index *index;
    struct rows rows;
    atomic_uint_fast64_t counts[OUTCOMES]; /* relaxed: read when the crew has ended */
    atomic_uint_fast64_t bytes;
};

enum stk_status verify_open_index(const struct source *source, const char *choice,
                                  char path[PATH_MAX], struct index **index, char *error)
{
    *index = NULL;
    if (choice != NULL) {
        snprintf(path, PATH_MAX, "%s", choice);
        return index_open(path, UINT64_MAX, index, error);
    }
    enum stk_status status = index_home_beside(source_root(source), path);
    if (status == STK_OK)
        status = index_open(path, UINT64_MAX, index, error);
    if (status != STK_END)
        return status;
    status = index_home_state(source_root(source), path);
    return status == STK_OK ? index_open(path, UINT64_MAX, index, error) : STK_END;
}

static void tell(struct verifying *verifying, uint64_t number, const char *path,
                 enum outcome outcome, const char *reason)
{
    atomic_fetch_add_explicit(&verifying->counts[outcome], 1, memory_order_relaxed);
    if (outcome != INTACT)
        rows_add(&verifying->rows, number, path, outcome_words[outcome], reason);
}

/* What a file that was read is to the index. */
static enum outcome judge(const struct verifying *verifying, const char *path,
                          const struct encoded *encoded, struct index_buffer *buffer,
                          const char **reason)
{
    struct index_sample sample;
    switch (index_find(verifying->index, path, encoded->file.bytes, encoded->file.mtime_ns, buffer,
                       &sample)) {
    case INDEX_FOUND:
        *reason = "its size and time are as they were, and its bytes are not";
        return sample.checksum == XXH3_64bits(encoded->data, encoded->len) ? INTACT : DAMAGED;
    case INDEX_STALE:
        *reason = sample.checksum == XXH3_64bits(encoded->data, encoded->len)
                      ? "its time changed, its bytes are as they were"
                      : "it changed since it was indexed";
        return STALE;
    case INDEX_MISSING:
        *reason = "it is not in the index";
        return MISSING;
    case INDEX_DAMAGED:
    case INDEX_FAULT:
        break;
    }
    *reason = "its record in the index is damaged";
    return MISSING;
}

static void verify_sample(struct verifying *verifying, struct crew *crew, uint64_t number,
                          struct encoded *encoded, struct index_buffer *buffer)
{
    uint64_t bytes_max = FILE_BYTES_MAX;
    const struct source_reading reading = {.reserve = crew_reserve, .context = &bytes_max};
    char fault[SOURCE_ERROR_BYTES] = "";
    const char *reason = fault;
    const char *path = source_name(verifying->source, number);
    enum outcome outcome = UNREADABLE;
    if (source_read(verifying->source, number, &reading, encoded, fault) == STK_OK) {
        outcome = judge(verifying, path, encoded, buffer, &reason);
        atomic_fetch_add_explicit(&verifying->bytes, encoded->len, memory_order_relaxed);
    }
    tell(verifying, number, path, outcome, reason);
    crew_done(crew, outcome == DAMAGED || outcome == UNREADABLE);
}

static void verify_samples(struct crew *crew, void *context)
{
    struct encoded encoded = {0};
    struct index_buffer buffer = {0};
    uint64_t number;
    while (crew_next(crew, &number))
        verify_sample(context, crew, number, &encoded, &buffer);
    index_buffer_release(&buffer);
    free(encoded.data);
}

/* What the index has of files that are not there any more.  Those that are there and in no sample
 * are another source's. */
static void find_gone(struct verifying *verifying)
{
    struct index_buffer buffer = {0};
    const char *root = source_root(verifying->source);
    for (uint64_t i = 0; i < index_record_count(verifying->index); i++) {
        char path[PATH_MAX + INDEX_PATH_BYTES_MAX + 2];
        struct index_sample sample;
        struct stat file;
        if (index_get(verifying->index, i, &buffer, &sample) != INDEX_FOUND)
            continue;
        bool absolute = sample.path[0] == '/';
        snprintf(path, sizeof path, "%s%s%s", absolute ? "" : root, absolute ? "" : "/",
                 sample.path);
        if (stat(path, &file) != 0 && (errno == ENOENT || errno == ENOTDIR))
            tell(verifying, ROWS_NO_INDEX, sample.path, GONE, "it is in the index alone");
    }
    index_buffer_release(&buffer);
}

/* What each outcome asks of a person. */
static const char *const advice[OUTCOMES] = {
    [DAMAGED] = "have other bytes than when they were indexed, though nobody wrote to them: the "
                "disk or memory changed them; put copies in their place",
    [STALE] = "changed since they were indexed: run \"stoker index\" again",
    [MISSING] = "are not in the index: run \"stoker index\" again",
    [GONE] =
        "are in the index and not there any more: put them back, or run \"stoker index\" again",
    [UNREADABLE] = "cannot be read",
};

static void report(struct doctor *doctor, const char *what, struct verifying *verifying,
                   json_t *row)
{
    uint64_t counts[OUTCOMES];
    for (int i = 0; i < OUTCOMES; i++) {
        counts[i] = atomic_load_explicit(&verifying->counts[i], memory_order_relaxed);
        if (row != NULL)
            json_set_number(row, outcome_words[i], counts[i]);
    }
    doctor_tell(doctor, "%" PRIu64 " of %" PRIu64 " files are as they were, in %.1f MB",
                counts[INTACT], source_count(verifying->source),
                (double)atomic_load_explicit(&verifying->bytes, memory_order_relaxed) / 1e6);
    rows_tell(doctor, &verifying->rows, row, "differing");
    for (int i = 0; i < OUTCOMES; i++) {
        if (i != INTACT && counts[i] > 0)
            doctor_found(doctor, "%s: %" PRIu64 " files %s", what, counts[i], advice[i]);
    }
}

static void verify(struct doctor *doctor, const char *what, struct verifying *verifying,
                   json_t *row)
{
    if (rows_init(&verifying->rows) != STK_OK) {
        doctor_found(doctor, "%s: no memory to verify it", what);
        return;
    }
    if (!crew_run(source_count(verifying->source), 0, verify_samples, verifying))
        doctor_found(doctor, "%s: no memory to look at all of its samples", what);
    find_gone(verifying);
    report(doctor, what, verifying, row);
    rows_release(&verifying->rows);
}

void verify_source(struct doctor *doctor, const char *what, const struct source *source,
                   const char *choice, json_t *row)
{
    char path[PATH_MAX], error[INDEX_ERROR_BYTES];
    struct index *index;
    enum stk_status status = verify_open_index(source, choice, path, &index, error);
    if (status != STK_OK) {
        doctor_found(doctor, "%s: %s", what,
                     status == STK_END ? "there is no index to verify it by: make one with "
                                         "\"stoker index\""
                                       : error);
        return;
    }
    doctor_tell(doctor, "by the index %s", path);
    if (row != NULL)
        json_set_text(row, "index", stk_text_of(path));
    struct verifying verifying = {.source = source, .index = index};
    verify(doctor, what, &verifying, row);
    index_close(&index);
}
