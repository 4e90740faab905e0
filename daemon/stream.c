/*
 * A stream: opening, fingerprint and description.
 */
#include "daemon/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/plan/plan.h"
#include "daemon/source/fault.h"

static void feed_hash(void *context, const void *bytes, size_t len)
{
    XXH3_128bits_update(context, bytes, len);
}

static int32_t label_of(const void *context, uint64_t index)
{
    return source_label(context, index);
}

static double weight_of(const void *context, uint64_t index)
{
    return source_weight(context, index);
}

/* XXH3-128 over the canonical recipe and the listing. */
static enum stk_status take_fingerprint(struct stream *stream)
{
    char text[RECIPE_TEXT_BYTES];
    size_t len = recipe_text(&stream->phases[0].recipe, text, sizeof text);
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

/* Without weights the draws would be uniform, and nobody would notice. */
static enum stk_status check_weights(const struct stream *stream,
                                     const struct config_stream *config, char *error)
{
    if (config->recipe.sampler != SAMPLER_WEIGHTED || source_has_weights(stream->source))
        return STK_OK;
    snprintf(error, CONFIG_ERROR_BYTES,
             "stream \"%s\" has sampler = weighted, but its source %s has no weights, which are "
             "the numbers in a column \"weight\" of a csv source; add it, or set sampler = all or "
             "balanced",
             stream->name, fault_quote(config->source, "").text);
    return STK_CONFIG;
}

static enum stk_status make_sampler(struct stream *stream, const struct recipe *recipe, char *error)
{
    const struct sampler_samples samples = {.count = stream->samples,
                                            .classes = source_classes(stream->source),
                                            .context = stream->source,
                                            .label = label_of,
                                            .weight = weight_of};
    char reason[SAMPLER_ERROR_BYTES];
    enum stk_status status = sampler_init(&stream->sampler, recipe, &samples, reason);
    if (status != STK_OK)
        snprintf(error, CONFIG_ERROR_BYTES, "stream \"%s\": %s", stream->name, reason);
    return status;
}

static enum stk_status no_memory(const struct stream *stream, char *error)
{
    snprintf(error, CONFIG_ERROR_BYTES, "out of memory for stream \"%s\"", stream->name);
    return STK_MEMORY;
}

/* Labels that are no class number are a target always. */
static uint32_t target_columns(const struct stream *stream, const struct recipe *recipe)
{
    if (source_labels(stream->source) == STK_LABEL_CLASS && recipe->labels == LABELS_INDEX)
        return 0;
    return source_classes(stream->source);
}

static enum stk_status check_smoothing(const struct stream *stream, const struct recipe *recipe,
                                       char *error)
{
    if (source_labels(stream->source) == STK_LABEL_CLASS || recipe_smoothing(recipe) == 0)
        return STK_OK;
    snprintf(error, CONFIG_ERROR_BYTES,
             "stream \"%s\" has smoothing %g, which is for one class a sample; its source has %s a "
             "sample, write smoothing = 0 in its mix section",
             stream->name, recipe_smoothing(recipe),
             source_labels(stream->source) == STK_LABEL_CLASSES ? "any number of classes"
                                                                : "a row of numbers");
    return STK_CONFIG;
}

static enum stk_status check_partners(const struct stream *stream, const struct recipe_mix *mix,
                                      char *error)
{
    bool needs_another = mix->method != MIX_NONE && mix->partner == MIX_PARTNER_DATASET &&
                         mix->partner_self == MIX_NO;
    if (!needs_another || !sampler_is_single(&stream->sampler))
        return STK_OK;
    snprintf(error, CONFIG_ERROR_BYTES,
             "stream \"%s\" has one sample to draw, which cannot be mixed with another; set "
             "partner_self = yes, or choose another partner than dataset",
             stream->name);
    return STK_CONFIG;
}

static enum stk_status prepare_phase(const struct stream *stream, struct stream_phase *phase,
                                     char *error)
{
    const struct recipe *recipe = &phase->recipe;
    phase->steps = plan_steps(recipe, stream->sampler.length);
    if (phase->steps == 0) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "stream \"%s\" has %llu samples an epoch, fewer than one batch of %u; make batch "
                 "smaller or set last to partial or wrap",
                 stream->name, (unsigned long long)stream->sampler.length, recipe->batch);
        return STK_CONFIG;
    }
    image_format_init(&phase->format, recipe->height, recipe->width, recipe->dtype, recipe->layout,
                      recipe->mean, recipe->std);
    phase->format.interpolation = recipe->interpolation;
    layout_init(&phase->layout, recipe, target_columns(stream, recipe));
    return STK_OK;
}

static enum stk_status make_phases(struct stream *stream, const struct recipe *recipe, char *error)
{
    stream->phases = calloc(1 + recipe->phase_count, sizeof *stream->phases);
    if (stream->phases == NULL)
        return no_memory(stream, error);
    for (uint32_t i = 0; i <= recipe->phase_count; i++) {
        struct stream_phase *phase = &stream->phases[stream->phase_count++];
        phase->from_epoch = i == 0 ? 0 : recipe->phases[i - 1].from_epoch;
        phase->recipe = recipe_in_phase(recipe, i);
        enum stk_status status = prepare_phase(stream, phase, error);
        if (status != STK_OK)
            return status;
    }
    return STK_OK;
}

static enum stk_status prepare(struct stream *stream, const struct config_stream *config,
                               char *error)
{
    const struct recipe *recipe = &config->recipe;
    stream->samples = source_count(stream->source);
    enum stk_status status = check_smoothing(stream, recipe, error);
    if (status == STK_OK)
        status = check_weights(stream, config, error);
    if (status == STK_OK)
        status = make_sampler(stream, recipe, error);
    if (status == STK_OK)
        status = check_partners(stream, &recipe->mix, error);
    if (status == STK_OK)
        status = make_phases(stream, recipe, error);
    if (status != STK_OK)
        return status;
    recipe_mix_text(&recipe->mix, stream->mix);
    stream->corrupt_max = config->corrupt_max;
    const struct health_options options = {stream->name, stream->source, stream->sampler.pool,
                                           config->corrupt_max};
    if (health_open(&options, &stream->health) != STK_OK || take_fingerprint(stream) != STK_OK)
        return no_memory(stream, error);
    return STK_OK;
}

static void destroy(struct stream *stream)
{
    maps_unref(&stream->maps, stream->samples);
    source_close(&stream->source);
    sampler_release(&stream->sampler);
    free(stream->phases);
    health_close(&stream->health);
    free(stream->track);
    free(stream->figures);
    free(stream->name);
    free(stream);
}

static enum stk_status take_maps(struct stream *stream, const struct config_stream *config,
                                 const struct stream_listing *listing, char *error)
{
    const struct maps_wish wish = {.index = config->index,
                                   .root = source_root(stream->source),
                                   .samples = stream->samples,
                                   .index_bytes_max = listing->text_bytes_max};
    if (listing->atlas == NULL || atlas_take(listing->atlas, &wish, &stream->maps) == STK_OK)
        return STK_OK;
    return no_memory(stream, error);
}

static bool make_parts(struct stream *stream, const char *name)
{
    atomic_init(&stream->refs, 1);
    stream->name = strdup(name);
    stream->figures = calloc(1, sizeof *stream->figures);
    stream->track = calloc(1, sizeof *stream->track);
    return stream->name != NULL && stream->figures != NULL && stream->track != NULL;
}

enum stk_status stream_open(const struct config_stream *config,
                            const struct stream_listing *listing, struct stream **stream,
                            char *error)
{
    *stream = NULL;
    struct stream *made = calloc(1, sizeof *made);
    if (made == NULL || !make_parts(made, config->name)) {
        if (made != NULL)
            destroy(made);
        snprintf(error, CONFIG_ERROR_BYTES, "out of memory for stream \"%s\"", config->name);
        return STK_MEMORY;
    }
    char reason[SOURCE_ERROR_BYTES] = "";
    const struct source_place place = {config->source, config->root, config->list,
                                       listing->text_bytes_max, listing->watch};
    enum stk_status status = source_open(&place, listing->threads, &made->source, reason);
    if (status != STK_OK)
        snprintf(error, CONFIG_ERROR_BYTES, "stream \"%s\": %s", config->name, reason);
    else
        status = prepare(made, config, error);
    if (status == STK_OK)
        status = take_maps(made, config, listing, error);
    if (status != STK_OK) {
        stream_close(&made);
        return status;
    }
    *stream = made;
    return STK_OK;
}

/* Whoever refers to a stream may only read it; the count of them is no part of what it says. */
const struct stream *stream_ref(const struct stream *stream)
{
    struct stream *counted = (struct stream *)stream;
    atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
    return stream;
}

void stream_unref(const struct stream **stream)
{
    struct stream *counted = (struct stream *)*stream;
    *stream = NULL;
    if (atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_acq_rel) == 1)
        destroy(counted);
}

void stream_close(struct stream **stream)
{
    const struct stream *closing = *stream;
    *stream = NULL;
    if (closing != NULL)
        stream_unref(&closing);
}

bool stream_is_like(const struct stream *served, const struct stream *listed)
{
    char sentence[HEALTH_SENTENCE_BYTES];
    return memcmp(&served->fingerprint, &listed->fingerprint, sizeof served->fingerprint) == 0 &&
           source_is_beside(served->source, listed->source) &&
           served->corrupt_max == listed->corrupt_max && served->maps == listed->maps &&
           !health_is_stopped(served->health, sentence);
}

const struct stream_phase *stream_phase(const struct stream *stream, uint32_t epoch)
{
    uint32_t i = stream->phase_count - 1;
    while (stream->phases[i].from_epoch > epoch)
        i--;
    return &stream->phases[i];
}

static struct stk_phase phase_info(const struct stream_phase *phase)
{
    const struct stk_tensor_info *images = &phase->layout.info[LAYOUT_IMAGES];
    return (struct stk_phase){
        .epoch = phase->from_epoch,
        .steps = phase->steps,
        .batch = phase->recipe.batch,
        .shape = {images->shape[1], images->shape[2], images->shape[3]},
    };
}

struct stk_stream_info stream_info(const struct stream *stream)
{
    const struct recipe *recipe = &stream->phases[0].recipe;
    struct stk_phase first = phase_info(&stream->phases[0]);
    struct stk_stream_info info = {
        .stream = stk_text_of(stream->name),
        .fingerprint = stream->fingerprint,
        .samples = stream->samples,
        .epoch_samples = stream->sampler.length,
        .steps = first.steps,
        .batch = first.batch,
        .shape = {first.shape[0], first.shape[1], first.shape[2]},
        .dtype = recipe->dtype,
        .layout = recipe->layout,
        .last = recipe->last,
        .labels = source_labels(stream->source),
        .classes = source_classes(stream->source),
        .mix = stk_text_of(stream->mix),
        .decoder = stk_text_of(image_decoder_name()),
        .phase_count = stream->phase_count - 1,
    };
    for (uint32_t i = 0; i < info.phase_count; i++)
        info.phases[i] = phase_info(&stream->phases[1 + i]);
    return info;
}

size_t stream_listing_bytes(const struct stream *stream)
{
    return source_listing_bytes(stream->source) + health_bytes(stream->samples) +
           sampler_bytes(&stream->sampler) + stream->phase_count * sizeof *stream->phases +
           sizeof *stream->figures + sizeof *stream->track +
           (stream->maps != NULL ? maps_bytes(stream->maps, stream->samples) : 0);
}
