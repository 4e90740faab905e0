/*
 * follow URL [HEARTBEAT_MS [WINDOW [STATE]]]: a trainer that a test leads by lines on stdin, and
 * that answers in lines of JSON.
 *
 *     take N       receive N batches: a line each, with its digest and how long it was waited for;
 *                  a failure is a line with its word and sentence, and is tried again
 *     seek E S     go there: {"status": WORD}
 *     state        the state, as it goes into a checkpoint
 *     figures      an array of what the client tells of its endpoints
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

#include "client/stoker.h"
#include "daemon/base/clock.h"

static void print_failure(const char *word, const char *sentence)
{
    printf("{\"status\": \"%s\", \"sentence\": \"", word);
    for (; *sentence != '\0'; sentence++)
        putchar(*sentence == '"' || *sentence == '\\' ? '\'' : *sentence);
    printf("\"}\n");
}

static void print_batch(const struct stk_batch *batch, uint64_t waited_ns)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (uint32_t i = 0; i < header->tensor_count; i++)
        XXH3_128bits_update(&state, stk_batch_tensor_at(batch, i),
                            stk_tensor_bytes(&header->tensors[i]));
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    printf("{\"epoch\": %" PRIu32 ", \"step\": %" PRIu64 ", \"waited_ms\": %.1f, \"digest\": \"",
           header->address.epoch, header->address.step, (double)waited_ns / 1e6);
    for (size_t i = 0; i < sizeof canonical.digest; i++)
        printf("%02x", canonical.digest[i]);
    printf("\"}\n");
}

static void take(struct stk_client *client, uint64_t count)
{
    while (count > 0) {
        struct stk_batch *batch;
        uint64_t start_ns = clock_now_ns();
        enum stk_status status = stk_client_next(client, &batch);
        if (status == STK_OK) {
            print_batch(batch, clock_now_ns() - start_ns);
            count--;
        } else
            print_failure(stk_status_word(status), stk_client_error(client));
        fflush(stdout);
        stk_batch_close(&batch);
    }
}

static void print_figures(const struct stk_client *client)
{
    struct stk_endpoint told;
    for (uint32_t i = 0; stk_client_endpoint(client, i, &told); i++)
        printf("%s{\"endpoint\": \"%s\", \"live\": %s, \"in_flight\": %" PRIu32
               ", \"asked\": %" PRIu64 ", \"hedged\": %" PRIu64 ", \"batches\": %" PRIu64
               ", \"dropped\": %" PRIu64 ", \"losses\": %" PRIu64 ", \"reply_ms\": %.3f}",
               i == 0 ? "[" : ", ", told.endpoint, told.live ? "true" : "false", told.in_flight,
               told.asked, told.hedged, told.batches, told.dropped, told.losses,
               (double)told.reply_ns / 1e6);
    printf("]\n");
}

static void obey(struct stk_client *client, const char *line)
{
    unsigned long long first, second;
    if (sscanf(line, "take %llu", &first) == 1)
        take(client, first);
    else if (sscanf(line, "seek %llu %llu", &first, &second) == 2)
        print_failure(stk_status_word(stk_client_seek(client, (uint32_t)first, second)),
                      stk_client_error(client));
    else if (strcmp(line, "state\n") == 0) {
        struct stk_state state;
        char text[STK_STATE_BYTES];
        stk_client_state(client, &state);
        stk_state_encode(&state, text);
        printf("%s\n", text);
    } else if (strcmp(line, "figures\n") == 0)
        print_figures(client);
    else
        print_failure("invalid", line);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct stk_state state;
    struct stk_options options = {.heartbeat_ms =
                                      argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0,
                                  .window = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0,
                                  .state = argc > 4 ? &state : NULL};
    struct stk_client *client;
    char error[STK_ERROR_BYTES] = "usage: follow URL [HEARTBEAT_MS [WINDOW [STATE]]]";
    enum stk_status status = argc > 1 ? STK_OK : STK_INVALID;
    if (status == STK_OK && argc > 4)
        status = stk_state_decode(argv[4], &state, error);
    if (status == STK_OK)
        status = stk_client_open(argv[1], &options, &client, error);
    print_failure(stk_status_word(status), status == STK_OK ? "" : error);
    fflush(stdout);
    if (status != STK_OK)
        return 1;
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(client, line);
    stk_client_close(&client);
    return 0;
}
