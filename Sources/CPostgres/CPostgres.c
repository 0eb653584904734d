#include "CPostgres.h"
#include <dlfcn.h>
#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// Each is declared as libpq-fe.h declares the function, so that the compiler checks every call.
#define FUNCTIONS(X)                                                                                          \
    X(PQconnectStart) X(PQconnectPoll) X(PQsocket) X(PQstatus) X(PQerrorMessage) X(PQfinish)                  \
    X(PQsetnonblocking) X(PQsetErrorVerbosity) X(PQsetNoticeReceiver) X(PQsendQueryParams) X(PQsendQuery)     \
    X(PQsetSingleRowMode) X(PQflush) X(PQconsumeInput) X(PQisBusy) X(PQgetResult) X(PQresultStatus)           \
    X(PQntuples) X(PQnfields) X(PQgetisnull) X(PQgetlength) X(PQgetvalue) X(PQcmdTuples)                      \
    X(PQresultErrorField) X(PQclear) X(PQgetCopyData) X(PQfreemem)
#define DECLARE(name) static __typeof__(&name) f_##name;
FUNCTIONS(DECLARE)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(failure, sizeof failure, "libpq cannot be loaded (%.150s); install it: apt install libpq5",
                 reason ? reason : "?");
        return;
    }
#define FIND(name)                                                                                            \
    if (!(f_##name = (__typeof__(&name))dlsym(library, #name))) {                                             \
        snprintf(failure, sizeof failure, "the libpq of this machine has no " #name "; libpq 12 or newer is " \
                 "needed: apt install libpq5");                                                               \
        return;                                                                                               \
    }
    FUNCTIONS(FIND)
}

const char *cpq_load(void) {
    pthread_once(&once, load);
    return failure[0] ? failure : NULL;
}

// The server has committed and gave up waiting for its standby. Its words are in the server's language, its place
// in the server's source is not (src/backend/replication/syncrep.c, SyncRepWaitForLSN).
static void notice(void *warned, const PGresult *result) {
    const char *severity = f_PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *function = f_PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    if (severity && function && !strcmp(severity, "WARNING") && !strcmp(function, "SyncRepWaitForLSN"))
        *(int32_t *)warned = 1;
}

cpq_connection *cpq_start(const char *conninfo, int32_t *warned) {
    PGconn *connection = f_PQconnectStart(conninfo);
    if (!connection) return NULL;
    // An error while connecting has no fields to ask for: its SQLSTATE must stand in its text.
    f_PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    f_PQsetNoticeReceiver(connection, notice, warned);
    return connection;
}
int cpq_poll(cpq_connection *connection) {
    switch (f_PQconnectPoll(connection)) {
    case PGRES_POLLING_OK: return CPQ_OPEN;
    case PGRES_POLLING_READING: return CPQ_WANTS_READ;
    case PGRES_POLLING_WRITING: return CPQ_WANTS_WRITE;
    default: return CPQ_FAILED;
    }
}
int cpq_socket(const cpq_connection *connection) { return f_PQsocket(connection); }
int cpq_is_open(const cpq_connection *connection) { return f_PQstatus(connection) == CONNECTION_OK; }
const char *cpq_error(const cpq_connection *connection) { return f_PQerrorMessage(connection); }
void cpq_finish(cpq_connection *connection) { f_PQfinish(connection); }

int cpq_never_wait(cpq_connection *connection) { return f_PQsetnonblocking(connection, 1) == 0; }
int cpq_send(cpq_connection *connection, const char *sql, int count, const char *first, const char *second) {
    const char *const values[2] = {first, second};
    return f_PQsendQueryParams(connection, sql, count, NULL, values, NULL, NULL, 0);
}
int cpq_send_several(cpq_connection *connection, const char *sql) { return f_PQsendQuery(connection, sql); }
int cpq_row_by_row(cpq_connection *connection) { return f_PQsetSingleRowMode(connection); }
int cpq_flush(cpq_connection *connection) { return f_PQflush(connection); }
int cpq_consume(cpq_connection *connection) { return f_PQconsumeInput(connection); }
int cpq_is_busy(cpq_connection *connection) { return f_PQisBusy(connection); }
cpq_result *cpq_next(cpq_connection *connection) { return f_PQgetResult(connection); }

int cpq_copied(cpq_connection *connection, char **line) {
    int length = f_PQgetCopyData(connection, line, 1);
    return length < 0 ? -1 : length;
}
void cpq_free(char *line) { f_PQfreemem(line); }

int cpq_kind(const cpq_result *result) {
    switch (f_PQresultStatus(result)) {
    case PGRES_COMMAND_OK: return CPQ_DONE;
    case PGRES_TUPLES_OK: return CPQ_ROWS;
    case PGRES_SINGLE_TUPLE: return CPQ_ONE_ROW;
    case PGRES_COPY_OUT: return CPQ_COPY;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE: return CPQ_ERROR;
    default: return CPQ_OTHER;
    }
}
int cpq_rows(const cpq_result *result) { return f_PQntuples(result); }
int cpq_columns(const cpq_result *result) { return f_PQnfields(result); }
const char *cpq_value(const cpq_result *result, int row, int column, int *length) {
    if (f_PQgetisnull(result, row, column)) return NULL;
    *length = f_PQgetlength(result, row, column);
    return f_PQgetvalue(result, row, column);
}
const char *cpq_affected(cpq_result *result) { return f_PQcmdTuples(result); }
const char *cpq_sqlstate(const cpq_result *result) { return f_PQresultErrorField(result, PG_DIAG_SQLSTATE); }
const char *cpq_severity(const cpq_result *result) {
    return f_PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}
const char *cpq_message(const cpq_result *result) {
    return f_PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}
void cpq_clear(cpq_result *result) { f_PQclear(result); }
