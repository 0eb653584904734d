#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int csystem_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int csystem_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int csystem_pidfd_wait(int pidfd, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -1;
    *code = info.si_pid == 0 ? 0 : info.si_code;
    *status = info.si_status;
    return 0;
}

int csystem_set_subreaper(int on) { return prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0); }
int csystem_set_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

static int set_handler(int signal, void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    return sigaction(signal, &action, NULL);
}
int csystem_signal_ignore(int signal) { return set_handler(signal, SIG_IGN); }
int csystem_signal_default(int signal) { return set_handler(signal, SIG_DFL); }

static sigset_t set_of(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    return set;
}

int csystem_signals_block(const int *signals, int count, int block) {
    sigset_t set = set_of(signals, count);
    int code = pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
    if (code == 0) return 0;
    errno = code;
    return -1;
}

int csystem_signalfd(const int *signals, int count) {
    sigset_t set = set_of(signals, count);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int csystem_signal_wait(const int *signals, int count, int64_t nanoseconds) {
    sigset_t set = set_of(signals, count);
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int number = sigtimedwait(&set, NULL, &time);
    return number < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : number;
}

int csystem_signalfd_read(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t got = read(descriptor, &info, sizeof info);
    if (got == sizeof info) return (int)info.ssi_signo;
    return got < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

int csystem_wall_timer_new(void) { return timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK); }
int csystem_wall_timer_set(int timer, int64_t at) {
    struct itimerspec spec = {.it_value = {at / 1000000000, at % 1000000000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL);
}
int csystem_wall_timer_read(int timer) {
    uint64_t count;
    ssize_t got = read(timer, &count, sizeof count);
    if (got == sizeof count) return 1;
    if (got < 0 && errno == ECANCELED) return 2;
    return got < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

int csystem_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
int csystem_open_path_only(const char *directory) { return open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC); }
int csystem_stream_socket(int family, const char *namespace_path) {
    if (!namespace_path) return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0) return -1;
    int other = open(namespace_path, O_RDONLY | O_CLOEXEC);
    int made = -1, error = errno;
    if (other >= 0) {
        if (setns(other, CLONE_NEWNET) == 0) {
            made = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            error = errno;
            if (setns(own, CLONE_NEWNET) != 0) abort();
        } else {
            error = errno;
        }
        close(other);
    }
    close(own);
    errno = error;
    return made;
}
int csystem_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }

int csystem_poll(struct pollfd *entries, size_t count, int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    return ppoll(entries, count, nanoseconds < 0 ? NULL : &time, NULL);
}

int csystem_epoll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }

int csystem_epoll_set(int epoll, int descriptor, uint32_t events, uint64_t key) {
    struct epoll_event event = {.events = events, .data = {.u64 = key}};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    return errno == ENOENT ? epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) : -1;
}

int csystem_epoll_remove(int epoll, int descriptor) { return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL); }

int csystem_epoll_wait(int epoll, struct csystem_event *events, int capacity, int64_t nanoseconds) {
    struct epoll_event found[64];
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int count = epoll_pwait2(epoll, found, capacity < 64 ? capacity : 64, nanoseconds < 0 ? NULL : &time, NULL);
    if (count < 0) return errno == EINTR ? 0 : -1;
    for (int i = 0; i < count; i++) events[i] = (struct csystem_event){found[i].events, found[i].data.u64};
    return count;
}

int csystem_limit_file_size(int pid, uint64_t bytes) {
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_FSIZE, NULL, &limit) < 0) return -1;
    limit.rlim_cur = bytes;
    return prlimit(pid, RLIMIT_FSIZE, &limit, NULL);
}

int csystem_open_at(int directory, const char *path, int flags, unsigned int mode) {
    int descriptor;
    do descriptor = openat(directory, path, flags, mode); while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int csystem_duplicate_high(int descriptor, int lowest) { return fcntl(descriptor, F_DUPFD_CLOEXEC, lowest); }

int csystem_set_nonblocking(int descriptor, int on) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int csystem_set_close_on_exec(int descriptor, int on) {
    int flags = fcntl(descriptor, F_GETFD);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
}

int csystem_clone_file(int target, int source) { return ioctl(target, FICLONE, source); }

int csystem_allocate(int descriptor, int64_t offset, int64_t count) {
    return fallocate(descriptor, 0, offset, count) == 0 ? 0 : errno;
}

int csystem_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int csystem_seal_writes(int descriptor) { return fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW); }

int64_t csystem_copy_file_range(int source, int target, size_t count) {
    return copy_file_range(source, NULL, target, NULL, count, 0);
}

int csystem_ioctl(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

uint32_t csystem_device_major(uint64_t device) { return major(device); }
uint32_t csystem_device_minor(uint64_t device) { return minor(device); }
uint64_t csystem_device(uint32_t major_number, uint32_t minor_number) {
    return makedev(major_number, minor_number);
}

int csystem_clock_error(int64_t *microseconds)
{
    struct timex state;
    memset(&state, 0, sizeof state);
    if (adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC))
        return -1;
    *microseconds = state.maxerror;
    return 0;
}

int csystem_name_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }
int csystem_gettid(void) { return (int)syscall(SYS_gettid); }

const char *csystem_error_text(int code, char *buffer, size_t size) { return strerror_r(code, buffer, size); }

int64_t csystem_attribute_names(int descriptor, char *names, size_t size) {
    return flistxattr(descriptor, names, size);
}
int64_t csystem_attribute(int descriptor, const char *name, void *value, size_t size) {
    return fgetxattr(descriptor, name, value, size);
}
