/*
 * ranks URL WORLD EPOCH STEP EPOCHS [BATCHES [SEEK_EPOCH SEEK_STEP]]: be each of WORLD trainers in
 * turn, from a place on, for so many epochs or at most so many batches each; where a place to seek
 * is given, go there after the first batch.  A line of JSON a batch: what came, and where the
 * client would go on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/stoker.h"

static uint64_t number_of(const char *text)
{
    return strtoull(text, NULL, 10);
}

static void print_numbers(const char *key, const void *elements, size_t bytes, uint32_t count)
{
    printf(", \"%s\": [", key);
    for (uint32_t i = 0; i < count; i++)
        printf("%s%" PRIu64, i > 0 ? ", " : "",
               bytes == 1 ? ((const uint8_t *)elements)[i] : ((const uint64_t *)elements)[i]);
    printf("]");
}

static void print_batch(uint32_t rank, const struct stk_client *client,
                        const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    const struct stk_tensor_info *images;
    stk_batch_tensor(batch, "images", &images);
    struct stk_address place = stk_client_place(client);
    printf("{\"rank\": %" PRIu32 ", \"epoch\": %" PRIu32 ", \"step\": %" PRIu64
           ", \"rank_steps\": %" PRIu64 ", \"place\": [%" PRIu32 ", %" PRIu64
           "], \"shape\": [%" PRIu32 ", %" PRIu32 ", %" PRIu32 "]",
           rank, header->address.epoch, header->address.step,
           stk_client_steps(client, header->address.epoch), place.epoch, place.step,
           images->shape[0], images->shape[1], images->shape[2]);
    print_numbers("index", stk_batch_tensor(batch, "index", NULL), 8, header->count);
    const void *valid = stk_batch_tensor(batch, "valid", NULL);
    if (valid != NULL)
        print_numbers("valid", valid, 1, header->count);
    printf("}\n");
}

/* STK_END where everything came. */
static enum stk_status receive(uint32_t rank, struct stk_client *client,
                               const struct stk_address *seek)
{
    for (uint64_t i = 0;; i++) {
        struct stk_batch *batch;
        enum stk_status status = stk_client_next(client, &batch);
        if (status != STK_OK)
            return status;
        print_batch(rank, client, batch);
        stk_batch_close(&batch);
        if (i == 0 && seek != NULL &&
            (status = stk_client_seek(client, seek->epoch, seek->step)) != STK_OK)
            return status;
    }
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc > 9 || argc == 8) {
        fprintf(stderr, "usage: %s URL WORLD EPOCH STEP EPOCHS [BATCHES [SEEK_EPOCH SEEK_STEP]]\n",
                argv[0]);
        return 2;
    }
    struct stk_options options = {.world = (uint32_t)number_of(argv[2]),
                                  .epoch = (uint32_t)number_of(argv[3]),
                                  .step = number_of(argv[4]),
                                  .epochs = (uint32_t)number_of(argv[5]),
                                  .batches = argc > 6 ? number_of(argv[6]) : 0};
    struct stk_address seek = {0};
    if (argc == 9)
        seek = (struct stk_address){(uint32_t)number_of(argv[7]), number_of(argv[8])};
    for (; options.rank < options.world; options.rank++) {
        struct stk_client *client;
        char error[STK_ERROR_BYTES];
        enum stk_status status = stk_client_open(argv[1], &options, &client, error);
        if (status == STK_OK) {
            status = receive(options.rank, client, argc == 9 ? &seek : NULL);
            snprintf(error, sizeof error, "%s", stk_client_error(client));
        }
        stk_client_close(&client);
        if (status != STK_END) {
            fprintf(stderr, "%s: %s\n", stk_status_word(status), error);
            return 1;
        }
    }
    return 0;
}
