/*
 * A trainer: two epochs of mixed batches from stokerd, with a stand-in for the training step.
 *
 *     cc trainer.c $(pkg-config --cflags --libs stoker) -o trainer
 *     ./trainer tcp://host:7654/train
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

int main(int count, char **arguments)
{
    stk_keep_memory();
    struct stk_client *client;
    char error[STK_ERROR_BYTES];
    const char *url = count == 2 ? arguments[1] : "";
    if (stk_client_open(url, &(struct stk_options){.epochs = 2}, &client, error) != STK_OK) {
        fprintf(stderr, "trainer: %s\n", error);
        return 1;
    }
    struct stk_batch *batch;
    enum stk_status status;
    while ((status = stk_client_next(client, &batch)) == STK_OK) {
        const struct stk_batch_header *header = stk_batch_header(batch);
        printf("epoch %u step %llu: %.3f\n", header->address.epoch,
               (unsigned long long)header->address.step, train(batch));
        stk_batch_close(&batch);
    }
    if (status != STK_END)
        fprintf(stderr, "trainer: %s\n", stk_client_error(client));
    stk_client_close(&client);
    return status == STK_END ? 0 : 1;
}
