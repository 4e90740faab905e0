/*
 * The text of a configuration file: read, checked for what libConfuse would misread, comments out.
 *
 * The scan knows words, quotes, comments and braces, by the rules of libConfuse's scanner: a word
 * goes on to the next blank or one of # " ' = { } ( ) + , *, and "//" starts a comment only where
 * no word is under way, so that ipc:///run/x needs no quotes.
 */
#include "config/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BRACES_MAX = 4 }; /* stream { mix { alpha = { is three */

struct scan {
    const struct config_report *report;
    struct config_text *text;
    char *at;
    unsigned line;
    bool in_word;   /* the byte before this one belongs to a word */
    char last;      /* the last byte that is neither blank nor comment; 0 before the first */
    unsigned depth; /* braces open, at most BRACES_MAX */
    struct {
        unsigned line;
        bool list; /* opened behind '=' */
    } braces[BRACES_MAX];
};

static enum stk_status read_file(const struct config_report *report, char **bytes);
static enum stk_status scan_file(struct scan *scan);
static void trim_end(struct config_text *text);

enum stk_status config_text_init(const struct config_report *report, struct config_text *text)
{
    *text = (struct config_text){.last_line = 1};
    enum stk_status status = read_file(report, &text->bytes);
    if (status == STK_OK) {
        struct scan scan = {.report = report, .text = text, .at = text->bytes, .line = 1};
        status = scan_file(&scan);
    }
    if (status != STK_OK) {
        config_text_release(text);
        return status;
    }
    trim_end(text);
    return STK_OK;
}

void config_text_release(struct config_text *text)
{
    free(text->bytes);
    *text = (struct config_text){0};
}

static unsigned line_of(const char *bytes, const char *at)
{
    unsigned line = 1;
    for (; bytes < at; bytes++)
        line += *bytes == '\n';
    return line;
}

/* Read to the end of the file, so that a pipe will do; bytes has room for one more than allowed. */
static enum stk_status read_stream(const struct config_report *report, FILE *file, char *bytes)
{
    errno = 0;
    size_t len = fread(bytes, 1, CONFIG_FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        return config_fail(report, 0, "cannot be read: %s", strerror(errno));
    if (len > CONFIG_FILE_BYTES_MAX)
        return config_fail(report, 0, "is longer than %d bytes; is it a configuration file?",
                           CONFIG_FILE_BYTES_MAX);
    bytes[len] = '\0';
    char *zero = memchr(bytes, '\0', len);
    if (zero != NULL)
        return config_fail(report, line_of(bytes, zero),
                           "a zero byte; is it a configuration file?");
    return STK_OK;
}

static enum stk_status read_file(const struct config_report *report, char **bytes)
{
    FILE *file = fopen(report->path, "re");
    if (file == NULL)
        return config_fail(report, 0, "cannot be opened: %s", strerror(errno));
    *bytes = malloc(CONFIG_FILE_BYTES_MAX + 2);
    enum stk_status status = *bytes != NULL ? read_stream(report, file, *bytes) : STK_MEMORY;
    fclose(file);
    return status;
}

static enum stk_status scan_comment(struct scan *scan);
static enum stk_status scan_quotes(struct scan *scan);
static enum stk_status scan_brace(struct scan *scan);
static enum stk_status scan_byte(struct scan *scan);

static bool starts_comment(const struct scan *scan)
{
    const char *at = scan->at;
    return at[0] == '#' || (at[0] == '/' && at[1] == '*') ||
           (at[0] == '/' && at[1] == '/' && !scan->in_word);
}

static enum stk_status scan_step(struct scan *scan)
{
    switch (*scan->at) {
    case '\n':
        scan->line++;
        /* fall through */
    case ' ':
    case '\t':
    case '\r':
        scan->in_word = false;
        scan->at++;
        return STK_OK;
    case '"':
    case '\'':
        return scan_quotes(scan);
    case '{':
    case '}':
        return scan_brace(scan);
    default:
        return starts_comment(scan) ? scan_comment(scan) : scan_byte(scan);
    }
}

static enum stk_status scan_file(struct scan *scan)
{
    while (*scan->at != '\0') {
        enum stk_status status = scan_step(scan);
        if (status != STK_OK)
            return status;
    }
    if (scan->depth > 0)
        return config_fail(scan->report, scan->braces[scan->depth - 1].line,
                           "\"{\" is never closed; add a \"}\"");
    return STK_OK;
}

/* Take the byte under way as one that means something. */
static void take(struct scan *scan, bool word)
{
    scan->last = *scan->at++;
    scan->in_word = word;
    scan->text->last_line = scan->line;
}

static enum stk_status scan_byte(struct scan *scan)
{
    unsigned char byte = (unsigned char)*scan->at;
    if (byte < ' ' || byte == 0x7f)
        return config_fail(scan->report, scan->line,
                           "control character 0x%02x; is it a configuration file?", byte);
    if (strchr("*+()", byte) != NULL)
        return config_fail(scan->report, scan->line,
                           "\"%c\" outside of quotes; put the whole value into quotes", byte);
    if (byte == '$' && scan->at[1] == '{')
        return config_fail(scan->report, scan->line,
                           "\"${\" outside of quotes; variables are not expanded, write the value");
    take(scan, byte != '=' && byte != ',');
    return STK_OK;
}

/* Where the comment at scan->at ends; NULL where it does not. */
static char *comment_end(const struct scan *scan)
{
    if (scan->at[0] == '/' && scan->at[1] == '*') {
        char *end = strstr(scan->at + 2, "*/");
        return end != NULL ? end + 2 : NULL;
    }
    return scan->at + strcspn(scan->at, "\n");
}

static enum stk_status scan_comment(struct scan *scan)
{
    const char *sign = scan->at[0] == '#' ? "#" : scan->at[1] == '*' ? "/*" : "//";
    if (scan->in_word || scan->last == '=')
        return config_fail(scan->report, scan->line,
                           "\"%s\" starts a comment here; put a value that holds it into quotes",
                           sign);
    char *end = comment_end(scan);
    if (end == NULL)
        return config_fail(scan->report, scan->line, "\"/*\" is never closed; add a \"*/\"");
    for (; scan->at < end; scan->at++) {
        if (*scan->at == '\n')
            scan->line++;
        else
            *scan->at = ' ';
    }
    return STK_OK;
}

/* Quotes end on their line: one that does not has most likely been forgotten. */
static enum stk_status scan_quotes(struct scan *scan)
{
    char quote = *scan->at++;
    while (*scan->at != quote) {
        if (scan->at[0] == '\\' && scan->at[1] != '\n' && scan->at[1] != '\0')
            scan->at++;
        else if (quote == '"' && scan->at[0] == '$' && scan->at[1] == '{')
            return config_fail(scan->report, scan->line,
                               "\"${\" in double quotes; variables are not expanded, "
                               "write the value, or \\${ for these two characters");
        else if (*scan->at == '\0' || *scan->at == '\n')
            return config_fail(scan->report, scan->line,
                               "%c is never closed; close the quotes on their line", quote);
        scan->at++;
    }
    take(scan, false);
    return STK_OK;
}

static enum stk_status open_brace(struct scan *scan)
{
    bool list = scan->last == '=';
    if (scan->depth == BRACES_MAX)
        return config_fail(scan->report, scan->line, "\"{\" inside %d others; close one first",
                           BRACES_MAX);
    scan->braces[scan->depth].line = scan->line;
    scan->braces[scan->depth++].list = list;
    if (list)
        return STK_OK;
    if (scan->text->section_count == CONFIG_SECTIONS_MAX)
        return config_fail(scan->report, scan->line, "more than %d sections; remove some",
                           CONFIG_SECTIONS_MAX);
    scan->text->section_lines[scan->text->section_count++] = scan->line;
    return STK_OK;
}

static enum stk_status close_brace(struct scan *scan)
{
    if (scan->depth == 0)
        return config_fail(scan->report, scan->line, "\"}\" closes nothing; remove it");
    if (scan->braces[--scan->depth].list && scan->last == '{')
        return config_fail(scan->report, scan->line,
                           "an empty list; give it a value, or remove the setting");
    return STK_OK;
}

static enum stk_status scan_brace(struct scan *scan)
{
    enum stk_status status = *scan->at == '{' ? open_brace(scan) : close_brace(scan);
    if (status == STK_OK)
        take(scan, false);
    return status;
}

/* So that libConfuse, where the file ends too early, names the line of the last word. */
static void trim_end(struct config_text *text)
{
    size_t len = strlen(text->bytes);
    while (len > 0 && strchr(" \t\r\n", text->bytes[len - 1]) != NULL)
        len--;
    text->bytes[len] = '\0';
}
