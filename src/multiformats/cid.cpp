#include "starling/multiformats/cid.hpp"

#include "starling/multiformats/varint.hpp"

namespace starling {
namespace {

constexpr std::uint64_t kVersion1 = 1;
constexpr std::uint8_t kV0Header[] = {0x12, 0x20};  // sha2-256, 32 bytes
constexpr std::size_t kV0Size = 34;                 // bytes
constexpr std::size_t kV0TextSize = 46;             // characters

bool begins_like_v0(Bytes bytes) { return bytes.size() >= 2 && bytes[0] == kV0Header[0] && bytes[1] == kV0Header[1]; }

std::unexpected<Error> bad_argument(std::string detail) {
  return fail(ErrorCode::InvalidArgument, Op::Encode, Origin::Local, std::move(detail));
}
std::unexpected<Error> bad_cid(ErrorCode code, std::string detail) {
  return fail(code, Op::Decode, Origin::Remote, std::move(detail));
}

}  // namespace

Result<Cid> Cid::v0(const Multihash& hash) {
  if (hash.bytes().size() != kV0Size || !begins_like_v0(hash.bytes()))
    return bad_argument("a CID of version 0 takes sha2-256 with 32 bytes only");
  Cid cid;
  cid.bytes_ = to_vector(hash.bytes());
  return cid;
}

Result<Cid> Cid::v1(Multicodec codec, const Multihash& hash) {
  if (hash.empty()) return bad_argument("a CID without a multihash");
  if (std::uint64_t(codec) > kMaxVarint) return bad_argument("a codec over 63 bits");
  Cid cid;
  cid.bytes_.reserve(1 + varint_size(std::uint64_t(codec)) + hash.bytes().size());
  append_varint(cid.bytes_, kVersion1);
  append_varint(cid.bytes_, std::uint64_t(codec));
  cid.codec_ = codec;
  cid.hash_begin_ = std::uint8_t(cid.bytes_.size());
  append(cid.bytes_, hash.bytes());
  return cid;
}

Result<Cid> Cid::read_prefix(Bytes bytes) {
  if (begins_like_v0(bytes)) {
    STARLING_TRY(const Multihash hash, Multihash::read_prefix(bytes));
    return v0(hash);
  }
  STARLING_TRY(const VarintValue version, read_varint(bytes));
  if (version.value != kVersion1)
    return bad_cid(ErrorCode::UnknownCode, "CID version " + std::to_string(version.value));
  STARLING_TRY(const VarintValue codec, read_varint(bytes.subspan(version.size)));
  STARLING_TRY(const Multihash hash, Multihash::read_prefix(bytes.subspan(version.size + codec.size)));
  return v1(Multicodec(codec.value), hash);
}

Result<Cid> Cid::from_bytes(Bytes bytes) {
  STARLING_TRY(Cid cid, read_prefix(bytes));
  if (cid.bytes_.size() != bytes.size()) return bad_cid(ErrorCode::TrailingData, "after a CID");
  return cid;
}

Result<Cid> Cid::from_string(std::string_view text) {
  if (text.size() > kMaxTextSize) return fail(ErrorCode::TooLarge, Op::Parse, Origin::Limit, "the text of a CID");
  if (text.size() == kV0TextSize && text.starts_with("Qm")) {
    STARLING_TRY(const ByteVector bytes, base58btc_decode(text));
    return from_bytes(bytes);
  }
  STARLING_TRY(const ByteVector bytes, multibase_decode(text));
  // Version 0 has no multibase form, lest one content have two texts of it.
  if (!bytes.empty() && bytes[0] == kV0Header[0])
    return fail(ErrorCode::Malformed, Op::Parse, Origin::Local, "a CID of version 0 in a multibase");
  return from_bytes(bytes);
}

Multihash Cid::multihash() const {
  if (empty()) return {};
  return *Multihash::from_bytes(Bytes(bytes_).subspan(hash_begin_));
}

std::string Cid::to_string() const {
  if (empty()) return {};
  return version() == 0 ? base58btc_encode(bytes_) : multibase_encode(Multibase::Base32, bytes_);
}

Result<std::string> Cid::to_string(Multibase base) const {
  if (empty()) return std::string();
  if (version() == 1) return multibase_encode(base, bytes_);
  if (base != Multibase::Base58Btc) return bad_argument("a CID of version 0 is written in base58btc only");
  return base58btc_encode(bytes_);
}

Cid Cid::to_v1() const {
  if (empty() || version() == 1) return *this;
  return *v1(codec_, multihash());
}

Result<Cid> Cid::to_v0() const {
  if (empty() || version() == 0) return *this;
  if (codec_ != Multicodec::DagPb) return bad_argument("a CID of version 0 is DAG-PB only");
  return v0(multihash());
}

}  // namespace starling
