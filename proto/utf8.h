/*
 * Texts of strangers: what is UTF-8, and what of it may be shown.
 *
 * Names of files, classes and streams are chosen by whoever fills a disk or runs a daemon, and end
 * on terminals and in pictures.  Everything that shows one asks here.  No state; any thread.
 */
#ifndef STK_UTF8_H
#define STK_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the UTF-8 sequence at text[0 .. len), 1 .. 4; 0 where it is not one.  len >= 1. */
size_t stk_utf8_len(const char *text, size_t len);

/** The number of the character whose len bytes, as stk_utf8_len tells, stand at text. */
uint32_t stk_utf8_number(const char *text, size_t len);

/**
 * Bytes of the UTF-8 sequence, but 0 also for a character that a terminal obeys instead of showing
 * it: the controls C0 and C1, DEL, ends of a line or paragraph, and what turns the direction of a
 * text around.
 *
 * Source: ECMA-48 and RFC 3629; Unicode Technical Report 36, "Bidirectional Text Spoofing".
 */
size_t stk_utf8_shown_len(const char *text, size_t len);

/**
 * Make '?' of every byte that belongs to no character that may be shown.
 *
 *   text   len bytes, which may hold zero bytes; changed where they stand
 *
 * Owns: nothing.  Threads: the text's.  Blocks: no.  Allocates: no.
 */
void stk_utf8_tame(char *text, size_t len);

#endif
