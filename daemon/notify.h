/*
 * The service manager: what it is told of the daemon's life.  Without libsystemd at build time, or
 * without a service manager at run time, all of this does nothing.
 */
#ifndef STK_NOTIFY_H
#define STK_NOTIFY_H

#include <stdint.h>

/** Send a state, e.g. "READY=1" (sd_notify(3)).  Threads: any.  Blocks: no. */
void notify_state(const char *state);

/** Tell that the configuration is read anew, until "READY=1" is sent again.  Threads: any.
 *  Blocks: no. */
void notify_reloading(void);

/** Milliseconds within which "WATCHDOG=1" is expected again; 0 where nobody watches. */
uint64_t notify_watchdog_ms(void);

#endif
