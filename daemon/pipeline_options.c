/*
 * Pipeline options: see pipeline_options.h.
 */
#include "daemon/pipeline_options.h"

enum {
    DECODER_BYTES_MAX = 96 << 20, /* a worker's; a progressive picture of 16 megapixels, 4:4:4 */
    SCAN_PIXELS_MAX = 1 << 30,    /* under a second of Huffman decoding */
};

struct pipeline_options pipeline_options_for(const struct config *config, uint32_t cores)
{
    return (struct pipeline_options){
        .workers = config->workers > 0 ? config->workers : cores,
        .readers = config->readers,
        .encoded_bytes_max = config->image_bytes_max,
        .limits = {.pixels_max = config->image_pixels_max,
                   .decoder_bytes_max = DECODER_BYTES_MAX,
                   .scan_pixels_max = SCAN_PIXELS_MAX},
    };
}
