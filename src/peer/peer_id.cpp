#include "starling/peer/peer_id.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/crypto/hash.hpp"
#include "starling/multiformats/multibase.hpp"
#include "starling/multiformats/varint.hpp"

namespace starling {
namespace {

// spec: multiformats/multicodec, table.csv
constexpr std::uint8_t kIdentityCode = 0x00, kSha256Code = 0x12, kCidVersion1 = 0x01, kLibp2pKeyCode = 0x72;
constexpr std::size_t kMultihashHeader = 2;
constexpr std::size_t kMaxText = 512;  // characters; the longest spelling, base2, takes 369

std::unexpected<Error> malformed(std::string detail) {
  return fail(ErrorCode::Malformed, Op::Parse, Origin::Remote, "peer id: " + std::move(detail));
}

// Reads a varint from the front of `bytes` and drops it there.
Result<std::uint64_t> take_varint(Bytes& bytes) {
  STARLING_TRY(const VarintValue read, read_varint(bytes));
  bytes = bytes.subspan(read.size);
  return read.value;
}

Status check_digest(std::uint64_t code, std::uint64_t length) {
  if (code == kIdentityCode) {
    if (length <= PeerId::kMaxInlineKey) return {};
    return fail(ErrorCode::TooLarge, Op::Parse, Origin::Remote, "peer id: an inline key has at most 42 bytes");
  }
  if (code != kSha256Code)
    return fail(ErrorCode::UnknownCode, Op::Parse, Origin::Remote,
                "peer id: hash function " + std::to_string(code) + ", permitted are identity and sha2-256");
  return length == crypto::kSha256Size ? Status{} : malformed("a sha2-256 digest has 32 bytes");
}

Result<PeerId> from_cid(Bytes cid) {
  STARLING_TRY(const std::uint64_t version, take_varint(cid));
  if (version != kCidVersion1) return malformed("CID of version " + std::to_string(version) + ", not 1");
  STARLING_TRY(const std::uint64_t codec, take_varint(cid));
  if (codec != kLibp2pKeyCode) return malformed("CID of codec " + std::to_string(codec) + ", not libp2p-key");
  return PeerId::from_bytes(cid);
}

}  // namespace

PeerId PeerId::from_public_key(const crypto::PublicKey& key) {
  const ByteVector message = key.to_protobuf();
  const bool is_inline = message.size() <= kMaxInlineKey;
  const std::size_t digest_size = is_inline ? message.size() : crypto::kSha256Size;
  PeerId id;
  id.size_ = std::uint8_t(kMultihashHeader + digest_size);
  id.bytes_[0] = is_inline ? kIdentityCode : kSha256Code;
  id.bytes_[1] = std::uint8_t(digest_size);
  const auto digest = id.bytes_.begin() + kMultihashHeader;
  if (is_inline)
    std::ranges::copy(message, digest);
  else
    std::ranges::copy(crypto::sha256(message), digest);
  return id;
}

Result<PeerId> PeerId::from_bytes(Bytes multihash) {
  Bytes rest = multihash;
  STARLING_TRY(const std::uint64_t code, take_varint(rest));
  STARLING_TRY(const std::uint64_t length, take_varint(rest));
  STARLING_CHECK(check_digest(code, length));
  if (rest.size() < length) return fail(ErrorCode::Truncated, Op::Parse, Origin::Remote, "peer id");
  if (rest.size() > length) return fail(ErrorCode::TrailingData, Op::Parse, Origin::Remote, "peer id");
  STARLING_ASSERT(multihash.size() <= kMaxSize, "both digests fit");
  PeerId id;
  id.size_ = std::uint8_t(multihash.size());
  std::ranges::copy(multihash, id.bytes_.begin());
  return id;
}

// spec: peer-ids/peer-ids.md, Decoding: the bare form is told by its first characters, all else is a CID.
Result<PeerId> PeerId::from_string(std::string_view text) {
  if (text.size() > kMaxText) return fail(ErrorCode::TooLarge, Op::Parse, Origin::Remote, "peer id as text");
  if (text.starts_with("1") || text.starts_with("Qm")) {
    STARLING_TRY(const ByteVector multihash, base58btc_decode(text));
    return from_bytes(multihash);
  }
  STARLING_TRY(const ByteVector cid, multibase_decode(text));
  return from_cid(cid);
}

std::string PeerId::to_string() const { return base58btc_encode(bytes()); }

std::string PeerId::to_cid_string() const {
  ByteVector cid{kCidVersion1, kLibp2pKeyCode};
  append(cid, bytes());
  return multibase_encode(Multibase::Base32, cid);
}

std::optional<crypto::PublicKey> PeerId::public_key() const {
  if (empty() || bytes_[0] != kIdentityCode) return std::nullopt;
  Result<crypto::PublicKey> key = crypto::PublicKey::from_protobuf(bytes().subspan(kMultihashHeader));
  if (!key) return std::nullopt;
  return *std::move(key);
}

bool PeerId::matches(const crypto::PublicKey& key) const { return *this == from_public_key(key); }

}  // namespace starling
