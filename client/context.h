/*
 * A libzmq context, one a client.
 *
 * libzmq may be built with OpenPGM, which it starts with a process's first context and ends with
 * the last one, each without a lock: here no context ends while another one starts.
 *
 * Private to libstoker.
 */
#ifndef STK_CONTEXT_H
#define STK_CONTEXT_H

/** A new context, or NULL: no memory or no descriptor is left.  Threads: any. */
void *stk_context_open(void);

/** End a context whose sockets are all closed; NULL is none.  Threads: any. */
void stk_context_close(void *context);

#endif
