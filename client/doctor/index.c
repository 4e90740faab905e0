/*
 * stoker index: an index of a source, made or brought up to date.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/command/command.h"
#include "client/command/json.h"
#include "client/doctor/crew.h"
#include "client/doctor/doctor.h"
#include "client/doctor/make.h"
#include "daemon/base/clock.h"
#include "daemon/base/cores.h"
#include "daemon/base/log.h"
#include "daemon/index/home.h"
#include "daemon/source/file.h"

struct indexing {
    const char *url;
    const char *root;
    const char *out;
    uint32_t threads;
    struct doctor doctor; /* tells */
    char path[PATH_MAX];  /* of the index */
    struct making making;
    uint64_t others;  /* records of files that are in another source, and as they were */
    uint64_t dropped; /* records of files that are gone or others now, and in no source here */
};

/* Where the index goes. */
static int set_path(struct indexing *indexing)
{
    if (indexing->out != NULL && strlen(indexing->out) < sizeof indexing->path) {
        snprintf(indexing->path, sizeof indexing->path, "%s", indexing->out);
        return COMMAND_DONE;
    }
    if (indexing->out != NULL ||
        index_home_beside(source_root(indexing->making.source), indexing->path) != STK_OK)
        return command_misuse("too long a path for an index");
    return COMMAND_DONE;
}

/* What the index that is there is good for; one that is damaged is made anew. */
static int open_base(struct indexing *indexing, struct index **base)
{
    char error[INDEX_ERROR_BYTES];
    enum stk_status status = index_open(indexing->path, UINT64_MAX, base, error);
    indexing->making.base = *base;
    if (status == STK_MEMORY)
        return command_fail("%s", error);
    if (status != STK_OK && status != STK_END)
        doctor_tell(&indexing->doctor, "%s", error);
    return COMMAND_DONE;
}

static bool is_as_it_was(const char *root, const struct index_sample *sample)
{
    char path[PATH_MAX + INDEX_PATH_BYTES_MAX + 2];
    struct stat file;
    bool absolute = sample->path[0] == '/';
    snprintf(path, sizeof path, "%s%s%s", absolute ? "" : root, absolute ? "" : "/", sample->path);
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) &&
           (uint64_t)file.st_size == sample->bytes && file_mtime_ns(&file) == sample->mtime_ns;
}

/* Sources that share a root share its index: keep what it has of the others. */
static int keep_others(struct indexing *indexing)
{
    struct index_buffer buffer = {0};
    char error[INDEX_ERROR_BYTES];
    const struct making *making = &indexing->making;
    enum stk_status status = STK_OK;
    for (uint64_t i = 0;
         status == STK_OK && making->base != NULL && i < index_record_count(making->base); i++) {
        struct index_sample sample;
        if (index_get(making->base, i, &buffer, &sample) != INDEX_FOUND ||
            index_writer_has(making->writer, sample.path))
            continue;
        bool kept = is_as_it_was(source_root(making->source), &sample);
        if (kept)
            status = index_writer_add(making->writer, &sample, error);
        indexing->others += kept;
        indexing->dropped += !kept;
    }
    index_buffer_release(&buffer);
    return status == STK_OK ? COMMAND_DONE : command_fail("%s", error);
}

static int write_index(struct indexing *indexing)
{
    char error[INDEX_ERROR_BYTES];
    struct making *making = &indexing->making;
    int code = making_run(making) == STK_OK ? COMMAND_DONE : command_fail("%s", making->error);
    if (code == COMMAND_DONE)
        code = keep_others(indexing);
    if (code == COMMAND_DONE && index_writer_finish(&making->writer, error) != STK_OK)
        code = command_fail("%s", error);
    return code;
}

static void tell_person(const struct indexing *indexing, uint64_t bytes, double seconds)
{
    const struct making *making = &indexing->making;
    const struct doctor *doctor = &indexing->doctor;
    uint64_t count = source_count(making->source);
    doctor_tell(doctor, "%s: %" PRIu64 " samples, %" PRIu64 " with entry points", indexing->path,
                count, making->contents[INDEX_ENTRIES]);
    doctor_tell(doctor,
                "without: %" PRIu64 " of other kinds, %" PRIu64 " too small, %" PRIu64
                " corrupt, %" PRIu64 " unreadable",
                making->contents[INDEX_FOREIGN], making->contents[INDEX_CRAMPED],
                making->contents[INDEX_CORRUPT], making->unreadable);
    doctor_tell(doctor, "%" PRIu64 " decoded, %" PRIu64 " kept as they were, in %.1f s",
                count - making->kept - making->unreadable, making->kept, seconds);
    if (indexing->others + indexing->dropped > 0)
        doctor_tell(doctor, "of other sources: %" PRIu64 " kept, %" PRIu64 " dropped",
                    indexing->others, indexing->dropped);
    doctor_tell(doctor, "%.1f MB, %.2f %% of the data's %.1f MB", (double)bytes / 1e6,
                making->data_bytes > 0 ? 100.0 * (double)bytes / (double)making->data_bytes : 0,
                (double)making->data_bytes / 1e6);
}

static void set_json(const struct indexing *indexing, uint64_t bytes, double seconds)
{
    const struct making *making = &indexing->making;
    json_t *object = indexing->doctor.object;
    uint64_t count = source_count(making->source);
    json_set_text(object, "index", stk_text_of(indexing->path));
    json_set_number(object, "samples", count);
    json_set_number(object, "with_entries", making->contents[INDEX_ENTRIES]);
    json_set_number(object, "foreign", making->contents[INDEX_FOREIGN]);
    json_set_number(object, "cramped", making->contents[INDEX_CRAMPED]);
    json_set_number(object, "corrupt", making->contents[INDEX_CORRUPT]);
    json_set_number(object, "unreadable", making->unreadable);
    json_set_number(object, "decoded", count - making->kept - making->unreadable);
    json_set_number(object, "kept", making->kept);
    json_set_number(object, "others_kept", indexing->others);
    json_set_number(object, "others_dropped", indexing->dropped);
    json_set_number(object, "bytes", bytes);
    json_set_number(object, "data_bytes", making->data_bytes);
    json_object_set_new(object, "seconds", json_of_real(seconds));
}

static int report(struct indexing *indexing, uint64_t start_ns)
{
    struct stat file;
    double seconds = (double)(clock_now_ns() - start_ns) / 1e9;
    uint64_t bytes = stat(indexing->path, &file) == 0 ? (uint64_t)file.st_size : 0;
    json_t *object = indexing->doctor.object;
    if (object != NULL)
        set_json(indexing, bytes, seconds);
    else
        tell_person(indexing, bytes, seconds);
    rows_tell(&indexing->doctor, &indexing->making.bad, object, "bad");
    return object != NULL ? json_print(json_incref(object)) : COMMAND_DONE;
}

static int index_source(struct indexing *indexing)
{
    char error[INDEX_ERROR_BYTES];
    struct index *base = NULL;
    struct making *making = &indexing->making;
    uint64_t start_ns = clock_now_ns();
    int code = set_path(indexing);
    if (code == COMMAND_DONE)
        code = open_base(indexing, &base);
    if (code != COMMAND_DONE)
        return code;
    making->threads = indexing->threads;
    if (index_writer_open(indexing->path, &making->writer, error) == STK_OK) {
        code = write_index(indexing);
        if (code == COMMAND_DONE)
            code = report(indexing, start_ns);
        making_release(making);
    } else {
        code = command_fail("%s", error);
    }
    index_writer_close(&making->writer);
    index_close(&base);
    return code;
}

static int open_source(struct indexing *indexing)
{
    char error[SOURCE_ERROR_BYTES];
    struct source *source;
    const struct source_place place = {.url = indexing->url, .root = indexing->root, .list = ""};
    if (source_open(&place, source_threads(cores_count("")), &source, error) != STK_OK)
        return command_fail("%s", error);
    indexing->making.source = source;
    int code = index_source(indexing);
    source_close(&source);
    return code;
}

int index_command(char **words)
{
    bool json = false;
    struct indexing indexing = {.root = ""};
    const struct flag flags[] = {
        {"out", FLAG_TEXT, &indexing.out, "FILE", 0, 0,
         "write it there, and not as .stoker-index beside the data"},
        {"root", FLAG_TEXT, &indexing.root, "FOLDER", 0, 0,
         "where the paths of a CSV start, if not in its own folder"},
        {"threads", FLAG_U32, &indexing.threads, "N", 1, CREW_THREADS_MAX,
         "decode by so many threads (default: one a core)"},
        {"json", FLAG_SWITCH, &json, NULL, 0, 0, "print one JSON object"},
    };
    const struct arguments arguments = {
        .command = "index",
        .purpose = "Remember where the bits of a data set's pictures lie, so that the daemon reads "
                   "and decodes only what it serves.",
        .operand = "SOURCE",
        .flags = flags,
        .flag_count = sizeof flags / sizeof *flags,
        .offline = true,
    };
    int code;
    if (!arguments_read(&arguments, words, &indexing.url, &code))
        return code;
    log_set_level(LOG_LEVEL_ERROR);
    if (json)
        indexing.doctor.object = json_object();
    code = open_source(&indexing);
    json_decref(indexing.doctor.object);
    return code;
}
