#include "security/web_tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "starling/peer/secret_file.hpp"

namespace starling::security {
namespace {

// TLS 1.3's own suites stay at OpenSSL's choice; of 1.2 only those with forward secrecy and an AEAD.
constexpr char kTls12Ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr int kSecurityLevel = 2;  // 112 bits; said here so that a system-wide OpenSSL file cannot lower it
constexpr std::size_t kMaxKeyFileBytes = std::size_t{64} << 10;
constexpr long kMaxChainBytes = 64L << 10;  // of a peer's certificates

Result<SslContextPtr> make_context() {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers) != 1) {
    return fail(take_openssl_error(ErrorCode::Internal, Op::Configure, Origin::Local, "setting web TLS up"));
  }
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_max_cert_list(context.get(), kMaxChainBytes);
  return context;
}

// Nobody is there to type a password.
int no_password(char*, int, int, void*) noexcept { return -1; }

Result<EvpKeyPtr> load_key(const std::string& file) {
  STARLING_TRY(const crypto::SecretBytes content, load_secret_file(file, kMaxKeyFileBytes));
  const BioPtr memory(BIO_new_mem_buf(content.view().data(), int(content.size())));
  EvpKeyPtr key(memory ? PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr) : nullptr);
  if (key) return key;
  return fail(take_openssl_error(ErrorCode::FileMalformed, Op::ReadFile, Origin::Local,
                                 file + " is no unencrypted private key in PEM"));
}

// OpenSSL says with the system's errno when the file itself is the trouble.
Error certificate_error(const std::string& file) {
  const bool system = ERR_SYSTEM_ERROR(ERR_peek_error());
  return take_openssl_error(system ? ErrorCode::FileUnreadable : ErrorCode::FileMalformed, Op::ReadFile, Origin::Local,
                            file);
}

}  // namespace

Result<SslContextPtr> make_web_client_context(const std::string& ca_file) {
  STARLING_TRY(auto context, make_context());
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                     : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (loaded != 1) return fail(certificate_error(ca_file.empty() ? "the system's authorities" : ca_file));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // An authority's certificate in the file is trusted as it stands, also where it is not self-signed.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
  return context;
}

Result<SslContextPtr> make_trusting_web_client_context() {
  STARLING_TRY(auto context, make_context());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

Result<SslContextPtr> make_web_server_context(const std::string& certificate_file, const std::string& key_file) {
  STARLING_TRY(auto context, make_context());
  STARLING_TRY(const EvpKeyPtr key, load_key(key_file));
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1)
    return fail(certificate_error(certificate_file));
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1) return context;
  return fail(take_openssl_error(ErrorCode::FileMalformed, Op::ReadFile, Origin::Local,
                                 key_file + " is not the key of the certificate in " + certificate_file));
}

Result<ByteVector> encode_web_alpn(const std::vector<std::string>& names) {
  ByteVector list;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255)
      return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, "ALPN name '" + name + "'");
    list.push_back(std::uint8_t(name.size()));
    append(list, as_bytes(name));
  }
  return list;
}

Bytes choose_web_alpn(Bytes clients, const std::vector<std::string>& ours) {
  for (const std::string& wanted : ours) {
    for (Bytes rest = clients; !rest.empty() && rest.size() > rest[0]; rest = rest.subspan(1u + rest[0])) {
      const Bytes offered = rest.subspan(1, rest[0]);
      if (as_text(offered) == wanted) return offered;
    }
  }
  return {};
}

}  // namespace starling::security
