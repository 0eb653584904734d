#include "CCertificates.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

void *certificates_make_key(void) {
    // What the machine's openssl.cnf says is for other programs.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    return EVP_EC_gen("P-256");
}

void certificates_free_key(void *key) { EVP_PKEY_free(key); }

/// Takes what was written, frees the BIO, and leaves no error behind for others.
static int finish(BIO *bio, int is_written, char *text, int room) {
    int length = -1;
    char *bytes = NULL;
    if (is_written) {
        long count = BIO_get_mem_data(bio, &bytes);
        if (count > 0 && count <= room) {
            memcpy(text, bytes, (size_t)count);
            length = (int)count;
        }
    }
    BIO_free(bio);
    ERR_clear_error();
    return length;
}

int certificates_write_key(void *key, char *text, int room) {
    BIO *bio = BIO_new(BIO_s_mem());
    int is_written = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return finish(bio, is_written, text, room);
}

static int set_name(X509_NAME *name, const char *common) {
    return X509_NAME_add_entry_by_NID(
        name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0);
}

static int add(X509 *certificate, X509V3_CTX *context, int kind, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, kind, value);
    int is_added = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

/// The identifier of the issuer's key, as its own certificate has it: SHA-1 of the key (RFC 5280, 4.2.1.2).
static int add_issuer_key(X509 *certificate, void *issuer_key) {
    X509 *issuer = X509_new();
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    int is_added = issuer != NULL && X509_set_pubkey(issuer, issuer_key);
    if (is_added) {
        X509V3_set_ctx(&context, issuer, issuer, NULL, NULL, 0);
        is_added = add(issuer, &context, NID_subject_key_identifier, "hash");
    }
    if (is_added) {
        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        is_added = add(certificate, &context, NID_authority_key_identifier, "keyid:always");
    }
    X509_free(issuer);
    return is_added;
}

static int add_extensions(X509 *certificate, void *issuer_key, const char *names) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    if (!add(certificate, &context, NID_subject_key_identifier, "hash")) return 0;
    if (names == NULL) {
        return add(certificate, &context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
            && add(certificate, &context, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    return add(certificate, &context, NID_basic_constraints, "critical,CA:FALSE")
        && add(certificate, &context, NID_key_usage, "critical,digitalSignature")
        && add(certificate, &context, NID_ext_key_usage, "serverAuth")
        && add(certificate, &context, NID_subject_alt_name, names) && add_issuer_key(certificate, issuer_key);
}

/// 127 random bits: positive, and as good as unique (RFC 5280, 4.1.2.2).
static int set_serial(X509 *certificate) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return 0;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    int is_set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

int certificates_sign(
    void *key, void *issuer_key, const char *issuer, const char *subject, int64_t from, int64_t until,
    const char *names, char *text, int room) {
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    int is_written = certificate != NULL && bio != NULL && X509_set_version(certificate, X509_VERSION_3)
        && set_serial(certificate) && set_name(X509_get_issuer_name(certificate), issuer)
        && set_name(X509_get_subject_name(certificate), subject)
        && ASN1_TIME_set(X509_getm_notBefore(certificate), from) != NULL
        && ASN1_TIME_set(X509_getm_notAfter(certificate), until) != NULL && X509_set_pubkey(certificate, key)
        && add_extensions(certificate, issuer_key, names) && X509_sign(certificate, issuer_key, EVP_sha256()) > 0
        && PEM_write_bio_X509(bio, certificate);
    X509_free(certificate);
    return finish(bio, is_written, text, room);
}
