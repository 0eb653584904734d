// libcurl, loaded at the first HTTP probe, and the few Linux calls that Swift's Glibc module does not offer.
//
// libcurl is opened with dlopen(3) rather than linked: linking it adds about 5 ms to every start of `muster`
// (its own dependencies are many), also to commands that never probe.
#pragma once
#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

// Loads libcurl once per process. Returns NULL when it is usable, else why it is not.
const char *ccurl_load(void);

CURLM *ccurl_multi_new(curl_socket_callback on_socket, curl_multi_timer_callback on_timer, void *user,
                       long max_connects);
void ccurl_multi_free(CURLM *multi);
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_socket(CURLM *multi, curl_socket_t socket, int events);
// The next finished transfer, or NULL; its result is stored in `result`.
CURL *ccurl_multi_finished(CURLM *multi, CURLcode *result);

CURL *ccurl_easy_new(void);
void ccurl_easy_free(CURL *easy);
// Carries a transfer out on this thread; it ends when the handle's timeout says so.
CURLcode ccurl_easy_perform(CURL *easy);
CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode ccurl_set_write(CURL *easy, curl_write_callback callback, void *user);
CURLcode ccurl_set_header(CURL *easy, curl_write_callback callback, void *user);
// Called for each socket that is to be closed, which it must do; also for those of kept connections, at any time
// until the multi handle is freed.
CURLcode ccurl_set_close(CURL *easy, curl_closesocket_callback callback, void *user);
// Copies `length` bytes as the request's body.
CURLcode ccurl_set_body(CURL *easy, const void *bytes, size_t length);
long ccurl_get_long(CURL *easy, CURLINFO info);
// What the transfer's server said about its certificate `number` (0 is its own, the others are of its chain), such
// as "Expire date"; NULL when there is no such certificate or field. Valid as long as the handle
// (https://curl.se/libcurl/c/CURLINFO_CERTINFO.html).
const char *ccurl_certificate_field(CURL *easy, int number, const char *name);
void *ccurl_get_private(CURL *easy);
struct curl_slist *ccurl_list_add(struct curl_slist *list, const char *text);
void ccurl_list_free(struct curl_slist *list);
const char *ccurl_error_text(CURLcode code);

// epoll(7): `key` comes back with each event.
struct ccurl_event {
    uint32_t events;
    uint64_t key;
};
enum { CCURL_READ = 1, CCURL_WRITE = 4, CCURL_BROKEN = 8 | 16, CCURL_HANGUP = 0x2000 };
int ccurl_epoll_new(void);
// Reports what is ready once, not for as long as it is ready.
#define CCURL_EDGE 0x80000000u
// Adds or changes; `is_new` is which of both is tried first.
int ccurl_epoll_set(int epoll, int descriptor, uint32_t events, uint64_t key, int is_new);
int ccurl_epoll_remove(int epoll, int descriptor);
// At most 64 events; waits for ever when `wait` is not 0.
int ccurl_epoll_wait(int epoll, struct ccurl_event *events, int capacity, int wait);

// timerfd_create(2) on CLOCK_MONOTONIC; `at` is absolute nanoseconds.
int ccurl_timer_new(void);
int ccurl_timer_set(int timer, int64_t at);
// eventfd(2), whose read waits only when it is `blocking`.
int ccurl_eventfd_new(int blocking);

// For the calling thread: its name, at most 15 characters; a timer slack of 1 ns (prctl(2)).
void ccurl_prepare_thread(const char *name);
// SCHED_FIFO for the calling thread, not inherited by its children. 0 or an errno.
int ccurl_realtime_thread(int priority);

// Hands to the kernel what malloc holds for later, of all arenas (malloc_trim(3)).
void ccurl_trim_memory(void);

// memmem(3): whether `needle` stands in `bytes`.
int ccurl_holds(const void *bytes, size_t length, const void *needle, size_t needle_length);
