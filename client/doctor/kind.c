/*
 * Kinds: a walk over the segments in front of the first scan (ITU-T T.81, B.1.1).
 */
#include "client/doctor/kind.h"

enum {
    MARKER_SOF0 = 0xC0,
    MARKER_SOF_LAST = 0xCF,
    MARKER_SOF2 = 0xC2,
    MARKER_DHT = 0xC4,
    MARKER_JPG = 0xC8,
    MARKER_DAC = 0xCC,
    MARKER_SOS = 0xDA,
    SEGMENT_MIN = 2,           /* its length counts itself */
    COMPONENTS_AT = 2 + 1 + 4, /* behind length, precision, height and width */
};

/* Of those between SOF0 and SOF15 three are no frame headers. */
static bool is_frame(uint8_t marker)
{
    return marker >= MARKER_SOF0 && marker <= MARKER_SOF_LAST && marker != MARKER_DHT &&
           marker != MARKER_JPG && marker != MARKER_DAC;
}

struct kind kind_of(const uint8_t *jpeg, size_t len)
{
    size_t at = 2; /* behind SOI */
    while (at + 4 <= len) {
        if (jpeg[at] != 0xFF || jpeg[at + 1] == 0xFF) {
            at++; /* fill bytes */
            continue;
        }
        uint8_t marker = jpeg[at + 1];
        const uint8_t *segment = jpeg + at + 2;
        size_t bytes = (size_t)segment[0] << 8 | segment[1];
        if (marker == MARKER_SOS || bytes < SEGMENT_MIN)
            break;
        if (is_frame(marker) && at + 2 + COMPONENTS_AT < len)
            return (struct kind){segment[COMPONENTS_AT], marker == MARKER_SOF2};
        at += 2 + bytes;
    }
    return (struct kind){0};
}
