/*
 * The page that the http listener shows: its files, which hold no data.  They are part of the
 * program.  No state; any thread.
 */
#ifndef STK_SERVER_PAGE_H
#define STK_SERVER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct page_file {
    const char *type;  /* for Content-Type */
    const char *bytes; /* len of them; constant */
    size_t len;
};

/** The file at a path, such as "/"; false where there is none.  Blocks: no.  Allocates: no. */
bool server_page_find(const char *path, struct page_file *file);

#endif
