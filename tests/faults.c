/* A machine that fails now and then: preloaded into a process, calls on files of a store return errors, and clocks jump.
 *
 * FAULTS_PLACE  part of the paths of files that are hit
 * FAULTS_RATE   one call in so many fails, with EIO or ENOSPC
 * FAULTS_CLOCK  the time of day is off by up to so many seconds, another number every second
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int since_start(struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        next = dlsym(RTLD_NEXT, "clock_gettime");
    return next(CLOCK_MONOTONIC, now);
}

static unsigned mixed(unsigned long number)
{
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9UL;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebUL;
    return (unsigned)(number ^ (number >> 31));
}

/* Whether a call fails now: errno is set. */
static int fails(const char *path)
{
    static unsigned long calls;
    const char *place = getenv("FAULTS_PLACE"), *rate = getenv("FAULTS_RATE");
    struct timespec now;
    if (!place || !rate || !strstr(path, place) || since_start(&now))
        return 0;
    unsigned drawn = mixed((unsigned long)now.tv_nsec + ((unsigned long)getpid() << 32) + ++calls);
    if (drawn % (unsigned)atoi(rate))
        return 0;
    errno = drawn / (unsigned)atoi(rate) % 2 ? EIO : ENOSPC;
    return 1;
}

static int fails_at(int fd)
{
    char link[64], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(path);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    static ssize_t (*next)(int, const void *, size_t);
    if (!next)
        next = dlsym(RTLD_NEXT, "write");
    return fails_at(fd) ? -1 : next(fd, bytes, count);
}

int fsync(int fd)
{
    static int (*next)(int);
    if (!next)
        next = dlsym(RTLD_NEXT, "fsync");
    return fails_at(fd) ? -1 : next(fd);
}

int rename(const char *from, const char *to)
{
    static int (*next)(const char *, const char *);
    if (!next)
        next = dlsym(RTLD_NEXT, "rename");
    return fails(to) ? -1 : next(from, to);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    const char *most = getenv("FAULTS_CLOCK");
    if (!next)
        next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, now);
    if (!result && clock == CLOCK_REALTIME && most) {
        long off = atol(most);
        now->tv_sec += (long)(mixed((unsigned long)now->tv_sec) % (unsigned)(2 * off + 1)) - off;
    }
    return result;
}
