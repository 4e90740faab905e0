/*
 * List: a hash table over the file's lines, asked for every sample's four names.
 */
#include "daemon/source/list.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/source/fault.h"
#include "daemon/source/text_file.h"

enum { NAMES = 3 }; /* of a sample, beside its path */

struct entry {
    const char *name; /* NULL: the place is empty */
    uint64_t line;
    uint64_t sample; /* index + 1 of the one that it names; 0 while it names none */
    bool exact;      /* it is that sample's whole path, so it is not another one's short name */
};

struct list {
    struct text text;
    const struct listing *listing;
    struct entry *table; /* [table_count], a power of two: open addressing */
    size_t table_count;
    uint64_t *bits; /* a bit a sample: it is named */
    uint64_t kept;
    char *error;
};

static enum stk_status out_of_memory(const struct list *list)
{
    return text_fail(&list->text, 0, list->error, STK_MEMORY, "no memory for its names");
}

/* Where a name is in the table, or would be. */
static struct entry *find(const struct list *list, const char *name, size_t len)
{
    size_t mask = list->table_count - 1;
    size_t at = (size_t)XXH3_64bits(name, len) & mask;
    for (const char *there; (there = list->table[at].name) != NULL; at = (at + 1) & mask) {
        if (strncmp(there, name, len) == 0 && there[len] == '\0')
            break;
    }
    return &list->table[at];
}

static const char *without_dot(const char *name)
{
    return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

/* A line without its end; NULL behind the last one. */
static const char *next_line(char **at)
{
    char *line = *at;
    if (*line == '\0')
        return NULL;
    size_t len = strcspn(line, "\n");
    *at = line + len + (line[len] == '\n');
    line[len] = '\0';
    if (len > 0 && line[len - 1] == '\r')
        line[len - 1] = '\0';
    return without_dot(line);
}

static enum stk_status make_table(struct list *list)
{
    size_t lines = 1;
    for (const char *at = list->text.bytes; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    list->table_count = 16;
    while (list->table_count < 2 * lines)
        list->table_count *= 2;
    list->table = calloc(list->table_count, sizeof list->table[0]);
    list->bits = calloc(list->listing->count / 64 + 1, sizeof list->bits[0]);
    return list->table != NULL && list->bits != NULL ? STK_OK : out_of_memory(list);
}

static enum stk_status read_names(struct list *list)
{
    uint64_t line = 0;
    char *at = list->text.bytes;
    for (const char *name; (name = next_line(&at)) != NULL;) {
        line++;
        if (name[0] == '\0')
            continue;
        struct entry *entry = find(list, name, strlen(name));
        if (entry->name != NULL)
            return text_fail(&list->text, line, list->error, STK_INVALID,
                             "%s stands in line %" PRIu64 " already; remove one",
                             fault_quote(name, "").text, entry->line);
        *entry = (struct entry){.name = name, .line = line};
    }
    return STK_OK;
}

/* A sample's path as a list would have it. */
static const char *path_of(const struct list *list, uint64_t index)
{
    return without_dot(listing_get(list->listing, index).path);
}

/* An entry that names a sample already names another one, which is fine if it is the same file. */
static enum stk_status check_same(const struct list *list, const struct entry *entry,
                                  const char *path)
{
    const char *other = path_of(list, entry->sample - 1);
    if (strcmp(other, path) == 0)
        return STK_OK;
    struct fault_text names[] = {fault_quote(other, ""), fault_quote(path, "")};
    return text_fail(&list->text, entry->line, list->error, STK_INVALID,
                     "\"%.80s\" names %.120s and %.120s; write the path", entry->name,
                     names[0].text, names[1].text);
}

static void name_sample(struct list *list, struct entry *entry, uint64_t index)
{
    entry->sample = index + 1;
    list->bits[index / 64] |= UINT64_C(1) << index % 64;
    list->kept++;
}

/* Look a sample up by its path.  This comes first, for all of them: a picture in the folder of a
 * CSV has no longer name than its file's, which others below it may have too. */
static void match_path(struct list *list, uint64_t index)
{
    const char *path = path_of(list, index);
    struct entry *entry = find(list, path, strlen(path));
    if (entry->name == NULL)
        return;
    entry->exact = true;
    name_sample(list, entry, index);
}

/* Look a sample up by its other names: its file's, and both without the extension. */
static enum stk_status match(struct list *list, uint64_t index)
{
    const char *path = path_of(list, index);
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(file, '.');
    const char *end = path + strlen(path);
    const char *stem_end = dot != NULL && dot > file ? dot : end;
    const char *const starts[NAMES] = {path, file, file};
    const char *const ends[NAMES] = {stem_end, end, stem_end};
    const struct entry *found = find(list, path, strlen(path));
    if (found->name == NULL)
        found = NULL;
    for (int i = 0; i < NAMES; i++) {
        struct entry *entry = find(list, starts[i], (size_t)(ends[i] - starts[i]));
        if (entry->name == NULL || entry->exact || entry->sample == index + 1)
            continue;
        if (found != NULL)
            return text_fail(&list->text, entry->line, list->error, STK_INVALID,
                             "%s is the sample of line %" PRIu64 " as well; remove one",
                             fault_quote(entry->name, "").text, found->line);
        if (entry->sample != 0 && check_same(list, entry, path) != STK_OK)
            return STK_INVALID;
        name_sample(list, entry, index);
        found = entry;
    }
    return STK_OK;
}

/* The first line that names nothing. */
static enum stk_status check_matched(const struct list *list)
{
    const struct entry *first = NULL;
    uint64_t missing = 0;
    for (size_t i = 0; i < list->table_count; i++) {
        const struct entry *entry = &list->table[i];
        if (entry->name == NULL || entry->sample != 0)
            continue;
        missing++;
        if (first == NULL || entry->line < first->line)
            first = entry;
    }
    if (first != NULL)
        return text_fail(&list->text, first->line, list->error, STK_INVALID,
                         "no sample %s in the source; %" PRIu64 " names have none",
                         fault_quote(first->name, "").text, missing);
    if (list->kept == 0)
        return text_fail(&list->text, 1, list->error, STK_INVALID, "names no sample");
    return STK_OK;
}

static enum stk_status match_all(struct list *list)
{
    enum stk_status status = make_table(list);
    if (status == STK_OK)
        status = read_names(list);
    for (uint64_t i = 0; i < list->listing->count && status == STK_OK; i++)
        match_path(list, i);
    for (uint64_t i = 0; i < list->listing->count && status == STK_OK; i++)
        status = match(list, i);
    return status == STK_OK ? check_matched(list) : status;
}

enum stk_status list_apply(const char *path, uint64_t bytes_max, struct listing *listing,
                           char *error)
{
    struct list list = {.listing = listing, .error = error};
    enum stk_status status = text_read(path, bytes_max, &list.text, error);
    if (status == STK_OK)
        status = match_all(&list);
    if (status == STK_OK)
        listing_keep(listing, list.bits);
    free(list.table);
    free(list.bits);
    text_release(&list.text);
    return status;
}
