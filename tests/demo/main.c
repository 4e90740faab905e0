/*
 * stoker-demo-draw: draw the demo data set, ten classes of sixty JPEGs, into a folder of folders.
 *
 * Every run draws the same bytes.  A finished folder carries a stamp and is left alone; any other
 * is drawn from the start, which takes seconds, so that no file of an older version stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/demo/canvas.h"
#include "tests/demo/classes.h"
#include "tests/demo/rng.h"
#include "tests/demo/write.h"

enum {
    CLASS_PICTURES = 60,
    EXIT_USAGE = 2,
    NAME_BYTES = 16, /* of a picture's name, its end mark included */
};

/* Raise the number whenever a picture changes. */
static const char stamp_name[] = ".complete";
static const char stamp_text[] = "stoker demo data 1\n";

static enum stk_status draw_all(int root, const char *path);
static int open_root(const char *path);
static bool is_complete(int root);
static enum stk_status complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

int main(int argc, char **argv)
{
    static const char usage[] = "usage: stoker-demo-draw DIR\n"
                                "Draw the demo data set, 10 classes of 60 JPEGs, into DIR.\n";
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) == EOF || fflush(stdout) != 0;
    if (argc != 2 || argv[1][0] == '-' || argv[1][0] == '\0') {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    int root = open_root(argv[1]);
    if (root < 0)
        return EXIT_FAILURE;
    enum stk_status status = is_complete(root) ? STK_OK : draw_all(root, argv[1]);
    close(root);
    return status == STK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum stk_status complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("stoker-demo-draw: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return STK_SYSTEM;
}

/* The folder, made where it is missing, and locked; -1 after a complaint. */
static int open_root(const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        complain("cannot make the directory \"%s\": %s", path, strerror(errno));
        return -1;
    }
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        complain("cannot open the directory \"%s\": %s", path, strerror(errno));
        return -1;
    }
    /* Two runs would share their temporary names: the second waits, and finds the stamp.  A file
     * system without locks is no reason not to draw, so the answer does not matter. */
    flock(root, LOCK_EX);
    return root;
}

static bool is_complete(int root)
{
    char found[sizeof stamp_text] = {0};
    int stamp = openat(root, stamp_name, O_RDONLY | O_CLOEXEC);
    if (stamp < 0)
        return false;
    ssize_t len = read(stamp, found, sizeof found);
    close(stamp);
    return len == sizeof stamp_text - 1 && memcmp(found, stamp_text, sizeof stamp_text - 1) == 0;
}

/* A picture's sides: small and large ones equally often within a class, a third upright. */
static void draw_sides(struct rng *rng, uint32_t number, uint32_t *height, uint32_t *width)
{
    /* 37 has no divisor in common with 60: each sixtieth of the range is met once. */
    float place = (float)(number * 37 % CLASS_PICTURES) + rng_between(rng, 0.0f, 1.0f);
    float longer = geometric_of(120.0f, 900.0f, place / (float)CLASS_PICTURES);
    float shorter = longer * rng_between(rng, 0.6f, 0.85f);
    uint32_t long_side = (uint32_t)longer;
    uint32_t short_side = (uint32_t)clamp_of(shorter, 90.0f, 700.0f);
    bool upright = rng_chance(rng, 0.33f);
    *height = upright ? long_side : short_side;
    *width = upright ? short_side : long_side;
}

/* How a picture is encoded: every kind occurs in every class. */
static struct jpeg_kind draw_kind(struct rng *rng, uint32_t number)
{
    static const enum sampling samplings[] = {
        SAMPLING_420, SAMPLING_422, SAMPLING_420, SAMPLING_444,
        SAMPLING_420, SAMPLING_422, SAMPLING_420, SAMPLING_GRAY,
    };
    struct jpeg_kind kind = {.sampling = samplings[number % 8], .progressive = number % 5 == 4};
    kind.quality = 75 + (int)rng_below(rng, 21);
    return kind;
}

static struct lens draw_lens(struct rng *rng)
{
    struct lens lens;
    lens.exposure = rng_between(rng, 0.88f, 1.1f);
    lens.warmth = rng_between(rng, -1.0f, 1.0f);
    lens.vignette = rng_between(rng, 0.05f, 0.35f);
    lens.grain = rng_between(rng, 0.008f, 0.03f);
    lens.seed = rng_bits(rng);
    return lens;
}

static void draw_light(struct canvas *canvas, struct rng *rng)
{
    float turns = rng_between(rng, -0.42f, -0.08f);
    canvas->light = (struct point){cosine_of(turns), sine_of(turns)};
}

static enum stk_status draw_picture(int folder, uint32_t class, uint32_t number, const char *name,
                                    char *error)
{
    struct rng rng;
    uint32_t height;
    uint32_t width;
    rng_init(&rng, class, number);
    draw_sides(&rng, number, &height, &width);
    struct jpeg_kind kind = draw_kind(&rng, number);
    struct lens lens = draw_lens(&rng);
    struct canvas canvas;
    uint8_t *rgb = malloc((size_t)height * width * 3);
    enum stk_status status = canvas_init(&canvas, height, width);
    if (status == STK_OK && rgb) {
        draw_light(&canvas, &rng);
        demo_classes[class].draw(&canvas, &rng);
        canvas_develop(&canvas, &lens, rgb);
        status = write_jpeg(folder, name, rgb, height, width, &kind, error);
    } else {
        status = STK_MEMORY;
        snprintf(error, WRITE_ERROR_BYTES, "out of memory");
    }
    canvas_release(&canvas);
    free(rgb);
    return status;
}

static void show_progress(uint32_t drawn)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rdrawing the demo data: %u/%u%s", drawn, DEMO_CLASSES * CLASS_PICTURES,
                drawn == DEMO_CLASSES * CLASS_PICTURES ? "\n" : "");
}

static enum stk_status draw_class(int folder, uint32_t class, const char *path)
{
    for (uint32_t number = 0; number < CLASS_PICTURES; number++) {
        char name[NAME_BYTES];
        char error[WRITE_ERROR_BYTES];
        snprintf(name, sizeof name, "%03u.jpg", number);
        enum stk_status status = draw_picture(folder, class, number, name, error);
        if (status != STK_OK)
            return complain("cannot write \"%s/%s/%s\": %s", path, demo_classes[class].name, name,
                            error);
        show_progress(class * CLASS_PICTURES + number + 1);
    }
    return STK_OK;
}

static enum stk_status draw_all(int root, const char *path)
{
    /* Should this run not finish, an older stamp must not call its pictures complete. */
    if (unlinkat(root, stamp_name, 0) != 0 && errno != ENOENT)
        return complain("cannot remove \"%s/%s\": %s", path, stamp_name, strerror(errno));
    for (uint32_t class = 0; class < DEMO_CLASSES; class ++) {
        const char *name = demo_classes[class].name;
        if (mkdirat(root, name, 0777) != 0 && errno != EEXIST)
            return complain("cannot make the directory \"%s/%s\": %s", path, name, strerror(errno));
        int folder = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            return complain("cannot open the directory \"%s/%s\": %s", path, name, strerror(errno));
        enum stk_status status = draw_class(folder, class, path);
        close(folder);
        if (status != STK_OK)
            return status;
    }
    char error[WRITE_ERROR_BYTES];
    if (write_text(root, stamp_name, stamp_text, error) != STK_OK)
        return complain("cannot write \"%s/%s\": %s", path, stamp_name, error);
    return STK_OK;
}
