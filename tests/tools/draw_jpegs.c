/*
 * draw_jpegs: random JPEGs of every kind that libjpeg-turbo writes, for a test in another language.
 *
 *     draw_jpegs SEED FIRST COUNT SIDE_MAX FOLDER
 *
 * writes FOLDER/NUMBER.jpg for COUNT numbers from FIRST on and prints a line for each, the number
 * and what it is.  A file is a function of seed, number and largest side.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/write_jpeg.h"

static void draw(unsigned long seed, unsigned long number, uint32_t side_max, const char *folder);

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: draw_jpegs SEED FIRST COUNT SIDE_MAX FOLDER\n");
        return 2;
    }
    unsigned long seed = strtoul(argv[1], NULL, 10);
    unsigned long first = strtoul(argv[2], NULL, 10);
    unsigned long count = strtoul(argv[3], NULL, 10);
    uint32_t side_max = (uint32_t)strtoul(argv[4], NULL, 10);
    CHECK(side_max >= 3);
    for (unsigned long i = first; i < first + count; i++)
        draw(seed, i, side_max, argv[5]);
    return EXIT_SUCCESS;
}

static void draw(unsigned long seed, unsigned long number, uint32_t side_max, const char *folder)
{
    char path[4096];
    char text[KIND_TEXT_BYTES];
    random_begin(seed, number);
    struct kind kind = random_kind();
    uint32_t height = random_side(side_max);
    struct jpeg jpeg = write_jpeg(&kind, height, random_side(side_max), NULL, 0);
    CHECK((size_t)snprintf(path, sizeof path, "%s/%lu.jpg", folder, number) < sizeof path);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(jpeg.bytes, 1, jpeg.len, file) == jpeg.len && fclose(file) == 0);
    printf("%lu %s\n", number, kind_text(&kind, text));
    free(jpeg.bytes);
}
