// mbedTLS as Swift sees it: its headers, the choices that are made of macros, and the memory of the
// one TLS session. Whatever differs between 2.28 (Debian 12) and 3.6 (Debian 13) is here.
#pragma once

#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/oid.h>
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
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

// The one session. mbedTLS keeps pointers into it, so it must not move: it is static.
struct cmbedtls_session {
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  // The last verified session, for resumption.
  mbedtls_ssl_session saved;
  int has_saved;

  // The socket, and whether it has said that nothing more comes.
  int descriptor;
  int has_ended;
  // Bytes received since the deadline, and who is attended to, were looked at.
  int received;

  // See cmbedtls_next_attempt.
  int is_limited;
  int is_downgraded;
};

// Weak, not static, here and below: the optimiser copies callers of these functions into other
// objects, and there must be one of each for them all. Each has a value, since Swift emits no
// definition without.
__attribute__((weak)) struct cmbedtls_session cmbedtls_session_memory = {0};
static inline struct cmbedtls_session *cmbedtls_session(void) { return &cmbedtls_session_memory; }

// The few trust anchors that a chain needs, out of the whole bundle, while it is judged.
__attribute__((weak)) mbedtls_x509_crt cmbedtls_anchors_memory = {0};
static inline mbedtls_x509_crt *cmbedtls_anchors(void) { return &cmbedtls_anchors_memory; }

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
// Those that mbedTLS refuses in TLS 1.2 come last: most servers take the first that they can.
static const uint16_t cmbedtls_signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,    MBEDTLS_TLS1_3_SIG_NONE};
#else
static const mbedtls_ecp_group_id cmbedtls_curves[] = {
    MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
    MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE};
static const int cmbedtls_hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                                      MBEDTLS_MD_NONE};
#endif

#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
// Looks at each new server random: a server that knows TLS 1.3 and was made to speak TLS 1.2 says
// so in its last bytes (RFC 8446 section 4.1.3), which it signs.
static inline void cmbedtls_take_randoms(void *context, mbedtls_ssl_key_export_type type,
                                         const unsigned char *secret, size_t size,
                                         const unsigned char client[32],
                                         const unsigned char server[32],
                                         mbedtls_tls_prf_types function) {
  static const unsigned char sentinel[8] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
  struct cmbedtls_session *session = (struct cmbedtls_session *)context;
  (void)type, (void)secret, (void)size, (void)client, (void)function;
  session->is_downgraded = memcmp(server + 24, sentinel, sizeof sentinel) == 0;
}
#endif

// Whether to try another handshake at once after one that ended with `error`; 0 is a fresh start.
//
// mbedTLS 3.6.6 has to offer RSA-PSS for TLS 1.3, but refuses it from a server that goes on with
// TLS 1.2 and prefers it (Mbed-TLS/mbedtls issue 10668). The next handshake is then limited to
// TLS 1.2, where it is not offered. Nobody can use that to force an old version on a server that
// knows a newer one: see cmbedtls_take_randoms.
static inline int cmbedtls_next_attempt(struct cmbedtls_session *session, int error) {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
  session->is_limited =
      !session->is_limited && error == MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER &&
      mbedtls_ssl_get_version_number(&session->ssl) == MBEDTLS_SSL_VERSION_TLS1_2;
  mbedtls_ssl_conf_max_tls_version(&session->config, session->is_limited
                                                         ? MBEDTLS_SSL_VERSION_TLS1_2
                                                         : MBEDTLS_SSL_VERSION_TLS1_3);
  mbedtls_ssl_set_export_keys_cb(&session->ssl, cmbedtls_take_randoms, session);
  return session->is_limited;
#else
  (void)session, (void)error;
  return 0;
#endif
}

// An error of mbedTLS where the handshake that is over has an older version than both ends know.
static inline int cmbedtls_downgrade_error(const struct cmbedtls_session *session) {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
  return session->is_limited && session->is_downgraded ? MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER : 0;
#else
  (void)session;
  return 0;
#endif
}

// Sets everything that does not depend on the host. Returns 0 or an error of mbedTLS.
static inline int cmbedtls_configure(struct cmbedtls_session *session) {
  mbedtls_ssl_config *config = &session->config;
#if MBEDTLS_VERSION_MAJOR >= 3
  if (psa_crypto_init() != PSA_SUCCESS) return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
#endif
  mbedtls_ssl_init(&session->ssl);
  mbedtls_ssl_config_init(config);
  mbedtls_ssl_session_init(&session->saved);
  session->descriptor = -1;
  int error = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                          MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (error != 0) return error;
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_groups(config, cmbedtls_groups);
  mbedtls_ssl_conf_sig_algs(config, cmbedtls_signatures);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
  // With forward secrecy when a session is resumed, too. Tickets are dropped unless asked for.
  mbedtls_ssl_conf_tls13_key_exchange_modes(config,
                                            MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
      config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#else
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(config, cmbedtls_curves);
  mbedtls_ssl_conf_sig_hashes(config, cmbedtls_hashes);
#endif
  mbedtls_ssl_conf_ciphersuites(config, cmbedtls_ciphersuites);
  mbedtls_ssl_conf_cert_profile(config, &cmbedtls_profile);
  // Not by mbedTLS: see cmbedtls_shake_hands.
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
  return mbedtls_ssl_conf_alpn_protocols(config, cmbedtls_protocols);
}

// Takes one step of the handshake. In the one that brings the server's certificates, `*chain`
// becomes them, to be judged before anything is done with a key that is in them: mbedTLS would
// verify their signatures first, with keys of any size. Returns 0 or an error of mbedTLS.
static inline int cmbedtls_shake_hands(mbedtls_ssl_context *ssl, mbedtls_x509_crt **chain) {
  int state = ssl->MBEDTLS_PRIVATE(state);
  int error = mbedtls_ssl_handshake_step(ssl);
  *chain = NULL;
  if (state != MBEDTLS_SSL_SERVER_CERTIFICATE || ssl->MBEDTLS_PRIVATE(state) == state) return error;
  mbedtls_x509_crt *found = ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(peer_cert);
  // In TLS 1.2 certificates with an unknown algorithm are passed over, and nothing may be left.
  if (error == 0 && (found == NULL || found->raw.p == NULL)) {
    return MBEDTLS_ERR_X509_INVALID_EXTENSIONS;
  }
  *chain = found;
  return error;
}
static inline int cmbedtls_is_over(const mbedtls_ssl_context *ssl) {
  return ssl->MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_HANDSHAKE_OVER;
}

// Whether the key of a certificate takes too long: RSA of more than 4096 bits, or with an exponent
// of more than a dozen bytes, by which one look at a signature would cost as much as making it.
// What stands around modulus and exponent takes 35 bytes.
static inline int cmbedtls_is_costly(const mbedtls_x509_crt *certificate) {
  size_t size = certificate->pk_raw.len;
  if (mbedtls_pk_get_type(&certificate->pk) != MBEDTLS_PK_RSA) return size > 512;
  size_t modulus = mbedtls_pk_get_len(&certificate->pk);
  return modulus > 512 || size > modulus + 48;
}

// What is wrong with the use that a server makes of its certificate, as MBEDTLS_X509_BADCERT_...:
// its key signs a key exchange.
static inline uint32_t cmbedtls_usage_flags(const mbedtls_x509_crt *certificate) {
  uint32_t flags = 0;
  if (mbedtls_x509_crt_check_key_usage(certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0) {
    flags |= MBEDTLS_X509_BADCERT_KEY_USAGE;
  }
  if (mbedtls_x509_crt_check_extended_key_usage(certificate, MBEDTLS_OID_SERVER_AUTH,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
    flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
  }
  return flags;
}

// Whether the session can be saved when the handshake is over. In TLS 1.3 it is what comes with a
// ticket, later.
static inline int cmbedtls_has_session(const mbedtls_ssl_context *ssl) {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
  return mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_2;
#else
  (void)ssl;
  return 1;
#endif
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
