#include "security/noise_payload.hpp"

#include <string_view>

#include "security/muxer_choice.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::security {
namespace {

constexpr std::uint32_t kIdentityKeyField = 1, kIdentitySigField = 2, kExtensionsField = 4;
constexpr std::uint32_t kCertHashesField = 1, kStreamMuxersField = 2;
constexpr std::string_view kSignaturePrefix = "noise-libp2p-static-key:";

Status parse_extensions(Bytes message, NoiseExtensions& extensions) {
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kCertHashesField:
        extensions.webtransport_certhashes.push_back(to_vector(reader.bytes()));
        break;
      case kStreamMuxersField:
        extensions.stream_muxers.emplace_back(reader.text());
        break;
    }
    if (extensions.webtransport_certhashes.size() > kMaxCertHashes)
      reader.reject(ErrorCode::TooLarge, "too many certificate hashes");
    if (extensions.stream_muxers.size() > kMaxRemoteMuxers + 1) extensions.stream_muxers.pop_back();
  }
  return reader.finish("Noise extensions");
}

}  // namespace

Result<NoisePayload> parse_noise_payload(Bytes message) {
  NoisePayload payload;
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kIdentityKeyField:
        payload.identity_key = to_vector(reader.bytes());
        break;
      case kIdentitySigField:
        payload.identity_sig = to_vector(reader.bytes());
        break;
      case kExtensionsField:
        STARLING_CHECK(parse_extensions(reader.bytes(), payload.extensions));
        break;
    }
  }
  STARLING_CHECK(reader.finish("Noise handshake payload"));
  if (payload.extensions.stream_muxers.size() > kMaxRemoteMuxers) payload.extensions.stream_muxers.clear();
  return payload;
}

ByteVector encode_noise_payload(const NoisePayload& payload) {
  ByteVector message;
  wire::MessageWriter writer(message);
  writer.bytes(kIdentityKeyField, payload.identity_key);
  writer.bytes(kIdentitySigField, payload.identity_sig);
  const NoiseExtensions& extensions = payload.extensions;
  if (extensions.webtransport_certhashes.empty() && extensions.stream_muxers.empty()) return message;
  writer.message(kExtensionsField, [&](wire::MessageWriter& inner) {
    for (const ByteVector& hash : extensions.webtransport_certhashes) inner.bytes(kCertHashesField, hash);
    for (const std::string& muxer : extensions.stream_muxers) inner.text(kStreamMuxersField, muxer);
  });
  return message;
}

ByteVector signed_static_key(Bytes static_public_key) {
  ByteVector message = to_vector(as_bytes(kSignaturePrefix));
  append(message, static_public_key);
  return message;
}

}  // namespace starling::security
