#include "security/tls_certificate_signature.hpp"

#include <string_view>

namespace starling::security {
namespace {
constexpr std::string_view kSignaturePrefix = "libp2p-tls-handshake:";
}

Result<ByteVector> certificate_key_message(const X509& certificate) {
  const X509_PUBKEY* key = X509_get_X509_PUBKEY(&certificate);
  const int size = i2d_X509_PUBKEY(key, nullptr);
  if (size <= 0)
    return fail(take_openssl_error(ErrorCode::Internal, Op::Encode, Origin::Local, "encoding a certificate key"));
  ByteVector message = to_vector(as_bytes(kSignaturePrefix));
  message.resize(kSignaturePrefix.size() + std::size_t(size));
  unsigned char* at = message.data() + kSignaturePrefix.size();
  i2d_X509_PUBKEY(key, &at);
  return message;
}

}  // namespace starling::security
