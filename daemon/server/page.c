/*
 * The page: files of daemon/page, as the build found them.
 */
#include "daemon/server/page.h"

#include <string.h>

/* The assembler takes a file in whole; the Makefile knows that this object is made of them. */
#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            ".type page_" #name ", %object\n"                                                      \
            "page_" #name ":\n"                                                                    \
            ".incbin \"daemon/page/" file "\"\n"                                                   \
            ".type page_" #name "_end, %object\n"                                                  \
            "page_" #name "_end:\n"                                                                \
            ".byte 0\n"                                                                            \
            ".size page_" #name ", . - page_" #name "\n"                                           \
            ".previous\n");                                                                        \
    extern const char page_##name[] __attribute__((visibility("hidden")));                         \
    extern const char page_##name##_end[] __attribute__((visibility("hidden")))

#define HTML "text/html; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define DRAWING "image/svg+xml"

/* X(name, file, path, type) */
#define PAGE_LIST(X)                                                                               \
    X(index, "index.html", "/", HTML)                                                              \
    X(icon, "icon.svg", "/icon.svg", DRAWING)                                                      \
    X(page_style, "page.css", "/page.css", STYLE)                                                  \
    X(streams_style, "streams.css", "/streams.css", STYLE)                                         \
    X(look_style, "look.css", "/look.css", STYLE)                                                  \
    X(page_script, "page.js", "/page.js", SCRIPT)                                                  \
    X(api_script, "api.js", "/api.js", SCRIPT)                                                     \
    X(chart_script, "chart.js", "/chart.js", SCRIPT)                                               \
    X(look_script, "look.js", "/look.js", SCRIPT)                                                  \
    X(pictures_script, "pictures.js", "/pictures.js", SCRIPT)                                      \
    X(slot_script, "slot.js", "/slot.js", SCRIPT)                                                  \
    X(streams_script, "streams.js", "/streams.js", SCRIPT)                                         \
    X(tools_script, "tools.js", "/tools.js", SCRIPT)

#define EMBED_FILE(name, file, path, type) EMBED(name, file);
PAGE_LIST(EMBED_FILE)

#define FILE_ROW(name, file, path, type) {path, type, page_##name, page_##name##_end},
static const struct {
    const char *path;
    const char *type;
    const char *bytes;
    const char *end;
} files[] = {PAGE_LIST(FILE_ROW)};

bool server_page_find(const char *path, struct page_file *file)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(path, files[i].path) != 0)
            continue;
        size_t len = (size_t)(files[i].end - files[i].bytes);
        *file = (struct page_file){files[i].type, files[i].bytes, len};
        return true;
    }
    return false;
}
