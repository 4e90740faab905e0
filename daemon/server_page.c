/*
 * The page: files of daemon/page, as the build found them.
 */
#include "daemon/server_page.h"

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

EMBED(index, "index.html");
EMBED(style, "page.css");
EMBED(script, "page.js");

static const struct {
    const char *path;
    const char *type;
    const char *bytes;
    const char *end;
} files[] = {
    {"/", "text/html; charset=utf-8", page_index, page_index_end},
    {"/page.css", "text/css; charset=utf-8", page_style, page_style_end},
    {"/page.js", "text/javascript; charset=utf-8", page_script, page_script_end},
};

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
