/*
 * The terminal of stoker top, by ncurses: a page, a line of keys below it, and what is pressed.
 *
 * While it is open the signals that would end or stop the process, or tell of a new size, are
 * blocked and read here, so that the terminal is always given back as it was.  One a process.
 */
#ifndef STK_TOP_SCREEN_H
#define STK_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/command/top_page.h"

struct top_screen;

enum top_key { TOP_KEY_NONE, TOP_KEY_QUIT, TOP_KEY_PAUSE, TOP_KEY_SORT, TOP_KEY_HELP };

enum { TOP_SCREEN_DESCRIPTORS = 2 };

/**
 * Take the terminal of stdin and stdout.
 *
 * Owns:    the caller gives it to top_screen_close.
 * Returns: NULL where they are no terminal, or one that cannot place a cursor.
 * Threads: the process's only one.  Blocks: no.  Allocates: ncurses does.
 */
struct top_screen *top_screen_open(void);

/** Give the terminal back; *screen becomes NULL.  NULL is fine. */
void top_screen_close(struct top_screen **screen);

/** What to wait for: when one of them can be read, there is something for top_screen_key. */
void top_screen_descriptors(const struct top_screen *screen, int descriptors[2]);

/** How many columns it has now. */
uint32_t top_screen_columns(const struct top_screen *screen);

/** Whether it shows UTF-8. */
bool top_screen_is_utf8(void);

/** Draw a page of as many columns, scrolled as keys were pressed. */
void top_screen_draw(struct top_screen *screen, const struct top_page *page);

/**
 * The next key, or signal, without waiting; TOP_KEY_NONE where there is none.  Scrolling, being
 * stopped, going on and a new size are done here: draw afterwards.
 */
enum top_key top_screen_key(struct top_screen *screen);

#endif
