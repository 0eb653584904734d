#ifndef CCERTIFICATES_H
#define CCERTIFICATES_H

#include <stdint.h>

/// A new key pair on P-256, or NULL. Freed with certificates_free_key.
void *certificates_make_key(void);
void certificates_free_key(void *key);

/// Writes the private key as PEM (PKCS #8).
/// Returns its length, or -1 when it could not be made or has no room.
int certificates_write_key(void *key, char *text, int room);

/// Writes a certificate of X.509 version 3 as PEM, signed with ECDSA and SHA-256.
///
/// issuer, subject: common names, at most 64 bytes (RFC 5280, appendix A.1).
/// from, until: seconds since 1970.
/// names: what a server is called, as x509v3_config(5) has it in subjectAltName, such as "DNS:a.test,IP:::1"; NULL: it is
/// the certificate of an authority.
/// Returns its length, or -1 when it could not be made or has no room.
int certificates_sign(
    void *key, void *issuer_key, const char *issuer, const char *subject, int64_t from, int64_t until,
    const char *names, char *text, int room);

#endif
