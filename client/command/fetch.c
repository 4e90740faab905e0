/*
 * Fetching: see fetch.h.
 */
#include "client/command/fetch.h"

#include <inttypes.h>

#include "client/command/command.h"

int fetch_batch(const char *url, uint32_t epoch, uint64_t step, enum stk_unmixed unmixed,
                uint32_t timeout_s, struct stk_client **client, struct stk_batch **batch)
{
    *client = NULL;
    *batch = NULL;
    const struct stk_options options = {.name = "stoker",
                                        .window = 1,
                                        .epoch = epoch,
                                        .step = step,
                                        .epochs = 1,
                                        .batches = 1,
                                        .unmixed = unmixed,
                                        .timeout_ms = timeout_s * 1000};
    char error[STK_ERROR_BYTES];
    int code = check_url(url);
    if (code != COMMAND_DONE)
        return code;
    if (stk_client_open(url, &options, client, error) != STK_OK)
        return command_fail("%s", error);
    enum stk_status status = stk_client_next(*client, batch);
    if (status == STK_OK)
        return COMMAND_DONE;
    if (status == STK_END)
        command_fail("step %" PRIu64 " is not there: an epoch has %" PRIu64 " steps", step,
                     stk_stream_phase(stk_client_info(*client), epoch).steps);
    else
        command_fail("%s", stk_client_error(*client));
    stk_client_close(client);
    return COMMAND_FAILED;
}

int fetch_answer(const char *url, enum stk_kind kind, uint32_t timeout_s, char *endpoint,
                 struct stk_answer **answer)
{
    *answer = NULL;
    int code = endpoint_of_url(url, endpoint, FETCH_ENDPOINT_BYTES);
    if (code != COMMAND_DONE)
        return code;
    char error[STK_ERROR_BYTES];
    const struct stk_request request = {.kind = kind};
    if (stk_ask(endpoint, &request, timeout_s * 1000, answer, error) != STK_OK)
        return command_fail("%s", error);
    return COMMAND_DONE;
}
