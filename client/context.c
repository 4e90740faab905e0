/*
 * A context: see context.h.
 */
#include "client/context.h"

#include <errno.h>
#include <pthread.h>
#include <zmq.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *stk_context_open(void)
{
    pthread_mutex_lock(&lock);
    void *context = zmq_ctx_new();
    pthread_mutex_unlock(&lock);
    return context;
}

void stk_context_close(void *context)
{
    if (context == NULL)
        return;
    pthread_mutex_lock(&lock);
    while (zmq_ctx_term(context) != 0 && errno == EINTR)
        continue;
    pthread_mutex_unlock(&lock);
}
