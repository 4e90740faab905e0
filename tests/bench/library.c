/*
 * stokerd-library is stokerd whose pictures libjpeg-turbo decodes alone, for comparison: linked so
 * that a decoder that is opened is told so (ld --wrap).
 */
#include "daemon/image/decode.h"

enum stk_status __real_decode_open(const struct image_limits *limits, struct decode **decode);
enum stk_status __wrap_decode_open(const struct image_limits *limits, struct decode **decode);

enum stk_status __wrap_decode_open(const struct image_limits *limits, struct decode **decode)
{
    enum stk_status status = __real_decode_open(limits, decode);
    if (status == STK_OK)
        decode_by_library_alone(*decode);
    return status;
}
