// ECDSA on P-256 and secp256k1. The DER of P-256 keys has one fixed form per field, so it is compared, not parsed.
#include <algorithm>
#include <array>

#include "crypto/key_material.hpp"
#include "starling/base/assert.hpp"

namespace starling::crypto {
namespace {

constexpr std::size_t kScalarSize = 32, kCompressedSize = 33, kUncompressedSize = 65;

struct Curve {
  int nid;
  const char* name;  // as messages and OpenSSL know it
  point_conversion_form_t form;
  std::size_t point_size;
};
constexpr Curve kP256{NID_X9_62_prime256v1, "prime256v1", POINT_CONVERSION_UNCOMPRESSED, kUncompressedSize};
constexpr Curve kSecp256k1{NID_secp256k1, "secp256k1", POINT_CONVERSION_COMPRESSED, kCompressedSize};

std::unexpected<Error> library_failure(Op op) {
  return openssl_failure(ErrorCode::Internal, op, Origin::Bug, "OpenSSL, elliptic curves");
}

EvpKey make_key(const Curve& curve, Bytes point, const BIGNUM* secret) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || !OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.name, 0) ||
      !OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()))
    return nullptr;
  if (secret != nullptr && !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret)) return nullptr;
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const EvpKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  const int selection = secret != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) <= 0)
    return nullptr;
  return EvpKey(key);
}

// OpenSSL checks that the point lies on the curve; both curves have cofactor 1, so that is all.
Result<EvpKey> public_key_of(const Curve& curve, Bytes point) {
  EvpKey key = make_key(curve, point, nullptr);
  if (!key) return bad_key(Op::Decode, std::string("not a point of ") + curve.name);
  return key;
}

struct KeyPair {
  EvpKey evp;
  ByteVector point;
};

// scalar times the generator, in constant time.
Result<ByteVector> point_of(const Curve& curve, const EC_GROUP* group, const BIGNUM* scalar) {
  const EcPoint point(EC_POINT_new(group));
  const BigNumberContext context(BN_CTX_secure_new());
  ByteVector encoded(curve.point_size);
  if (!point || !context || !EC_POINT_mul(group, point.get(), scalar, nullptr, nullptr, context.get()) ||
      EC_POINT_point2oct(group, point.get(), curve.form, encoded.data(), encoded.size(), context.get()) !=
          encoded.size())
    return library_failure(Op::Decode);
  return encoded;
}

Result<KeyPair> key_pair_of(const Curve& curve, Bytes scalar) {
  const EcGroup group(EC_GROUP_new_by_curve_name(curve.nid));
  const BigNumber secret(BN_secure_new());
  if (!group || !secret || BN_bin2bn(scalar.data(), int(scalar.size()), secret.get()) == nullptr)
    return library_failure(Op::Decode);
  BN_set_flags(secret.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(secret.get()) || BN_cmp(secret.get(), EC_GROUP_get0_order(group.get())) >= 0)
    return bad_key(Op::Decode, std::string("the scalar is zero or not below the order of ") + curve.name);
  STARLING_TRY(ByteVector point, point_of(curve, group.get(), secret.get()));
  EvpKey key = make_key(curve, point, secret.get());
  if (!key) return library_failure(Op::Decode);
  return KeyPair{std::move(key), std::move(point)};
}

// A valid scalar comes with the first draw but for one chance in 2^32 or less.
Result<KeyPair> generate_pair(const Curve& curve, Random& random, MutableBytes scalar) {
  while (true) {
    random.fill(scalar);
    Result<KeyPair> pair = key_pair_of(curve, scalar);
    if (pair || pair.error().code() != ErrorCode::BadKey) return pair;
  }
}

}  // namespace

namespace secp256k1 {

Result<PublicMaterial> read_public(Bytes compressed_point) {
  if (compressed_point.size() != kCompressedSize) return bad_key(Op::Decode, "a secp256k1 public key has 33 bytes");
  STARLING_TRY(EvpKey key, public_key_of(kSecp256k1, compressed_point));
  return PublicMaterial{to_vector(compressed_point), std::move(key)};
}

Result<PrivateMaterial> read_private(Bytes scalar) {
  if (scalar.size() != kScalarSize) return bad_key(Op::Decode, "a secp256k1 private key has 32 bytes");
  STARLING_TRY(KeyPair pair, key_pair_of(kSecp256k1, scalar));
  return PrivateMaterial{SecretBytes(scalar), std::move(pair.evp), std::move(pair.point)};
}

Result<PrivateMaterial> generate(Random& random) {
  SecretBytes scalar(kScalarSize);
  STARLING_TRY(KeyPair pair, generate_pair(kSecp256k1, random, scalar.mutable_view()));
  return PrivateMaterial{std::move(scalar), std::move(pair.evp), std::move(pair.point)};
}

// spec: BIP 62, Low S values in signatures
Result<ByteVector> with_low_s(Bytes der_signature) {
  const std::uint8_t* at = der_signature.data();
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, long(der_signature.size())));
  const EcGroup group(EC_GROUP_new_by_curve_name(kSecp256k1.nid));
  const BigNumber half(BN_new());
  BigNumber s(BN_new());
  if (!signature || !group || !half || !s) return library_failure(Op::Sign);
  const BIGNUM* order = EC_GROUP_get0_order(group.get());
  const BIGNUM* stated = ECDSA_SIG_get0_s(signature.get());
  if (!BN_rshift1(half.get(), order)) return library_failure(Op::Sign);
  if (BN_cmp(stated, half.get()) <= 0) return to_vector(der_signature);
  BigNumber r(BN_dup(ECDSA_SIG_get0_r(signature.get())));
  if (!r || !BN_sub(s.get(), order, stated)) return library_failure(Op::Sign);
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  ByteVector low(std::size_t(std::max(0, i2d_ECDSA_SIG(signature.get(), nullptr))));
  std::uint8_t* out = low.data();
  if (low.empty() || i2d_ECDSA_SIG(signature.get(), &out) != int(low.size())) return library_failure(Op::Sign);
  return low;
}

}  // namespace secp256k1

namespace ecdsa {
namespace {

// SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point. spec: RFC 5480
constexpr auto kPkixHeader =
    std::to_array<std::uint8_t>({0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00});
// ECPrivateKey: version and scalar, then the optional curve and the optional point. spec: RFC 5915
constexpr auto kSec1Version = std::to_array<std::uint8_t>({0x02, 0x01, 0x01, 0x04, 0x20});
constexpr auto kSec1Curve =
    std::to_array<std::uint8_t>({0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07});
constexpr auto kSec1Point = std::to_array<std::uint8_t>({0xa1, 0x44, 0x03, 0x42, 0x00});
constexpr std::uint8_t kSequence = 0x30;
constexpr std::size_t kMaxSec1 = 121;  // with curve and point: what we and go-libp2p write

bool take_prefix(Bytes& from, Bytes prefix) {
  if (from.size() < prefix.size() || !equal(from.first(prefix.size()), prefix)) return false;
  from = from.subspan(prefix.size());
  return true;
}

SecretBytes to_sec1(Bytes scalar, Bytes point) {
  ByteVector der;
  der.reserve(kMaxSec1);  // no reallocation, which would leave the secret behind
  der.push_back(kSequence);
  der.push_back(kMaxSec1 - 2);
  append(der, kSec1Version);
  append(der, scalar);
  append(der, kSec1Curve);
  append(der, kSec1Point);
  append(der, point);
  STARLING_ASSERT(der.size() == kMaxSec1, "a P-256 key in SEC1 has one size");
  return SecretBytes(std::move(der));
}

struct Sec1 {
  Bytes scalar;
  Bytes point;  // empty if the key does not state it
};

// rust-libp2p leaves out the curve, others the point.
Result<Sec1> parse_sec1(Bytes der) {
  const auto refuse = [] { return bad_key(Op::Decode, "not the SEC1 DER of a P-256 private key"); };
  if (der.size() < 2 || der.size() > kMaxSec1 || der[0] != kSequence || der[1] != der.size() - 2) return refuse();
  der = der.subspan(2);
  if (!take_prefix(der, kSec1Version) || der.size() < kScalarSize) return refuse();
  Sec1 key{der.first(kScalarSize), {}};
  der = der.subspan(kScalarSize);
  take_prefix(der, kSec1Curve);
  if (take_prefix(der, kSec1Point)) {
    if (der.size() != kUncompressedSize) return refuse();
    key.point = std::exchange(der, {});
  }
  if (!der.empty()) return refuse();
  return key;
}

ByteVector to_pkix(Bytes point) {
  ByteVector der = to_vector(kPkixHeader);
  append(der, point);
  return der;
}

}  // namespace

Result<PublicMaterial> read_public(Bytes pkix) {
  Bytes point = pkix;
  if (!take_prefix(point, kPkixHeader) || point.size() != kUncompressedSize || point[0] != 0x04)
    return bad_key(Op::Decode, "not the PKIX DER of an uncompressed P-256 point");
  STARLING_TRY(EvpKey key, public_key_of(kP256, point));
  return PublicMaterial{to_vector(pkix), std::move(key)};
}

Result<PrivateMaterial> read_private(Bytes sec1) {
  STARLING_TRY(const Sec1 parsed, parse_sec1(sec1));
  STARLING_TRY(KeyPair pair, key_pair_of(kP256, parsed.scalar));
  if (!parsed.point.empty() && !equal(parsed.point, pair.point))
    return bad_key(Op::Decode, "the public half of the ECDSA key does not belong to its secret half");
  return PrivateMaterial{to_sec1(parsed.scalar, pair.point), std::move(pair.evp), to_pkix(pair.point)};
}

Result<PrivateMaterial> generate(Random& random) {
  SecretBytes scalar(kScalarSize);
  STARLING_TRY(KeyPair pair, generate_pair(kP256, random, scalar.mutable_view()));
  return PrivateMaterial{to_sec1(scalar.view(), pair.point), std::move(pair.evp), to_pkix(pair.point)};
}

}  // namespace ecdsa
}  // namespace starling::crypto
