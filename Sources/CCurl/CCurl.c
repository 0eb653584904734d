#define _GNU_SOURCE
#include "CCurl.h"
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

static CURLcode (*global_init)(long);
static CURLM *(*multi_init)(void);
static CURLMcode (*multi_cleanup)(CURLM *);
static CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
static CURLMcode (*multi_add_handle)(CURLM *, CURL *);
static CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
static CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
static CURLMsg *(*multi_info_read)(CURLM *, int *);
static CURL *(*easy_init)(void);
static void (*easy_cleanup)(CURL *);
static CURLcode (*easy_perform)(CURL *);
static CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
static CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
static struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
static void (*slist_free_all)(struct curl_slist *);
static const char *(*easy_strerror)(CURLcode);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void load(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(failure, sizeof failure,
                 "libcurl cannot be loaded (%.150s); install it: apt install libcurl4", reason ? reason : "?");
        return;
    }
    const struct {
        const char *name;
        void **place;
    } symbols[] = {
        {"curl_global_init", (void **)&global_init},
        {"curl_multi_init", (void **)&multi_init},
        {"curl_multi_cleanup", (void **)&multi_cleanup},
        {"curl_multi_setopt", (void **)&multi_setopt},
        {"curl_multi_add_handle", (void **)&multi_add_handle},
        {"curl_multi_remove_handle", (void **)&multi_remove_handle},
        {"curl_multi_socket_action", (void **)&multi_socket_action},
        {"curl_multi_info_read", (void **)&multi_info_read},
        {"curl_easy_init", (void **)&easy_init},
        {"curl_easy_cleanup", (void **)&easy_cleanup},
        {"curl_easy_perform", (void **)&easy_perform},
        {"curl_easy_setopt", (void **)&easy_setopt},
        {"curl_easy_getinfo", (void **)&easy_getinfo},
        {"curl_slist_append", (void **)&slist_append},
        {"curl_slist_free_all", (void **)&slist_free_all},
        {"curl_easy_strerror", (void **)&easy_strerror},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (!(*symbols[i].place = dlsym(library, symbols[i].name))) {
            snprintf(failure, sizeof failure, "the libcurl of this machine has no %s; libcurl 7.85 or newer "
                     "is needed", symbols[i].name);
            return;
        }
    }
    CURLcode code = global_init(CURL_GLOBAL_ALL);
    if (code) snprintf(failure, sizeof failure, "libcurl does not start: %s", easy_strerror(code));
}

const char *ccurl_load(void) {
    pthread_once(&once, load);
    return failure[0] ? failure : NULL;
}

CURLM *ccurl_multi_new(curl_socket_callback on_socket, curl_multi_timer_callback on_timer, void *user,
                       long max_connects) {
    CURLM *multi = multi_init();
    if (!multi) return NULL;
    multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    multi_setopt(multi, CURLMOPT_SOCKETDATA, user);
    multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    multi_setopt(multi, CURLMOPT_TIMERDATA, user);
    multi_setopt(multi, CURLMOPT_MAXCONNECTS, max_connects);
    return multi;
}
void ccurl_multi_free(CURLM *multi) { multi_cleanup(multi); }
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy) { return multi_add_handle(multi, easy); }
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy) { return multi_remove_handle(multi, easy); }
CURLMcode ccurl_multi_socket(CURLM *multi, curl_socket_t socket, int events) {
    int running;
    return multi_socket_action(multi, socket, events, &running);
}
CURL *ccurl_multi_finished(CURLM *multi, CURLcode *result) {
    int left;
    for (CURLMsg *message; (message = multi_info_read(multi, &left));)
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    return NULL;
}

CURL *ccurl_easy_new(void) { return easy_init(); }
void ccurl_easy_free(CURL *easy) { easy_cleanup(easy); }
CURLcode ccurl_easy_perform(CURL *easy) { return easy_perform(easy); }
CURLcode ccurl_set_long(CURL *e, CURLoption o, long value) { return easy_setopt(e, o, value); }
CURLcode ccurl_set_text(CURL *e, CURLoption o, const char *value) { return easy_setopt(e, o, value); }
CURLcode ccurl_set_pointer(CURL *e, CURLoption o, void *value) { return easy_setopt(e, o, value); }
CURLcode ccurl_set_write(CURL *easy, curl_write_callback callback, void *user) {
    CURLcode code = easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
    return code ? code : easy_setopt(easy, CURLOPT_WRITEDATA, user);
}
CURLcode ccurl_set_header(CURL *easy, curl_write_callback callback, void *user) {
    CURLcode code = easy_setopt(easy, CURLOPT_HEADERFUNCTION, callback);
    return code ? code : easy_setopt(easy, CURLOPT_HEADERDATA, user);
}
CURLcode ccurl_set_close(CURL *easy, curl_closesocket_callback callback, void *user) {
    CURLcode code = easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
    return code ? code : easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, user);
}
CURLcode ccurl_set_body(CURL *easy, const void *bytes, size_t length) {
    CURLcode code = easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    return code ? code : easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}
long ccurl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    easy_getinfo(easy, info, &value);
    return value;
}
const char *ccurl_certificate_field(CURL *easy, int number, const char *name) {
    struct curl_certinfo *all = NULL;
    if (easy_getinfo(easy, CURLINFO_CERTINFO, &all) || !all || number < 0 || number >= all->num_of_certs)
        return NULL;
    size_t length = strlen(name);
    for (struct curl_slist *field = all->certinfo[number]; field; field = field->next)
        if (strncmp(field->data, name, length) == 0 && field->data[length] == ':') return field->data + length + 1;
    return NULL;
}
void *ccurl_get_private(CURL *easy) {
    void *value = NULL;
    easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}
struct curl_slist *ccurl_list_add(struct curl_slist *list, const char *text) {
    return slist_append(list, text);
}
void ccurl_list_free(struct curl_slist *list) { slist_free_all(list); }
const char *ccurl_error_text(CURLcode code) { return easy_strerror(code); }

int ccurl_epoll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
int ccurl_epoll_set(int epoll, int descriptor, uint32_t events, uint64_t key, int is_new) {
    struct epoll_event event = {.events = events, .data.u64 = key};
    if (epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    return epoll_ctl(epoll, is_new ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}
int ccurl_epoll_remove(int epoll, int descriptor) {
    struct epoll_event event = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event) == 0 ? 0 : errno;
}
int ccurl_epoll_wait(int epoll, struct ccurl_event *events, int capacity, int wait) {
    struct epoll_event found[64];
    int count = epoll_wait(epoll, found, capacity < 64 ? capacity : 64, wait ? -1 : 0);
    for (int i = 0; i < count; i++)
        events[i] = (struct ccurl_event){.events = found[i].events, .key = found[i].data.u64};
    return count;
}

int ccurl_timer_new(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }
int ccurl_timer_set(int timer, int64_t at) {
    struct itimerspec spec = {.it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL);
}
int ccurl_eventfd_new(int blocking) { return eventfd(0, (blocking ? 0 : EFD_NONBLOCK) | EFD_CLOEXEC); }

void ccurl_prepare_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
}
int ccurl_realtime_thread(int priority) {
    struct sched_param parameters = {.sched_priority = priority};
    return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0 ? 0 : errno;
}

void ccurl_trim_memory(void) { malloc_trim(0); }

int ccurl_holds(const void *bytes, size_t length, const void *needle, size_t needle_length) {
    return memmem(bytes, length, needle, needle_length) != NULL;
}
