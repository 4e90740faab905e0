/*
 * The memory plan: sums.
 */
#include "daemon/memory.h"

#include <stdio.h>

#include "daemon/base/log.h"
#include "daemon/viewer.h"

enum { ADVICE_BYTES = 256 };
enum { AUTO_BYTES = 1 << 30, AUTO_BYTES_PER_WORKER = 256 << 20 };

/* memory_max = 0: enough for a few dozen batches and every worker at its worst. */
static size_t bytes_max_for(const struct config *config, uint32_t workers)
{
    if (config->memory_bytes_max > 0)
        return config->memory_bytes_max;
    return AUTO_BYTES + workers * (size_t)AUTO_BYTES_PER_WORKER;
}

uint64_t memory_text_bytes_max(const struct config *config, uint32_t workers)
{
    return bytes_max_for(config, workers) / 4;
}

uint64_t memory_bytes_wall(const struct config *config, uint32_t workers)
{
    uint64_t plan = bytes_max_for(config, workers);
    return plan + plan / 4 + MEMORY_KERNEL_BYTES;
}

/* The phase with the largest batches, and whose it is. */
static const struct stream_phase *largest_batches(struct stream *const *streams, size_t count,
                                                  const struct stream **stream)
{
    const struct stream_phase *largest = NULL;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < streams[i]->phase_count; k++) {
            const struct stream_phase *phase = &streams[i]->phases[k];
            if (largest != NULL && phase->layout.bytes <= largest->layout.bytes)
                continue;
            largest = phase;
            *stream = streams[i];
        }
    }
    return largest;
}

/* What else would help: dense targets of many classes can be most of a batch. */
static void advise(struct stream *const *streams, size_t count, char advice[ADVICE_BYTES])
{
    const struct stream *stream;
    const struct layout *layout = &largest_batches(streams, count, &stream)->layout;
    const struct stk_tensor_info *target = &layout->info[LAYOUT_TARGET];
    advice[0] = '\0';
    if (!layout->present[LAYOUT_TARGET] || 2 * stk_tensor_bytes(target) < layout->bytes)
        return;
    bool asked_for = source_labels(stream->source) == STK_LABEL_CLASS;
    snprintf(advice, ADVICE_BYTES,
             ", or %s stream \"%s\", whose dense targets of %llu classes are %zu of the %zu MiB of "
             "a batch",
             asked_for ? "set labels = index in" : "name fewer classes in", stream->name,
             (unsigned long long)target->shape[1], stk_tensor_bytes(target) >> 20,
             layout->bytes >> 20);
}

void memory_plan_log(const struct memory_plan *plan)
{
    LOG(NOTICE, "memory.plan", LOG_NUMBER("bytes_max", plan->bytes_max),
        LOG_NUMBER("fixed_bytes", MEMORY_FIXED_BYTES),
        LOG_NUMBER("listing_bytes", plan->listing_bytes),
        LOG_NUMBER("encoded_bytes", plan->encoded_bytes),
        LOG_NUMBER("decoder_bytes", plan->decoder_bytes),
        LOG_NUMBER("viewer_bytes", plan->viewer_bytes), LOG_NUMBER("slab_bytes", plan->slab_bytes),
        LOG_NUMBER("batches", plan->slab_bytes / plan->slab_bytes_largest));
}

enum stk_status memory_plan(const struct config *config, const struct pipeline_options *options,
                            struct stream *const *streams, size_t count, struct memory_plan *plan,
                            char *error)
{
    *plan = (struct memory_plan){
        .bytes_max = bytes_max_for(config, options->workers),
        .encoded_bytes = pipeline_encoded_bytes_max(options) + pipeline_map_bytes_max(options),
    };
    size_t decoder_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stream *stream = streams[i];
        plan->listing_bytes += stream_listing_bytes(stream);
        for (uint32_t k = 0; k < stream->phase_count; k++) {
            const struct stream_phase *phase = &stream->phases[k];
            size_t bytes =
                image_decoder_bytes_max(&options->limits, phase->format.height, phase->format.width,
                                        phase->format.interpolation);
            decoder_bytes = bytes > decoder_bytes ? bytes : decoder_bytes;
        }
    }
    const struct stream *stream;
    plan->slab_bytes_largest = largest_batches(streams, count, &stream)->layout.bytes;
    plan->decoder_bytes = decoder_bytes * options->workers;
    if (config->http[0] != '\0')
        plan->viewer_bytes =
            viewer_bytes_max(&options->limits, options->encoded_bytes_max, streams, count);
    size_t fixed = MEMORY_FIXED_BYTES + plan->listing_bytes + plan->encoded_bytes +
                   plan->decoder_bytes + plan->viewer_bytes;
    size_t least = fixed + MEMORY_SLABS_MIN * plan->slab_bytes_largest;
    if (plan->bytes_max < least) {
        char advice[ADVICE_BYTES];
        advise(streams, count, advice);
        snprintf(error, CONFIG_ERROR_BYTES,
                 "memory_max is %zu MiB; this configuration needs at least %zu MiB: raise it, or "
                 "lower workers, batch, size or image_bytes_max%s",
                 plan->bytes_max >> 20, (least >> 20) + 1, advice);
        return STK_CONFIG;
    }
    plan->slab_bytes = plan->bytes_max - fixed;
    return STK_OK;
}
