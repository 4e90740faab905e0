/*
 * Faults: the N-th call of the daemon's own code fails.
 *
 * stokerd-faulty is stokerd, linked so that its calls of the functions below come here first
 * (ld --wrap); calls between libraries do not.  STOKER_FAULT="KIND N" names the call, counted from
 * 1; what fails is told as "fault KIND N NAME" on stderr, and at a normal end how many calls of
 * each kind there were, as "calls KIND COUNT".
 *
 *   memory      an allocation finds none
 *   system      a system call, or a library's call that may fail, does
 *   interrupt   a call that waits is interrupted: nothing may come of it
 *   short       a read brings one byte: nothing may come of it either
 *
 * The types of libzmq's and libuv's objects are theirs alone: here they are any pointers.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { MEMORY, SYSTEM, INTERRUPT, SHORT, KINDS };

static const char *const names[KINDS] = {"memory", "system", "interrupt", "short"};

/* Set before main, constant afterwards. */
static enum kind chosen = KINDS;
static uint64_t number;

static _Atomic uint64_t calls[KINDS]; /* relaxed: each call takes one number */

__attribute__((constructor)) static void read_environment(void)
{
    const char *fault = getenv("STOKER_FAULT");
    for (int kind = 0; fault != NULL && kind < KINDS; kind++) {
        size_t len = strlen(names[kind]);
        if (strncmp(fault, names[kind], len) == 0) {
            chosen = (enum kind)kind;
            number = strtoull(fault + len, NULL, 10);
        }
    }
}

static void tell(const char *what, enum kind kind, uint64_t count, const char *name)
{
    char line[128];
    int len = snprintf(line, sizeof line, "%s %s %llu%s%s\n", what, names[kind],
                       (unsigned long long)count, name[0] != '\0' ? " " : "", name);
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written;
}

__attribute__((destructor)) static void tell_calls(void)
{
    for (int kind = 0; kind < KINDS; kind++)
        tell("calls", (enum kind)kind, atomic_load_explicit(&calls[kind], memory_order_relaxed),
             "");
}

static bool strikes(enum kind kind, const char *name)
{
    uint64_t call = atomic_fetch_add_explicit(&calls[kind], 1, memory_order_relaxed) + 1;
    if (kind != chosen || call != number)
        return false;
    tell("fault", kind, call, name);
    return true;
}

/* A function that returns `failed`, and leaves `code` in errno, where its call is chosen. */
#define WRAP(kind, type, name, code, failed, parameters, arguments)                                \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (strikes(kind, #name)) {                                                                \
            errno = code;                                                                          \
            return failed;                                                                         \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

#define ALLOCATES(name, parameters, arguments)                                                     \
    WRAP(MEMORY, void *, name, ENOMEM, NULL, parameters, arguments)
#define FAILS(name, code, parameters, arguments)                                                   \
    WRAP(SYSTEM, int, name, code, -1, parameters, arguments)
/* As POSIX threads, and libuv with a minus: the code is what is returned. */
#define RETURNS(name, code, parameters, arguments)                                                 \
    WRAP(SYSTEM, int, name, errno, code, parameters, arguments)

ALLOCATES(malloc, (size_t bytes), (bytes))
ALLOCATES(calloc, (size_t count, size_t bytes), (count, bytes))
ALLOCATES(realloc, (void *data, size_t bytes), (data, bytes))
ALLOCATES(reallocarray, (void *data, size_t count, size_t bytes), (data, count, bytes))
ALLOCATES(aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes))
ALLOCATES(strdup, (const char *text), (text))
ALLOCATES(strndup, (const char *text, size_t len), (text, len))

FAILS(fstat, EIO, (int fd, struct stat *file), (fd, file))
FAILS(stat, EIO, (const char *path, struct stat *file), (path, file))
FAILS(statx, EIO, (int fd, const char *path, int flags, unsigned mask, struct statx *file),
      (fd, path, flags, mask, file))
FAILS(flock, ENOLCK, (int fd, int operation), (fd, operation))
FAILS(getrlimit, EINVAL, (int resource, struct rlimit *limit), (resource, limit))
FAILS(setrlimit, EPERM, (int resource, const struct rlimit *limit), (resource, limit))
FAILS(sched_getaffinity, EINVAL, (int pid, size_t bytes, void *set), (pid, bytes, set))
FAILS(mprotect, ENOMEM, (void *data, size_t bytes, int protection), (data, bytes, protection))
FAILS(access, EIO, (const char *path, int mode), (path, mode))
WRAP(SYSTEM, void *, mmap, ENOMEM, MAP_FAILED,
     (void *data, size_t bytes, int protection, int flags, int fd, off_t offset),
     (data, bytes, protection, flags, fd, offset))
WRAP(SYSTEM, void *, fopen, EMFILE, NULL, (const char *path, const char *mode), (path, mode))
WRAP(SYSTEM, void *, fdopendir, ENOMEM, NULL, (int fd), (fd))
WRAP(SYSTEM, void *, readdir, EIO, NULL, (void *directory), (directory))
WRAP(SYSTEM, void *, fgets, EIO, NULL, (char *line, int bytes, FILE *file), (line, bytes, file))

RETURNS(pthread_create, EAGAIN,
        (pthread_t * thread, const pthread_attr_t *attributes, void *(*body)(void *),
         void *argument),
        (thread, attributes, body, argument))
RETURNS(pthread_attr_init, ENOMEM, (pthread_attr_t * attributes), (attributes))

/* Closed all the same, as Linux does. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    bool struck = strikes(SYSTEM, "close");
    int result = __real_close(fd);
    if (!struck)
        return result;
    errno = EIO;
    return -1;
}

/* The code of a call that may be interrupted, too; 0: it is not to fail. */
static int code_of_waiting(const char *name, int code)
{
    if (strikes(INTERRUPT, name))
        return EINTR;
    return strikes(SYSTEM, name) ? code : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    int code = code_of_waiting("open", EMFILE);
    if (code == 0)
        return __real_open(path, flags, mode);
    errno = code;
    return -1;
}

int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...)
{
    int code = code_of_waiting("openat", EMFILE);
    if (code == 0)
        return __real_openat(directory, path, flags);
    errno = code;
    return -1;
}

ssize_t __real_read(int fd, void *bytes, size_t len);
ssize_t __wrap_read(int fd, void *bytes, size_t len);
ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
    int code = code_of_waiting("read", EIO);
    if (code == 0)
        return __real_read(fd, bytes, len > 1 && strikes(SHORT, "read") ? 1 : len);
    errno = code;
    return -1;
}

ssize_t __real_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset)
{
    int code = code_of_waiting("pread", EIO);
    if (code == 0)
        return __real_pread(fd, bytes, len > 1 && strikes(SHORT, "pread") ? 1 : len, offset);
    errno = code;
    return -1;
}

/* libzmq.  ENOMEM and EMFILE are what its manual names; an interrupted call is called again. */

#define INTERRUPTED(name, parameters, arguments)                                                   \
    WRAP(INTERRUPT, int, name, EINTR, -1, parameters, arguments)

WRAP(SYSTEM, void *, zmq_ctx_new, EMFILE, NULL, (void), ())
WRAP(SYSTEM, void *, zmq_socket, EMFILE, NULL, (void *context, int type), (context, type))
FAILS(zmq_setsockopt, EINVAL, (void *socket, int option, const void *value, size_t len),
      (socket, option, value, len))
FAILS(zmq_socket_monitor, ENOMEM, (void *socket, const char *endpoint, int events),
      (socket, endpoint, events))
FAILS(zmq_connect, ENOMEM, (void *socket, const char *endpoint), (socket, endpoint))
FAILS(zmq_bind, EADDRNOTAVAIL, (void *socket, const char *endpoint), (socket, endpoint))
WRAP(MEMORY, int, zmq_msg_init_data, ENOMEM, -1,
     (void *message, void *data, size_t bytes, void (*released)(void *, void *), void *hint),
     (message, data, bytes, released, hint))
WRAP(MEMORY, int, zmq_msg_init_size, ENOMEM, -1, (void *message, size_t bytes), (message, bytes))
INTERRUPTED(zmq_send, (void *socket, const void *data, size_t bytes, int flags),
            (socket, data, bytes, flags))
INTERRUPTED(zmq_msg_send, (void *message, void *socket, int flags), (message, socket, flags))
INTERRUPTED(zmq_recv, (void *socket, void *data, size_t bytes, int flags),
            (socket, data, bytes, flags))
INTERRUPTED(zmq_msg_recv, (void *message, void *socket, int flags), (message, socket, flags))
INTERRUPTED(zmq_ctx_term, (void *context), (context))

/* libuv. */

RETURNS(uv_loop_init, -EMFILE, (void *loop), (loop))
RETURNS(uv_poll_init, -ENOMEM, (void *loop, void *handle, int fd), (loop, handle, fd))
RETURNS(uv_async_init, -EMFILE, (void *loop, void *handle, void (*woken)(void *)),
        (loop, handle, woken))
RETURNS(uv_signal_init, -EMFILE, (void *loop, void *handle), (loop, handle))
RETURNS(uv_signal_start, -EINVAL, (void *handle, void (*signalled)(void *, int), int code),
        (handle, signalled, code))
