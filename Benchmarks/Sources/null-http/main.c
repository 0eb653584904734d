// A web server that answers every request with the same 200 on kept connections: what probes cost is measured against
// it, so it must cost as little as it can. Usage: null-http; prints its port on loopback, ends with its input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void watch(int epoll, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

// Requests of one connection come one by one and small: each read is one of them.
static void serve(int connection) {
    char request[4096];
    ssize_t count = recv(connection, request, sizeof request, 0);
    if (count <= 0) {
        close(connection);
        return;
    }
    send(connection, answer, sizeof answer - 1, MSG_NOSIGNAL);
    if (memmem(request, count, "Connection: close", 17)) close(connection);
}

int main(void) {
    struct rlimit limit = {16384, 16384};
    setrlimit(RLIMIT_NOFILE, &limit);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int epoll = epoll_create1(EPOLL_CLOEXEC), on = 1;
    watch(epoll, listener);
    watch(epoll, 0);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int descriptor = events[i].data.fd;
            if (descriptor == 0) return 0;
            if (descriptor != listener) {
                serve(descriptor);
                continue;
            }
            int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (connection < 0) continue;
            setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(epoll, connection);
        }
    }
}
