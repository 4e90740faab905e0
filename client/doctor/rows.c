/*
 * Rows.
 */
#include "client/doctor/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/command/json.h"
#include "client/doctor/doctor.h"

enum { ROWS_SHOWN = 20 }; /* to a person */

enum stk_status rows_init(struct rows *rows)
{
    rows->count = 0;
    rows->row = calloc(ROWS_MAX, sizeof rows->row[0]);
    if (rows->row == NULL)
        return STK_MEMORY;
    pthread_mutex_init(&rows->lock, NULL);
    return STK_OK;
}

static uint64_t listed(const struct rows *rows)
{
    return rows->count < ROWS_MAX ? rows->count : ROWS_MAX;
}

void rows_release(struct rows *rows)
{
    for (uint64_t i = 0; i < listed(rows); i++)
        free(rows->row[i].path);
    free(rows->row);
    pthread_mutex_destroy(&rows->lock);
}

void rows_add(struct rows *rows, uint64_t index, const char *path, const char *what,
              const char *reason)
{
    pthread_mutex_lock(&rows->lock);
    if (rows->count < ROWS_MAX) {
        struct row *row = &rows->row[rows->count];
        *row = (struct row){.index = index, .path = strdup(path), .what = what};
        snprintf(row->reason, sizeof row->reason, "%s", reason);
    }
    rows->count++;
    pthread_mutex_unlock(&rows->lock);
}

static int by_index(const void *one, const void *other)
{
    const struct row *a = one, *b = other;
    return (a->index > b->index) - (a->index < b->index);
}

static json_t *object_of(const struct row *row, const char *path)
{
    json_t *object = json_object();
    if (row->index != ROWS_NO_INDEX)
        json_set_number(object, "index", row->index);
    json_set_text(object, "path", stk_text_of(path));
    json_set_text(object, "what", stk_text_of(row->what));
    json_set_text(object, "reason", stk_text_of(row->reason));
    return object;
}

void rows_tell(struct doctor *doctor, struct rows *rows, json_t *object, const char *key)
{
    json_t *array = json_array();
    qsort(rows->row, listed(rows), sizeof rows->row[0], by_index);
    for (uint64_t i = 0; i < listed(rows); i++) {
        const struct row *row = &rows->row[i];
        const char *path = row->path != NULL ? row->path : "";
        if (i < ROWS_SHOWN)
            doctor_tell(doctor, "%s: %s (%s)", row->what, path, row->reason);
        json_array_append_new(array, object_of(row, path));
    }
    if (rows->count > ROWS_SHOWN)
        doctor_tell(doctor, "and %" PRIu64 " more; --json lists %d of them",
                    rows->count - ROWS_SHOWN, ROWS_MAX);
    if (object != NULL)
        json_object_set(object, key, array);
    json_decref(array);
}
