/*
 * Folder: one sub-folder a class, with JPEGs in it at any depth; the same samples, order and labels
 * as torchvision's ImageFolder has for files named *.jpg and *.jpeg.
 *
 * Classes are sorted by name.  A class's directories are sorted by their whole path, as
 * sorted(os.walk(...)) does, so "a-b" stands before "a/b"; a directory's files by name.  A class
 * without a picture keeps its number, so that the others' labels are ImageFolder's.  Names are
 * compared by bytes, which is by code points where they are UTF-8.  A picture's name that leads to
 * no regular file (a link to nowhere, a FIFO) is left out, where ImageFolder would list it and fail
 * later; the log says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/source/fault.h"
#include "daemon/source/file.h"
#include "daemon/source/kind.h"
#include "daemon/source/scan.h"
#include "daemon/source/tree.h"
#include "daemon/source/walk.h"

#define SAMPLES_MAX ((uint64_t)1 << 40)

/* A listing under construction. */
struct opening {
    struct root root;
    const char *source;
    unsigned threads;
    struct source_watch *watch;
    struct scan scan;              /* of the root */
    struct directory *directories; /* all below the root */
    struct directory **sorted;     /* [directory_count], by label and path */
    size_t directory_count;
    struct listing *listing;
    char *error;
};

/* What was met on the way, for the log. */
struct tally {
    uint64_t count;
    const char *first; /* in the listing's order */
};

static void count_up(struct tally *tally, uint64_t count, const char *name)
{
    if (tally->count == 0 && count > 0)
        tally->first = name;
    tally->count += count;
}

static enum stk_status out_of_memory(const struct opening *opening)
{
    return fault_write(opening->error, STK_MEMORY, "no memory for the listing of %s",
                       fault_quote(opening->root.path, "").text);
}

static enum stk_status open_root(struct opening *opening)
{
    struct fault_text name = fault_quote(opening->root.path, "");
    opening->root.fd = file_open(AT_FDCWD, opening->root.path, O_RDONLY | O_DIRECTORY);
    if (opening->root.fd >= 0)
        return STK_OK;
    int code = errno;
    if (code == ENOENT)
        return fault_write(opening->error, STK_UNREADABLE,
                           "no folder %s; give the folder that holds one sub-folder a class",
                           name.text);
    if (code == ENOTDIR)
        return fault_write(opening->error, STK_UNREADABLE,
                           "not a folder: %s; give the folder that holds one sub-folder a class",
                           name.text);
    return fault_write(opening->error, fault_status(code), "cannot open the folder %s: %s",
                       name.text, fault_reason(code).text);
}

static enum stk_status find_classes(struct opening *opening)
{
    struct scan *scan = &opening->scan;
    enum stk_status status = scan_directory(scan, &opening->root, "", opening->error);
    if (status != STK_OK)
        return status;
    const char *path = opening->root.path;
    if (scan->folders.count == 0 && scan->pictures.count > 0)
        return fault_write(opening->error, STK_INVALID,
                           "no class folder in %s, but pictures: %zu; put each one into a "
                           "sub-folder named after its class",
                           fault_quote(path, "").text, scan->pictures.count);
    if (scan->folders.count == 0)
        return fault_write(opening->error, STK_INVALID,
                           "no class folder in %s; give the folder that holds one sub-folder a "
                           "class, with .jpg or .jpeg files in them",
                           fault_quote(path, "").text);
    if (scan->folders.count > INT32_MAX)
        return fault_write(opening->error, STK_LIMIT, "more than %d class folders in %s", INT32_MAX,
                           fault_quote(path, "").text);
    names_sort(&scan->folders);
    return STK_OK;
}

static int compare(const void *left, const void *right)
{
    const struct directory *a = *(struct directory *const *)left;
    const struct directory *b = *(struct directory *const *)right;
    if (a->run.label != b->run.label)
        return a->run.label < b->run.label ? -1 : 1;
    return strcmp(a->path, b->path);
}

static enum stk_status sort_directories(struct opening *opening)
{
    opening->sorted = calloc(opening->directory_count, sizeof opening->sorted[0]);
    if (opening->sorted == NULL)
        return out_of_memory(opening);
    size_t i = 0;
    for (struct directory *d = opening->directories; d != NULL; d = d->next)
        opening->sorted[i++] = d;
    qsort(opening->sorted, opening->directory_count, sizeof opening->sorted[0], compare);
    return STK_OK;
}

static void warn_of_empty_classes(const struct opening *opening)
{
    const struct listing *listing = opening->listing;
    struct tally empty = {0};
    size_t run = 0;
    for (uint32_t class = 0; class < listing->classes; class ++) {
        if (run == listing->run_count || listing->runs[run].label != (int32_t) class)
            count_up(&empty, 1, listing->class_names[class]);
        while (run < listing->run_count && listing->runs[run].label == (int32_t) class)
            run++;
    }
    if (empty.count > 0)
        LOG(WARN, "source.empty_class", LOG_TEXT("source", opening->source),
            LOG_NUMBER("classes", empty.count), LOG_TEXT("first", empty.first));
}

/* Once a source, with the first path in the listing's order. */
static void log_what_was_left_out(const struct opening *opening)
{
    const struct scan *scan = &opening->scan;
    uint64_t ignored = scan->ignored + scan->dangling + scan->pictures.count;
    struct tally dangling = {0};
    struct tally looping = {0};
    for (size_t i = 0; i < opening->directory_count; i++) {
        const struct directory *directory = opening->sorted[i];
        ignored += directory->ignored;
        count_up(&dangling, directory->dangling, directory->path);
        count_up(&looping, directory->looping ? 1 : 0, directory->path);
    }
    if (ignored > 0)
        LOG(NOTICE, "source.ignored", LOG_TEXT("source", opening->source),
            LOG_NUMBER("files", ignored),
            LOG_TEXT("reason", "not a .jpg or .jpeg file in a class folder"));
    if (dangling.count > 0)
        LOG(WARN, "source.dangling", LOG_TEXT("source", opening->source),
            LOG_NUMBER("names", dangling.count), LOG_TEXT("first_in", dangling.first));
    if (looping.count > 0)
        LOG(WARN, "source.loop", LOG_TEXT("source", opening->source),
            LOG_NUMBER("links", looping.count), LOG_TEXT("first", looping.first));
    warn_of_empty_classes(opening);
}

static enum stk_status check_samples(const struct opening *opening)
{
    const struct listing *listing = opening->listing;
    struct fault_text name = fault_quote(opening->root.path, "");
    if (listing->count > SAMPLES_MAX)
        return fault_write(opening->error, STK_LIMIT, "more than %" PRIu64 " samples in %s",
                           SAMPLES_MAX, name.text);
    if (listing->count > 0)
        return STK_OK;
    if (opening->scan.pictures.count > 0)
        return fault_write(opening->error, STK_INVALID,
                           "no .jpg or .jpeg file in the class folders of %s: %" PRIu32
                           "; the pictures directly in it have no class: %zu",
                           name.text, listing->classes, opening->scan.pictures.count);
    return fault_write(opening->error, STK_INVALID,
                       "no .jpg or .jpeg file in the class folders of %s: %" PRIu32, name.text,
                       listing->classes);
}

static enum stk_status fill_listing(struct opening *opening)
{
    if (listing_init(opening->listing, opening->directory_count, &opening->scan.folders) != STK_OK)
        return out_of_memory(opening);
    for (size_t i = 0; i < opening->directory_count; i++) {
        struct directory *directory = opening->sorted[i];
        uint64_t expected = opening->listing->count + directory->run.count;
        listing_add_run(opening->listing, &directory->run);
        directory->dangling += expected - opening->listing->count;
    }
    return check_samples(opening);
}

static enum stk_status list(struct opening *opening)
{
    enum stk_status status = open_root(opening);
    if (status == STK_OK)
        status = find_classes(opening);
    if (status == STK_OK)
        status = walk_run(&opening->root, &opening->scan, opening->source, opening->threads,
                          opening->watch, &opening->directories, &opening->directory_count,
                          opening->error);
    if (status == STK_OK)
        status = sort_directories(opening);
    if (status == STK_OK)
        status = fill_listing(opening);
    return status;
}

static void log_listed(const struct opening *opening, uint64_t start_ns)
{
    LOG(NOTICE, "source.listed", LOG_TEXT("source", opening->source),
        LOG_NUMBER("classes", opening->listing->classes),
        LOG_NUMBER("samples", opening->listing->count),
        LOG_NUMBER("directories", opening->directory_count),
        LOG_NUMBER("listing_bytes", opening->listing->listing_bytes),
        LOG_NUMBER("wait_ms", (clock_now_ns() - start_ns) / 1000000));
}

static void release(struct opening *opening)
{
    free(opening->sorted);
    walk_release(&opening->directories);
    scan_release(&opening->scan);
}

static enum stk_status folder_open(const char *path, const struct source_place *place,
                                   unsigned threads, struct listing *listing, void **state,
                                   char *error)
{
    struct opening opening = {.root = {.fd = -1, .path = path},
                              .source = place->url,
                              .threads = threads,
                              .watch = place->watch,
                              .listing = listing,
                              .error = error};
    uint64_t start_ns = clock_now_ns();
    struct tree *tree = calloc(1, sizeof *tree);
    enum stk_status status = tree != NULL ? list(&opening) : out_of_memory(&opening);
    if (status == STK_OK && tree_init(tree, opening.root.fd, path) != STK_OK)
        status = out_of_memory(&opening);
    if (status == STK_OK) {
        log_what_was_left_out(&opening);
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

static enum stk_status folder_read(const void *state, const struct listing_sample *sample,
                                   const struct source_reading *reading, struct encoded *encoded,
                                   char *reason)
{
    return tree_read(state, sample->path, sample->bytes, reading, encoded, reason);
}

static const struct tree *folder_tree(const void *state)
{
    return state;
}

static void folder_close(void *state)
{
    tree_release(state);
    free(state);
}

const struct source_ops source_folder = {
    .open = folder_open, .read = folder_read, .tree = folder_tree, .close = folder_close};
