// The low-level SHA-256 of libcrypto, deliberately: the EVP interface of OpenSSL 3 reads a configuration file and
// loads a provider at the first digest, and links a megabyte more.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "CLinux.h"
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct csystem_sha256), "the state of SHA-256 fits");

void csystem_sha256_start(struct csystem_sha256 *state) { SHA256_Init((SHA256_CTX *)state); }

void csystem_sha256_update(struct csystem_sha256 *state, const void *bytes, size_t count) {
    SHA256_Update((SHA256_CTX *)state, bytes, count);
}

void csystem_sha256_finish(struct csystem_sha256 *state, uint8_t digest[32]) {
    SHA256_Final(digest, (SHA256_CTX *)state);
}
