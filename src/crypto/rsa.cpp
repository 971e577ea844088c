// RSA keys: PKIX and PKCS#1 DER by OpenSSL, then our own bounds. The DER must be the one encoding of its key.
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/key_material.hpp"

namespace starling::crypto::rsa {
namespace {

constexpr int kMaxExponentBits = 31;  // go-libp2p's bound; larger ones only cost the verifier time

using DerWriter = int (*)(const EVP_PKEY*, unsigned char**);

ByteVector to_der(const EVP_PKEY* key, DerWriter write) {
  const int size = write(key, nullptr);
  if (size <= 0) return {};
  ByteVector der(static_cast<std::size_t>(size));
  std::uint8_t* at = der.data();
  if (write(key, &at) != size) der.clear();
  return der;
}

BigNumber parameter(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(key, name, &value);
  return BigNumber(value);
}

Status check_bounds(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return bad_key(Op::Decode, "not an RSA key");
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < int(kMinRsaBits) || bits > int(kMaxRsaBits))
    return bad_key(Op::Decode, "RSA key of " + std::to_string(bits) + " bits, permitted are 2048 to 8192");
  const BigNumber modulus = parameter(key, OSSL_PKEY_PARAM_RSA_N);
  const BigNumber exponent = parameter(key, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !BN_is_odd(modulus.get())) return bad_key(Op::Decode, "RSA modulus is even");
  if (!exponent || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
      BN_num_bits(exponent.get()) > kMaxExponentBits)
    return bad_key(Op::Decode, "RSA exponent is even, one, or above 31 bits");
  return {};
}

Status check_consistent(EVP_PKEY* key) {
  const EvpKeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  if (!context || EVP_PKEY_check(context.get()) != 1) return bad_key(Op::Decode, "the parts of the RSA key contradict");
  ERR_clear_error();
  return {};
}

Result<PrivateMaterial> material_of(EvpKey key) {
  SecretBytes der(to_der(key.get(), &i2d_PrivateKey));
  ByteVector public_der = to_der(key.get(), &i2d_PUBKEY);
  if (der.empty() || public_der.empty())
    return openssl_failure(ErrorCode::Internal, Op::Encode, Origin::Bug, "OpenSSL, RSA key encoding");
  return PrivateMaterial{std::move(der), std::move(key), std::move(public_der)};
}

}  // namespace

Result<PublicMaterial> read_public(Bytes pkix) {
  if (pkix.size() > kMaxPublicDer) return fail(ErrorCode::TooLarge, Op::Decode, Origin::Remote, "RSA public key");
  const std::uint8_t* at = pkix.data();
  EvpKey key(d2i_PUBKEY(nullptr, &at, long(pkix.size())));
  if (!key) return bad_key(Op::Decode, "not the PKIX DER of a public key");
  STARLING_CHECK(check_bounds(key.get()));
  if (!equal(to_der(key.get(), &i2d_PUBKEY), pkix)) return bad_key(Op::Decode, "the RSA key is not in canonical DER");
  return PublicMaterial{to_vector(pkix), std::move(key)};
}

Result<PrivateMaterial> read_private(Bytes pkcs1) {
  if (pkcs1.size() > kMaxPrivateDer) return fail(ErrorCode::TooLarge, Op::Decode, Origin::Remote, "RSA private key");
  const std::uint8_t* at = pkcs1.data();
  EvpKey key(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, long(pkcs1.size())));
  if (!key) return bad_key(Op::Decode, "not the PKCS#1 DER of an RSA private key");
  STARLING_CHECK(check_bounds(key.get()));
  STARLING_CHECK(check_consistent(key.get()));
  STARLING_TRY(PrivateMaterial material, material_of(std::move(key)));
  if (!equal(material.data.view(), pkcs1)) return bad_key(Op::Decode, "the RSA key is not in canonical PKCS#1 DER");
  return material;
}

Result<PrivateMaterial> generate(unsigned bits) {
  if (bits < kMinRsaBits || bits > kMaxRsaBits)
    return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                "RSA key of " + std::to_string(bits) + " bits, permitted are 2048 to 8192");
  EvpKey key(EVP_RSA_gen(bits));
  if (!key) return openssl_failure(ErrorCode::RandomFailed, Op::Configure, Origin::Local, "RSA key generation");
  return material_of(std::move(key));
}

}  // namespace starling::crypto::rsa
