// The libp2p certificate extension and whole certificates. What parses as an extension must encode to itself.
#include "security/tls_certificate.hpp"
#include "security/tls_extension.hpp"
#include "starling/base/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  constexpr std::int64_t kNow = 1'800'000'000;
  const Bytes input(data, size);
  if (const auto parsed = security::parse_signed_key(input))
    STARLING_ASSERT(equal(security::encode_signed_key(*parsed), input), "strict DER has one form");
  security::VerifiedCertificates verified;
  if (const auto good = security::verify_libp2p_certificate(input, kNow, verified)) {
    STARLING_ASSERT(crypto::PublicKey::from_protobuf((*good)->host_key.to_protobuf()).has_value(),
                    "a proven key is a key");
    const auto again = security::verify_libp2p_certificate(input, kNow, verified);
    STARLING_ASSERT(again && (*again)->host_key == (*good)->host_key, "what is remembered proves the same");
  }
  return 0;
}
