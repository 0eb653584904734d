// libpq's asynchronous interface, loaded at the first PostgreSQL probe or workload.
//
// libpq is opened with dlopen(3) rather than linked, for the reason for which CCurl does it: its own dependencies
// (TLS, Kerberos, LDAP) would be read at every start of `muster`, also by commands that never probe.
// Source of everything said here: https://www.postgresql.org/docs/15/libpq-async.html and libpq-connect.html.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct pg_conn cpq_connection;
typedef struct pg_result cpq_result;

// Loads libpq once per process. Returns NULL when it is usable, else why it is not.
const char *cpq_load(void);

// Begins to connect; NULL only without memory. `warned` is set to 1 by the warning that a commit is local only,
// and must outlive the connection. Resolves no name where `conninfo` gives every host by its number.
cpq_connection *cpq_start(const char *conninfo, int32_t *warned);
enum { CPQ_FAILED, CPQ_WANTS_READ, CPQ_WANTS_WRITE, CPQ_OPEN };
// One step of connecting. Its socket may be another one afterwards.
int cpq_poll(cpq_connection *connection);
// -1 without one.
int cpq_socket(const cpq_connection *connection);
int cpq_is_open(const cpq_connection *connection);
// With SQLSTATEs and where in the server's source an error arose.
const char *cpq_error(const cpq_connection *connection);
void cpq_finish(cpq_connection *connection);

// From here on sending never waits: what the kernel does not take is kept for `cpq_flush`. 0 when it failed.
int cpq_never_wait(cpq_connection *connection);
// One statement with text parameters, at most 2 (extended protocol). 0 when it failed.
int cpq_send(cpq_connection *connection, const char *sql, int count, const char *first, const char *second);
// Several statements in one transaction, without parameters (simple protocol). 0 when it failed.
int cpq_send_several(cpq_connection *connection, const char *sql);
// Rows one by one, right after sending. 0 when it is too late for that.
int cpq_row_by_row(cpq_connection *connection);
// 0: everything is sent; 1: some is left; -1: the connection is lost.
int cpq_flush(cpq_connection *connection);
// Reads what is there. 0 when the connection is lost.
int cpq_consume(cpq_connection *connection);
// Whether `cpq_next` would wait.
int cpq_is_busy(cpq_connection *connection);
// The next result; NULL once the server is ready for the next statement, or the connection is lost.
cpq_result *cpq_next(cpq_connection *connection);

// One line of a COPY TO STDOUT, which is the caller's to free: its length; 0: not there yet; -1: the end, or an error
// that `cpq_next` tells.
int cpq_copied(cpq_connection *connection, char **line);
void cpq_free(char *line);

enum { CPQ_DONE, CPQ_ROWS, CPQ_ONE_ROW, CPQ_ERROR, CPQ_OTHER, CPQ_COPY };
int cpq_kind(const cpq_result *result);
int cpq_rows(const cpq_result *result);
int cpq_columns(const cpq_result *result);
// NULL for SQL's NULL; may hold any bytes, `length` of them.
const char *cpq_value(const cpq_result *result, int row, int column, int *length);
// How many rows a command touched, as text; empty where that says nothing.
const char *cpq_affected(cpq_result *result);
// Five letters or digits, NULL for what libpq itself found out; ERROR, FATAL or PANIC in every language; words.
const char *cpq_sqlstate(const cpq_result *result);
const char *cpq_severity(const cpq_result *result);
const char *cpq_message(const cpq_result *result);
void cpq_clear(cpq_result *result);
