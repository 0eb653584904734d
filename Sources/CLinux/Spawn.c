// fork and exec, with everything between them in async-signal-safe C (signal-safety(7)).
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static _Noreturn void give_up(int status, int stage) {
    struct csystem_status record = {stage, errno};
    ssize_t ignored = write(status, &record, sizeof record);
    (void)ignored;
    _exit(127);
}

static void close_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
    struct rlimit limit;                        // Linux before 5.9
    unsigned end = 65536;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end) end = (unsigned)limit.rlim_cur;
    for (unsigned number = first; number < end; number++) close((int)number);
}

// Puts the request's descriptors at their numbers, the three of ours right above them, and closes all others:
// a child that waits at its gate must not hold the write end of somebody else's.
static int arrange(const struct csystem_spawn *request, int *status, int *gate, int *executable) {
    int highest = 2;
    for (int i = 0; i < request->count; i++)
        if (request->targets[i] > highest) highest = request->targets[i];
    const int ours = highest + 1;
    int *const mine[3] = {status, gate, executable};
    int sources[64];
    if (request->count > 64) { errno = EINVAL; return -1; }
    // Out of the way of every target number. Status goes first so that failures can still be told.
    for (int i = 0; i < 3; i++) {
        if (*mine[i] < 0) continue;
        int moved = fcntl(*mine[i], F_DUPFD_CLOEXEC, ours + 3);
        if (moved < 0) return -1;
        *mine[i] = moved;
    }
    for (int i = 0; i < request->count; i++) {
        sources[i] = fcntl(request->sources[i], F_DUPFD_CLOEXEC, ours + 3);
        if (sources[i] < 0) return -1;
    }
    for (int i = 0; i < request->count; i++)
        if (dup2(sources[i], request->targets[i]) < 0) return -1;
    for (int i = 0; i < 3; i++) {
        if (*mine[i] < 0) { close(ours + i); continue; }
        if (dup3(*mine[i], ours + i, O_CLOEXEC) < 0) return -1;
        *mine[i] = ours + i;
    }
    close_from((unsigned)ours + 3);
    for (int number = 3; number < ours; number++) {
        int wanted = 0;
        for (int i = 0; i < request->count; i++) wanted |= request->targets[i] == number;
        if (!wanted) close(number);
    }
    return 0;
}

static void reset_signals(void) {
    // The bare call, because glibc's refuses the two numbers that it keeps for itself; all zero is SIG_DFL.
    const uint64_t standard[4] = {0};
    for (int number = 1; number < 65; number++) syscall(SYS_rt_sigaction, number, standard, NULL, 8);
    // A runtime that blocks signals in its threads (libdispatch does) must not hand that to the child.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void be_child(const struct csystem_spawn *request, pid_t parent, int status, int gate) {
    int executable = request->executable;
    reset_signals();
    if (arrange(request, &status, &gate, &executable) < 0) give_up(status, CSYSTEM_STAGE_DESCRIPTORS);
    if (request->new_session && setsid() < 0) give_up(status, CSYSTEM_STAGE_SESSION);
    if (request->death_signal) {
        if (prctl(PR_SET_PDEATHSIG, request->death_signal, 0, 0, 0) < 0)
            give_up(status, CSYSTEM_STAGE_DEATH_SIGNAL);
        if (getppid() != parent) _exit(127);    // it died before the call took effect
    }
    if (request->cgroup_procs) {
        int procs = open(request->cgroup_procs, O_WRONLY | O_CLOEXEC);
        if (procs < 0 || write(procs, "0", 1) != 1) give_up(status, CSYSTEM_STAGE_CGROUP);
        close(procs);
    }
    if (request->directory && chdir(request->directory) < 0) give_up(status, CSYSTEM_STAGE_DIRECTORY);
    if (request->gated) {
        struct csystem_status ready = {CSYSTEM_STAGE_READY, 0};
        if (write(status, &ready, sizeof ready) != sizeof ready) _exit(127);
        char byte;
        ssize_t got;
        do got = read(gate, &byte, 1); while (got < 0 && errno == EINTR);
        if (got != 1) _exit(127);               // the parent died before it had recorded us
    }
    char *const *environment = request->environment ? request->environment : environ;
    if (executable >= 0)
        syscall(SYS_execveat, executable, "", request->arguments, environment, AT_EMPTY_PATH);
    else
        execve(request->path, request->arguments, environment);
    give_up(status, CSYSTEM_STAGE_EXECUTE);
}

// clone3(2) with a pidfd; fork and pidfd_open(2) where a sandbox forbids it.
static pid_t fork_with_pidfd(int *pidfd) {
    *pidfd = -1;
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid >= 0 || (errno != ENOSYS && errno != EPERM)) return pid;
    pid = fork();
    if (pid > 0 && (*pidfd = csystem_pidfd_open(pid)) < 0) {
        int error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        errno = error;
        return -1;
    }
    return pid;
}

// Reads one record. 1: read; 0: end of file, so the program runs (or the child was killed); -1: error.
static int read_status(int status, struct csystem_status *record) {
    ssize_t got;
    do got = read(status, record, sizeof *record); while (got < 0 && errno == EINTR);
    return got == sizeof *record ? 1 : got == 0 ? 0 : -1;
}

static int fail(struct csystem_status *failure, int stage) {
    failure->stage = stage;
    failure->error = errno;
    return -1;
}

int csystem_spawn(const struct csystem_spawn *request, struct csystem_child *child, struct csystem_status *failure) {
    int status[2], gate[2] = {-1, -1};
    if (pipe2(status, O_CLOEXEC) < 0) return fail(failure, CSYSTEM_STAGE_CLONE);
    if (request->gated && pipe2(gate, O_CLOEXEC) < 0) {
        fail(failure, CSYSTEM_STAGE_CLONE);
        close(status[0]);
        close(status[1]);
        return -1;
    }
    // No handler of ours may run in the child, whose memory is a copy.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    int pidfd;
    pid_t pid = fork_with_pidfd(&pidfd);
    if (pid == 0) be_child(request, parent, status[1], gate[0]);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(status[1]);
    if (gate[0] >= 0) close(gate[0]);
    *child = (struct csystem_child){.pid = pid, .pidfd = pidfd, .gate = gate[1], .status = status[0]};
    if (pid < 0) {
        errno = error;
        fail(failure, CSYSTEM_STAGE_CLONE);
    } else {
        int got = read_status(status[0], failure);
        if (got == 1 && failure->stage == CSYSTEM_STAGE_READY) return 0;
        if (got == 0 && !request->gated) return 0;
        if (got < 0) fail(failure, CSYSTEM_STAGE_CLONE);
        if (got == 0) {                         // killed before it was ready
            errno = ESRCH;
            fail(failure, CSYSTEM_STAGE_CLONE);
        }
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        close(pidfd);
    }
    close(status[0]);
    if (gate[1] >= 0) close(gate[1]);
    return -1;
}

int csystem_release(const struct csystem_child *child, struct csystem_status *failure) {
    ssize_t wrote;
    // A child that is gone must be an error and not a signal.
    sigset_t pipe_signal, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    do wrote = write(child->gate, "g", 1); while (wrote < 0 && errno == EINTR);
    int error = errno;
    if (wrote < 0) {
        struct timespec now = {0, 0};
        sigtimedwait(&pipe_signal, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (wrote != 1) {
        errno = error == EPIPE ? ESRCH : error;
        return fail(failure, CSYSTEM_STAGE_EXECUTE);
    }
    int got = read_status(child->status, failure);
    if (got == 0) return 0;
    return got == 1 ? -1 : fail(failure, CSYSTEM_STAGE_EXECUTE);
}
