/*
 * pixels: what image/ makes of JPEGs, for a test in another language to compare.
 *
 * Every line of standard input is a job:
 *
 *     top left height width resized_height resized_width window_top window_left
 *     out_height out_width flip dtype layout interpolation path
 *
 * with dtype u8, f32, f16 or bf16, layout nhwc or nchw, and interpolation as a configuration says
 * it.  The answer is a line "status bytes" and so many bytes: the slot, or the reason why there is
 * none.  All but u8 are normalised by ImageNet's mean and std.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/recipe.h"
#include "daemon/base/check.h"
#include "daemon/image/image.h"

struct job {
    struct view view;
    struct image_format format;
    int flip;
    const char *path;
};

struct file {
    uint8_t *bytes;
    size_t len;
};

static bool parse(char *line, struct job *job);
static bool parse_interpolation(const char *word, enum interpolation *interpolation);
static void answer(struct image_decoder *decoder, const struct job *job);

int main(void)
{
    static const struct image_limits limits = {
        .pixels_max = 1 << 28, .decoder_bytes_max = 1 << 28, .scan_pixels_max = 1 << 30};
    struct image_decoder *decoder;
    if (image_decoder_open(&limits, &decoder) != STK_OK)
        return EXIT_FAILURE;
    char *line = NULL;
    size_t line_max = 0;
    static struct job job;
    while (getline(&line, &line_max, stdin) > 0) {
        if (!parse(line, &job)) {
            fprintf(stderr, "pixels: not a job: \"%s\"\n", line);
            return EXIT_FAILURE;
        }
        answer(decoder, &job);
        fflush(stdout);
    }
    free(line);
    image_decoder_close(&decoder);
    return EXIT_SUCCESS;
}

static enum stk_dtype dtype_of(const char *word)
{
    for (unsigned i = 0; i < recipe_dtype_words.count; i++) {
        if (recipe_dtype_words.list[i] != NULL && strcmp(recipe_dtype_words.list[i], word) == 0)
            return (enum stk_dtype)i;
    }
    return STK_U8;
}

static bool parse(char *line, struct job *job)
{
    static const double mean[3] = {0.485, 0.456, 0.406};
    static const double std[3] = {0.229, 0.224, 0.225};
    struct view *view = &job->view;
    uint32_t height, width;
    char dtype[8], layout[8], interpolation[16];
    int path_at = 0;
    line[strcspn(line, "\n")] = '\0';
    sscanf(line, "%d %d %d %d %u %u %d %d %u %u %d %7s %7s %15s %n", &view->box.top,
           &view->box.left, &view->box.height, &view->box.width, &view->resized_height,
           &view->resized_width, &view->top, &view->left, &height, &width, &job->flip, dtype,
           layout, interpolation, &path_at);
    if (path_at == 0)
        return false;
    image_format_init(&job->format, height, width, dtype_of(dtype),
                      strcmp(layout, "nchw") == 0 ? STK_NCHW : STK_NHWC, mean, std);
    job->path = &line[path_at];
    return parse_interpolation(interpolation, &job->format.interpolation);
}

static bool parse_interpolation(const char *word, enum interpolation *interpolation)
{
    const struct recipe_words *words = &recipe_interpolation_words;
    for (unsigned i = 0; i < words->count; i++) {
        if (strcmp(words->list[i], word) != 0)
            continue;
        *interpolation = (enum interpolation)i;
        return true;
    }
    return false;
}

static struct file read_file(const char *path)
{
    FILE *stream = fopen(path, "rb");
    CHECK(stream != NULL && fseek(stream, 0, SEEK_END) == 0);
    struct file file = {.len = (size_t)ftell(stream)};
    rewind(stream);
    file.bytes = malloc(file.len + 1);
    CHECK(file.bytes != NULL && fread(file.bytes, 1, file.len, stream) == file.len);
    fclose(stream);
    return file;
}

static void answer(struct image_decoder *decoder, const struct job *job)
{
    struct file file = read_file(job->path);
    size_t slot_bytes = image_format_bytes(&job->format);
    void *slot = malloc(slot_bytes);
    CHECK(slot != NULL);
    uint32_t height, width;
    char reason[IMAGE_REASON_BYTES];
    enum stk_status status =
        image_decoder_begin(decoder, file.bytes, file.len, &height, &width, reason);
    if (status == STK_OK)
        status =
            image_decoder_finish(decoder, &job->view, job->flip != 0, &job->format, slot, reason);
    const void *bytes = status == STK_OK ? slot : (const void *)reason;
    size_t len = status == STK_OK ? slot_bytes : strlen(reason);
    printf("%s %zu\n", stk_status_word(status), len);
    fwrite(bytes, 1, len, stdout);
    free(slot);
    free(file.bytes);
}
