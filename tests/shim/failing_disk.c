/* A disk that fails on demand: stands between a program and its C library (LD_PRELOAD), for tests.
 *
 * JACKFIELD_TEST_SHIM names a file of at least sizeof(struct control) bytes, which the test writes and this library maps.
 * While `calls` names a call, that call on a file whose path holds `path` fails with `error`, after `after` of them have
 * gone well. `failed` counts. A write that fails writes the first half of its bytes before, as a disk does that fills up.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, RENAME = 8, CREATE = 16 };

struct control {
    _Atomic unsigned calls;
    _Atomic int error;
    _Atomic int after;
    _Atomic unsigned failed;
    _Atomic unsigned loaded;
    char path[236];
};

static struct control *control;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void load(void) {
    const char *file = getenv("JACKFIELD_TEST_SHIM");
    int fd = file ? NEXT(open)(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED) {
        control = map;
        atomic_store(&control->loaded, 1);
    }
}

static int fails_at(unsigned call, const char *path) {
    if (!strstr(path, control->path)) {
        return 0;
    }
    if (atomic_fetch_sub(&control->after, 1) > 0) {
        return 0;
    }
    atomic_store(&control->after, 0);
    atomic_fetch_add(&control->failed, 1);
    errno = atomic_load(&control->error);
    (void)call;
    return 1;
}

static int asked(unsigned call) { return control && (atomic_load(&control->calls) & call); }

static int fails(unsigned call, int fd) {
    char link[64], path[4096];
    if (!asked(call)) {
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = 0;
    return fails_at(call, path);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (!fails(WRITE, fd)) {
        return NEXT(write)(fd, bytes, count);
    }
    int error = errno;
    if (count > 1) {
        NEXT(write)(fd, bytes, count / 2);
    }
    errno = error;
    return -1;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return fails(WRITE, fd) ? -1 : NEXT(writev)(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    return fails(WRITE, fd) ? -1 : NEXT(pwrite64)(fd, bytes, count, at);
}

int fsync(int fd) { return fails(SYNC, fd) ? -1 : NEXT(fsync)(fd); }

int fdatasync(int fd) { return fails(SYNC, fd) ? -1 : NEXT(fdatasync)(fd); }

int ftruncate64(int fd, off64_t length) { return fails(TRUNCATE, fd) ? -1 : NEXT(ftruncate64)(fd, length); }

int rename(const char *from, const char *to) {
    return asked(RENAME) && fails_at(RENAME, to) ? -1 : NEXT(rename)(from, to);
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    if ((flags & O_CREAT) && asked(CREATE) && fails_at(CREATE, path)) {
        return -1;
    }
    return NEXT(open64)(path, flags, mode);
}
