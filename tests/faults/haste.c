/*
 * A daemon whose http server ages faster: each of its seconds counts as 30, where STOKER_HASTE is
 * set.  So a test sees what half a minute of standing still, or a minute of a connection, leads to
 * (ld --wrap).
 */
#include <stdlib.h>

#include "daemon/server/http.h"

enum { SECONDS = 30 };

/* Its name is the linker's. */
void __real_server_http_tick(struct server *server);
void __wrap_server_http_tick(struct server *server);

void __wrap_server_http_tick(struct server *server)
{
    int seconds = getenv("STOKER_HASTE") == NULL ? 1 : SECONDS;
    for (int i = 0; i < seconds; i++)
        __real_server_http_tick(server);
}
