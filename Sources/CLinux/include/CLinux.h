// What Swift cannot call: fork, the variadic calls (prctl, syscall, ioctl, open) and calls without a glibc wrapper.
// No policy here. Unless it says otherwise a function returns what the call returns, with errno set.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Spawning -------------------------------------------------------------------------------------------------

// Where a child failed before it ran its program.
enum csystem_stage {
    CSYSTEM_STAGE_READY = 0,
    CSYSTEM_STAGE_CLONE,
    CSYSTEM_STAGE_SESSION,
    CSYSTEM_STAGE_DEATH_SIGNAL,
    CSYSTEM_STAGE_CGROUP,
    CSYSTEM_STAGE_DESCRIPTORS,
    CSYSTEM_STAGE_DIRECTORY,
    CSYSTEM_STAGE_EXECUTE,
};

struct csystem_spawn {
    const char *path;               // program; ignored when executable >= 0
    int executable;                 // open descriptor of the program, or -1 (execveat(2), AT_EMPTY_PATH)
    char *const *arguments;         // ends with NULL
    char *const *environment;       // ends with NULL; NULL inherits
    const char *directory;          // working directory; NULL inherits
    const char *cgroup_procs;       // the cgroup.procs to join before the program runs; NULL stays
    const int *sources;             // descriptors of the parent ...
    const int *targets;             // ... and the numbers they get in the child; must hold 0, 1 and 2
    int count;
    int new_session;                // setsid(2)
    int death_signal;               // prctl(2), PR_SET_PDEATHSIG; 0 for none
    int gated;                      // wait for a byte on the gate before the program runs
};

struct csystem_child {
    int pid;
    int pidfd;
    int gate;                       // write end; -1 when not gated
    int status;                     // read end: csystem_status records, then end of file once the program runs
};

struct csystem_status {
    int stage;
    int error;
};

// Starts the child and waits until it is ready to run its program (gated) or runs it (not gated).
// Returns 0, or -1 with *failure filled; a child that failed has been reaped.
int csystem_spawn(const struct csystem_spawn *request, struct csystem_child *child, struct csystem_status *failure);
// Opens the gate and waits until the program runs. Returns 0, or -1 with *failure filled; does not reap.
int csystem_release(const struct csystem_child *child, struct csystem_status *failure);

// Extended attributes ---------------------------------------------------------------------------------------

// flistxattr(2) and fgetxattr(2): how many bytes, or -1.
int64_t csystem_attribute_names(int descriptor, char *names, size_t size);
int64_t csystem_attribute(int descriptor, const char *name, void *value, size_t size);

// Processes ------------------------------------------------------------------------------------------------

int csystem_pidfd_open(int pid);
int csystem_pidfd_send_signal(int pidfd, int signal);
// waitid(2) on a pidfd without blocking. 0: *code and *status are filled, *code 0 while it runs.
int csystem_pidfd_wait(int pidfd, int *code, int *status);
int csystem_set_subreaper(int on);
int csystem_set_death_signal(int signal);

// Signals --------------------------------------------------------------------------------------------------

int csystem_signal_ignore(int signal);
int csystem_signal_default(int signal);
int csystem_signals_block(const int *signals, int count, int block);
int csystem_signalfd(const int *signals, int count);
// Returns the signal's number, 0 when the time passed, -1 on an error.
int csystem_signal_wait(const int *signals, int count, int64_t nanoseconds);
// The number in the next signalfd_siginfo; 0 when none is pending, -1 on an error.
int csystem_signalfd_read(int descriptor);

// Timers ---------------------------------------------------------------------------------------------------

// timerfd_create(2) on CLOCK_REALTIME, non-blocking. `at` is in absolute nanoseconds; 0 stops it. Somebody who sets the
// clock makes it readable as well (TFD_TIMER_CANCEL_ON_SET).
int csystem_wall_timer_new(void);
int csystem_wall_timer_set(int timer, int64_t at);
// 1: it is due; 2: the clock was set (ECANCELED), the timer is stopped; 0: neither; -1: an error.
int csystem_wall_timer_read(int timer);

// Files ----------------------------------------------------------------------------------------------------

// Without _GNU_SOURCE Swift does not see these.
int csystem_pipe(int ends[2]);
int csystem_open_path_only(const char *directory);              // O_PATH | O_DIRECTORY
int csystem_accept(int listener);
// A stream socket that does not block, made in the network namespace at `namespace_path` (setns(2)); NULL: in our own.
// The calling thread is back in its own namespace when it returns, or the process ends: nothing may go on elsewhere.
int csystem_stream_socket(int family, const char *namespace_path);
struct pollfd;
int csystem_poll(struct pollfd *entries, size_t count, int64_t nanoseconds);    // below 0 waits for ever
// epoll(7), level-triggered; `key` comes back with each event. Interest in nothing still reports what broke.
struct csystem_event {
    uint32_t events;
    uint64_t key;
};
enum { CSYSTEM_READ = 1, CSYSTEM_WRITE = 4 };
int csystem_epoll_new(void);
// Adds, or changes when it is there already.
int csystem_epoll_set(int epoll, int descriptor, uint32_t events, uint64_t key);
int csystem_epoll_remove(int epoll, int descriptor);
// At most 64 events; `nanoseconds` below 0 waits for ever. Returns 0 when a signal came in between.
int csystem_epoll_wait(int epoll, struct csystem_event *events, int capacity, int64_t nanoseconds);
// prlimit(2), RLIMIT_FSIZE: no file that the process writes may grow beyond that.
int csystem_limit_file_size(int pid, uint64_t bytes);
int csystem_open_at(int directory, const char *path, int flags, unsigned int mode);
int csystem_duplicate_high(int descriptor, int lowest);
int csystem_set_nonblocking(int descriptor, int on);
int csystem_set_close_on_exec(int descriptor, int on);
int csystem_clone_file(int target, int source);                 // ioctl_ficlonerange(2), FICLONE
// fallocate(2) with mode 0: returns 0 or errno.
int csystem_allocate(int descriptor, int64_t offset, int64_t count);
// memfd_create(2), sealable; csystem_seal_writes makes all further writes fail with EPERM.
int csystem_memory_file(const char *name);
int csystem_seal_writes(int descriptor);
int64_t csystem_copy_file_range(int source, int target, size_t count);
// ioctl(2) with a pointer or number as argument.
int csystem_ioctl(int descriptor, unsigned long request, void *argument);
uint32_t csystem_device_major(uint64_t device);
uint32_t csystem_device_minor(uint64_t device);
uint64_t csystem_device(uint32_t major, uint32_t minor);

// Threads, text --------------------------------------------------------------------------------------------

/* The kernel's bound of its clock's error, in microseconds; -1 while nobody keeps the clock (adjtimex(2)). */
int csystem_clock_error(int64_t *microseconds);

int csystem_name_thread(const char *name);
int csystem_gettid(void);
// Strings of errno codes, safe between threads.
const char *csystem_error_text(int code, char *buffer, size_t size);

// SHA-256 (FIPS 180-4) -------------------------------------------------------------------------------------

struct csystem_sha256 {
    uint64_t opaque[16];
};
void csystem_sha256_start(struct csystem_sha256 *state);
void csystem_sha256_update(struct csystem_sha256 *state, const void *bytes, size_t count);
void csystem_sha256_finish(struct csystem_sha256 *state, uint8_t digest[32]);
