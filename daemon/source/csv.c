/*
 * CSV: samples, labels and weights as a file of comma-separated values lists them.
 *
 * A sample is a row, in the file's order; a path may stand in several rows.  Paths start at a root,
 * the file's own folder unless another is given, or are absolute.  Every file is looked at while
 * the source opens, because its size belongs to the listing, and one that is not there refuses the
 * whole source: nobody wants to learn of it in the third epoch.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/source/csv_rows.h"
#include "daemon/source/fault.h"
#include "daemon/source/file.h"
#include "daemon/source/kind.h"
#include "daemon/source/measure.h"
#include "daemon/source/scan.h"
#include "daemon/source/text_file.h"
#include "daemon/source/tree.h"

enum { RUN_SAMPLES = 4096 }; /* what is measured at a time; a run's paths fill 16 MiB at most */

/* A listing under construction. */
struct opening {
    const struct source_place *place;
    struct root root;
    char *folder; /* owned: the file's, where it is the root */
    struct text text;
    struct csv_rows rows;
    struct listing_run *runs; /* [run_count] */
    size_t run_count;
    struct listing *listing;
    char *error;
};

static enum stk_status out_of_memory(const struct opening *opening)
{
    return text_fail(&opening->text, 0, opening->error, STK_MEMORY, "no memory for its listing");
}

/* The root that is given, or the folder that the file is in. */
static enum stk_status open_root(struct opening *opening, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    opening->root.path = opening->place->root;
    if (opening->root.path[0] == '\0') {
        opening->folder = slash == NULL ? strdup(".") : strndup(path, len > 0 ? len : 1);
        if (opening->folder == NULL)
            return out_of_memory(opening);
        opening->root.path = opening->folder;
    }
    opening->root.fd = file_open(AT_FDCWD, opening->root.path, O_PATH | O_DIRECTORY);
    if (opening->root.fd >= 0)
        return STK_OK;
    int code = errno;
    return fault_write(opening->error, fault_status(code), "cannot open the folder %s: %s",
                       fault_quote(opening->root.path, "").text, fault_reason(code).text);
}

/* One run of rows: their paths, copied out of the text. */
static enum stk_status fill_run(const struct opening *opening, size_t first,
                                struct listing_run *run)
{
    const struct csv_rows *rows = &opening->rows;
    size_t left = rows->count - first;
    uint32_t count = left < RUN_SAMPLES ? (uint32_t)left : RUN_SAMPLES;
    size_t paths_bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        paths_bytes += strlen(rows->paths[first + i]) + 1;
    if (listing_run_init(run, count, paths_bytes) != STK_OK)
        return out_of_memory(opening);
    char *end = run->paths;
    for (uint32_t i = 0; i < count; i++) {
        run->bytes[i] = LISTING_BYTES_UNKNOWN;
        run->offsets[i] = (uint32_t)(end - run->paths);
        end = stpcpy(end, rows->paths[first + i]) + 1;
    }
    return STK_OK;
}

static enum stk_status fill_runs(struct opening *opening)
{
    size_t count = (opening->rows.count + RUN_SAMPLES - 1) / RUN_SAMPLES;
    opening->runs = calloc(count, sizeof opening->runs[0]);
    if (opening->runs == NULL)
        return out_of_memory(opening);
    opening->run_count = count;
    enum stk_status status = STK_OK;
    for (size_t i = 0; i < count && status == STK_OK; i++)
        status = fill_run(opening, i * RUN_SAMPLES, &opening->runs[i]);
    return status;
}

/* Say why a row's file cannot be used, and of how many rows that is so. */
static enum stk_status refuse_row(const struct opening *opening, size_t row, uint64_t refused)
{
    const char *path = opening->rows.paths[row];
    bool absolute = path[0] == '/';
    mode_t mode;
    uint64_t bytes;
    int code = scan_look(opening->root.fd, path, &mode, &bytes);
    struct fault_text name =
        fault_quote(absolute ? path : opening->root.path, absolute ? "" : path);
    struct fault_text reason = fault_reason(code);
    return text_fail(&opening->text, opening->rows.lines[row], opening->error, STK_UNREADABLE,
                     "%s %s%s%s; so %" PRIu64 " of %zu rows%s",
                     mode == 0 ? "no file" : "no regular file", name.text, code != 0 ? ": " : "",
                     code != 0 ? reason.text : "", refused, opening->rows.count,
                     absolute ? "" : " (\"root\" is where paths start)");
}

/* Every file is there. */
static enum stk_status check_found(const struct opening *opening)
{
    uint64_t refused = 0;
    size_t first = 0;
    for (size_t i = 0; i < opening->rows.count; i++) {
        if (opening->runs[i / RUN_SAMPLES].bytes[i % RUN_SAMPLES] != LISTING_BYTES_UNKNOWN)
            continue;
        if (refused++ == 0)
            first = i;
    }
    return refused == 0 ? STK_OK : refuse_row(opening, first, refused);
}

static enum stk_status fill_listing(struct opening *opening)
{
    if (listing_init(opening->listing, opening->run_count, &opening->rows.classes) != STK_OK)
        return out_of_memory(opening);
    for (size_t i = 0; i < opening->run_count; i++)
        listing_add_run(opening->listing, &opening->runs[i]);
    listing_set_labels(opening->listing, &opening->rows.labels);
    return STK_OK;
}

static enum stk_status list(struct opening *opening, const char *path, unsigned threads)
{
    enum stk_status status =
        text_read(path, opening->place->text_bytes_max, &opening->text, opening->error);
    if (status == STK_OK)
        status = open_root(opening, path);
    if (status == STK_OK)
        status = csv_rows_read(&opening->rows, &opening->text, opening->error);
    if (status == STK_OK)
        status = fill_runs(opening);
    if (status == STK_OK)
        status = measure_runs(&opening->root, opening->runs, opening->run_count,
                              opening->place->url, threads, opening->place->watch, opening->error);
    if (status == STK_OK)
        status = check_found(opening);
    if (status == STK_OK)
        status = fill_listing(opening);
    return status;
}

static void log_listed(const struct opening *opening, uint64_t start_ns)
{
    static const char *const kinds[] = {[STK_LABEL_CLASS] = "a class a sample",
                                        [STK_LABEL_CLASSES] = "any classes a sample",
                                        [STK_LABEL_NUMBERS] = "numbers"};
    const struct listing *listing = opening->listing;
    LOG(NOTICE, "source.listed", LOG_TEXT("source", opening->place->url),
        LOG_TEXT("labels", kinds[listing->labels.kind]), LOG_NUMBER("classes", listing->classes),
        LOG_NUMBER("samples", listing->count), LOG_NUMBER("listing_bytes", listing->listing_bytes),
        LOG_NUMBER("wait_ms", (clock_now_ns() - start_ns) / 1000000));
}

static void release(struct opening *opening)
{
    for (size_t i = 0; i < opening->run_count; i++)
        listing_run_release(&opening->runs[i]);
    free(opening->runs);
    csv_rows_release(&opening->rows);
    text_release(&opening->text);
    free(opening->folder);
}

static enum stk_status csv_open(const char *path, const struct source_place *place,
                                unsigned threads, struct listing *listing, void **state,
                                char *error)
{
    struct opening opening = {.place = place,
                              .root = {.fd = -1},
                              .text = {.path = path},
                              .listing = listing,
                              .error = error};
    uint64_t start_ns = clock_now_ns();
    struct tree *tree = calloc(1, sizeof *tree);
    enum stk_status status = tree != NULL ? list(&opening, path, threads) : out_of_memory(&opening);
    if (status == STK_OK && tree_init(tree, opening.root.fd, opening.root.path) != STK_OK)
        status = out_of_memory(&opening);
    if (status == STK_OK) {
        log_listed(&opening, start_ns);
        *state = tree;
    } else {
        listing_release(listing);
        if (opening.root.fd >= 0)
            close(opening.root.fd);
        free(tree);
    }
    release(&opening);
    return status;
}

static enum stk_status csv_read(const void *state, const struct listing_sample *sample,
                                const struct source_reading *reading, struct encoded *encoded,
                                char *reason)
{
    return tree_read(state, sample->path, sample->bytes, reading, encoded, reason);
}

static const struct tree *csv_tree(const void *state)
{
    return state;
}

static void csv_close(void *state)
{
    tree_release(state);
    free(state);
}

const struct source_ops source_csv = {
    .open = csv_open, .read = csv_read, .tree = csv_tree, .close = csv_close};
