/*
 * The service manager, where libsystemd was not there at build time.
 */
#include "daemon/notify.h"

void notify_state(const char *state)
{
    (void)state;
}

void notify_reloading(void) {}

uint64_t notify_watchdog_ms(void)
{
    return 0;
}
