/*
 * A stream: opening, fingerprint and description.
 */
#include "daemon/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/plan/plan.h"

enum { LOGGED_BITS = 64 };

static void feed_hash(void *context, const void *bytes, size_t len)
{
    XXH3_128bits_update(context, bytes, len);
}

/* XXH3-128 over the canonical recipe and the listing. */
static enum stk_status take_fingerprint(struct stream *stream)
{
    char text[RECIPE_TEXT_BYTES];
    size_t len = recipe_text(stream->recipe, text, sizeof text);
    XXH3_state_t *hash = XXH3_createState();
    if (hash == NULL)
        return STK_MEMORY;
    XXH3_128bits_reset(hash);
    XXH3_128bits_update(hash, text, len);
    source_feed_listing(stream->source, feed_hash, hash);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
    memcpy(stream->fingerprint.bytes, canonical.digest, sizeof stream->fingerprint.bytes);
    XXH3_freeState(hash);
    return STK_OK;
}

/* Labels that are no class number are a target always. */
static uint32_t target_columns(const struct stream *stream)
{
    if (source_labels(stream->source) == SOURCE_CLASS && stream->recipe->labels == LABELS_INDEX)
        return 0;
    return source_classes(stream->source);
}

static enum stk_status check_smoothing(const struct stream *stream, char *error)
{
    if (source_labels(stream->source) == SOURCE_CLASS || recipe_smoothing(stream->recipe) == 0)
        return STK_OK;
    snprintf(error, CONFIG_ERROR_BYTES,
             "stream \"%s\" has smoothing %g, which is of one class a sample; its source has %s, "
             "set smoothing = 0",
             stream->name, recipe_smoothing(stream->recipe),
             source_labels(stream->source) == SOURCE_CLASSES ? "several" : "numbers");
    return STK_CONFIG;
}

static enum stk_status prepare(struct stream *stream, const struct config_stream *config,
                               char *error)
{
    const struct recipe *recipe = stream->recipe;
    if (check_smoothing(stream, error) != STK_OK)
        return STK_CONFIG;
    stream->samples = source_count(stream->source);
    stream->steps = plan_steps(recipe, stream->samples);
    if (stream->steps == 0) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "stream \"%s\" has %llu samples, fewer than one batch of %u; make batch smaller "
                 "or set last to partial or wrap",
                 config->name, (unsigned long long)stream->samples, recipe->batch);
        return STK_CONFIG;
    }
    image_format_init(&stream->format, recipe->height, recipe->width, recipe->dtype, recipe->layout,
                      recipe->mean, recipe->std);
    layout_init(&stream->layout, recipe, target_columns(stream));
    recipe_mix_text(recipe, stream->mix);
    stream->logged = calloc(stream->samples / LOGGED_BITS + 1, sizeof *stream->logged);
    if (stream->logged == NULL || take_fingerprint(stream) != STK_OK) {
        snprintf(error, CONFIG_ERROR_BYTES, "out of memory for stream \"%s\"", config->name);
        return STK_MEMORY;
    }
    return STK_OK;
}

enum stk_status stream_open(const struct config_stream *config, unsigned threads,
                            struct stream **stream, char *error)
{
    *stream = NULL;
    struct stream *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, CONFIG_ERROR_BYTES, "out of memory for stream \"%s\"", config->name);
        return STK_MEMORY;
    }
    made->name = config->name;
    made->recipe = &config->recipe;
    char reason[SOURCE_ERROR_BYTES] = "";
    const struct source_place place = {config->source, config->root, config->list};
    enum stk_status status = source_open(&place, threads, &made->source, reason);
    if (status != STK_OK)
        snprintf(error, CONFIG_ERROR_BYTES, "stream \"%s\": %s", config->name, reason);
    else
        status = prepare(made, config, error);
    if (status != STK_OK) {
        stream_close(&made);
        return status;
    }
    *stream = made;
    return STK_OK;
}

void stream_close(struct stream **stream)
{
    if (*stream == NULL)
        return;
    source_close(&(*stream)->source);
    free((*stream)->logged);
    free(*stream);
    *stream = NULL;
}

struct stk_stream_info stream_info(const struct stream *stream)
{
    const struct recipe *recipe = stream->recipe;
    const struct stk_tensor_info *images = &stream->layout.info[LAYOUT_IMAGES];
    return (struct stk_stream_info){
        .stream = stk_text_of(stream->name),
        .fingerprint = stream->fingerprint,
        .samples = stream->samples,
        .steps = stream->steps,
        .batch = recipe->batch,
        .shape = {images->shape[1], images->shape[2], images->shape[3]},
        .dtype = recipe->dtype,
        .layout = recipe->layout,
        .last = recipe->last,
        .classes = source_classes(stream->source),
        .mix = stk_text_of(stream->mix),
        .decoder = stk_text_of(image_decoder_name()),
    };
}

size_t stream_listing_bytes(const struct stream *stream)
{
    return source_listing_bytes(stream->source) + stream->samples / 8;
}

bool stream_first_report(const struct stream *stream, uint64_t index)
{
    uint64_t bit = UINT64_C(1) << index % LOGGED_BITS;
    uint64_t before =
        atomic_fetch_or_explicit(&stream->logged[index / LOGGED_BITS], bit, memory_order_relaxed);
    return (before & bit) == 0;
}
