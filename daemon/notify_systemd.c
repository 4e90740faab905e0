/*
 * The service manager, through libsystemd.
 */
#include "daemon/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"

void notify_state(const char *state)
{
    /* A manager that cannot be told does not change what is served. */
    (void)sd_notify(0, state);
}

void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_ns() / 1000);
}

uint64_t notify_watchdog_ms(void)
{
    uint64_t watchdog_us = 0;
    return sd_watchdog_enabled(0, &watchdog_us) > 0 ? watchdog_us / 1000 : 0;
}
