// mbedTLS as Swift sees it: its headers, the choices that are made of macros, and the memory of the
// one TLS session. Whatever differs between 2.28 (Debian 12) and 3.6 (Debian 13) is here.
#pragma once

// As in CLinux: both modules hold the same system types, which must look the same.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

// The one session. mbedTLS keeps pointers into it, so it must not move: it is static.
struct cmbedtls_session {
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  // The few trust anchors that the last chain needed, out of the whole bundle.
  mbedtls_x509_crt anchors;
  // The last verified session, for resumption.
  mbedtls_ssl_session saved;
  int has_saved;

  // The socket, and whether it has said that nothing more comes.
  int descriptor;
  int has_ended;
};

// Weak, not static, here and below: the optimiser copies callers of these functions into other
// objects, and there must be one of each for them all. Each has a value, since Swift emits no
// definition without.
__attribute__((weak)) struct cmbedtls_session cmbedtls_session_memory = {0};
static inline struct cmbedtls_session *cmbedtls_session(void) { return &cmbedtls_session_memory; }

// One certificate of the bundle, decoded: the largest that is in use as an anchor has 2 KiB.
enum { cmbedtls_certificate_capacity = 8 * 1024 };
__attribute__((weak)) unsigned char
    cmbedtls_certificate_memory[cmbedtls_certificate_capacity] = {0};
static inline unsigned char *cmbedtls_certificate(void) { return cmbedtls_certificate_memory; }

// What is read of the bundle at a time.
enum { cmbedtls_bundle_chunk_capacity = 4 * 1024 };
__attribute__((weak)) unsigned char
    cmbedtls_bundle_chunk_memory[cmbedtls_bundle_chunk_capacity] = {0};
static inline unsigned char *cmbedtls_bundle_chunk(void) { return cmbedtls_bundle_chunk_memory; }

// TLS 1.2 with forward secrecy and authenticated encryption, and all of TLS 1.3 where it is there.
static const int cmbedtls_ciphersuites[] = {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0};

// For the certificates: SHA-2, RSA of at least 2048 bits and the NIST curves.
static const mbedtls_x509_crt_profile cmbedtls_profile = {
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    0xFFFFFFF,
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1),
    2048,
};

// A static constant is imported as a value, whose address would not last.
static inline const mbedtls_x509_crt_profile *cmbedtls_certificate_profile(void) {
  return &cmbedtls_profile;
}

// mbedTLS keeps the pointer and writes nothing to it.
static const char *cmbedtls_protocols[] = {"http/1.1", NULL};

#if MBEDTLS_VERSION_MAJOR >= 3
static const uint16_t cmbedtls_groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
static const uint16_t cmbedtls_signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,       MBEDTLS_TLS1_3_SIG_NONE};
#else
static const mbedtls_ecp_group_id cmbedtls_curves[] = {
    MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
    MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE};
static const int cmbedtls_hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                                      MBEDTLS_MD_NONE};
#endif

// Sets everything that does not depend on the host. Returns 0 or an error of mbedTLS.
static inline int cmbedtls_configure(struct cmbedtls_session *session) {
  mbedtls_ssl_config *config = &session->config;
#if MBEDTLS_VERSION_MAJOR >= 3
  if (psa_crypto_init() != PSA_SUCCESS) return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
#endif
  mbedtls_ssl_init(&session->ssl);
  mbedtls_ssl_config_init(config);
  mbedtls_x509_crt_init(&session->anchors);
  mbedtls_ssl_session_init(&session->saved);
  session->descriptor = -1;
  int error = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                          MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (error != 0) return error;
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_groups(config, cmbedtls_groups);
  mbedtls_ssl_conf_sig_algs(config, cmbedtls_signatures);
#else
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(config, cmbedtls_curves);
  mbedtls_ssl_conf_sig_hashes(config, cmbedtls_hashes);
#endif
  mbedtls_ssl_conf_ciphersuites(config, cmbedtls_ciphersuites);
  mbedtls_ssl_conf_cert_profile(config, &cmbedtls_profile);
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(config, &session->anchors, NULL);
  return mbedtls_ssl_conf_alpn_protocols(config, cmbedtls_protocols);
}

// Whether a read returned because a TLS 1.3 server sent a ticket, which is no data.
static inline int cmbedtls_is_session_ticket(int result) {
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
  return result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
  (void)result;
  return 0;
#endif
}

// The macro has another name in 2.28.
static inline int cmbedtls_is_protocol_version_error(int result) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return result == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;
#else
  return result == MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION;
#endif
}
