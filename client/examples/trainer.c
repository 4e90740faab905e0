/*
 * A trainer: two epochs of mixed batches from stokerd, with a stand-in for the training step.
 *
 *     cc trainer.c $(pkg-config --cflags --libs stoker) -o trainer
 *     ./trainer tcp://host:7654/train [CHECKPOINT]
 *
 * With a checkpoint it saves its place every ten batches, and goes on there when it is started
 * again.  A trainer of yours writes the line together with its weights.
 */
#include <stdio.h>
#include <stoker.h>

/* Where your model goes.  The loss of slot i is lambda[i] * loss(label[i]) + (1 - lambda[i]) *
 * loss(partner_label[i]); stk_soft_labels makes the same of both labels as one distribution. */
static double train(const struct stk_batch *batch)
{
    const struct stk_tensor_info *info;
    const unsigned char *images = stk_batch_tensor(batch, "images", &info);
    const int32_t *label = stk_batch_tensor(batch, "label", NULL);
    const int32_t *partner_label = stk_batch_tensor(batch, "partner_label", NULL);
    const float *lambda = stk_batch_tensor(batch, "lambda", NULL);
    double sum = 0;
    for (uint32_t i = 0; i < info->shape[0]; i++)
        sum += (double)(lambda[i] * (float)label[i] + (1 - lambda[i]) * (float)partner_label[i]);
    for (size_t i = 0; i < stk_tensor_bytes(info); i++)
        sum += images[i] / 255.0;
    return sum;
}

/* The run goes on at a checkpoint that is there; one that makes no sense ends it. */
static int load(const char *path, struct stk_state *state, struct stk_options *options)
{
    char text[STK_STATE_BYTES], error[STK_ERROR_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 1; /* the first run */
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    options->state = state;
    if (stk_state_decode(text, state, error) == STK_OK)
        return 1;
    fprintf(stderr, "trainer: %s: %s\n", path, error);
    return 0;
}

/* Written beside the old one and renamed, so that there is always a whole one. */
static int save(const char *path, const struct stk_client *client)
{
    struct stk_state state;
    char text[STK_STATE_BYTES], beside[4096];
    stk_client_state(client, &state);
    stk_state_encode(&state, text);
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    if (file == NULL)
        return 0;
    int written = fprintf(file, "%s\n", text) > 0;
    return fclose(file) == 0 && written && rename(beside, path) == 0;
}

static enum stk_status train_all(struct stk_client *client, const char *checkpoint)
{
    struct stk_batch *batch;
    enum stk_status status;
    for (unsigned count = 1; (status = stk_client_next(client, &batch)) == STK_OK; count++) {
        const struct stk_batch_header *header = stk_batch_header(batch);
        printf("epoch %u step %llu: %.3f\n", header->address.epoch,
               (unsigned long long)header->address.step, train(batch));
        stk_batch_close(&batch);
        if (checkpoint != NULL && count % 10 == 0 && !save(checkpoint, client))
            perror(checkpoint);
    }
    return status;
}

int main(int count, char **arguments)
{
    stk_keep_memory();
    struct stk_client *client;
    char error[STK_ERROR_BYTES];
    const char *url = count >= 2 ? arguments[1] : "";
    const char *checkpoint = count >= 3 ? arguments[2] : NULL;
    struct stk_state state;
    struct stk_options options = {.epochs = 2};
    if (checkpoint != NULL && !load(checkpoint, &state, &options))
        return 1;
    if (stk_client_open(url, &options, &client, error) != STK_OK) {
        fprintf(stderr, "trainer: %s\n", error);
        return 1;
    }
    enum stk_status status = train_all(client, checkpoint);
    if (status != STK_END)
        fprintf(stderr, "trainer: %s\n", stk_client_error(client));
    stk_client_close(&client);
    return status == STK_END ? 0 : 1;
}
