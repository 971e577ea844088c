#include "crypto/key_material.hpp"

namespace starling::crypto {

Result<ByteVector> evp_sign(EVP_PKEY* key, Bytes message) {
  const auto failed = [] { return openssl_failure(ErrorCode::Internal, Op::Sign, Origin::Bug, "OpenSSL"); };
  const EvpDigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) <= 0) return failed();
  ByteVector signature(std::size_t(EVP_PKEY_get_size(key)));
  std::size_t size = signature.size();
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) <= 0) return failed();
  signature.resize(size);
  return signature;
}

// OpenSSL takes RSA signatures of the modulus' length only, and ECDSA ones in strict DER only.
Status evp_verify(EVP_PKEY* key, Bytes message, Bytes signature, std::string_view algorithm) {
  const EvpDigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) <= 0)
    return openssl_failure(ErrorCode::Internal, Op::Verify, Origin::Bug, "OpenSSL");
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) != 1)
    return bad_signature(algorithm);
  return {};
}

}  // namespace starling::crypto
