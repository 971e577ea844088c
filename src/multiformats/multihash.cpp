#include "starling/multiformats/multihash.hpp"

#include "starling/multiformats/varint.hpp"

namespace starling {
namespace {

std::unexpected<Error> bad_hash(ErrorCode code, std::string detail) {
  return fail(code, Op::Decode, Origin::Remote, std::move(detail));
}

}  // namespace

Result<Multihash> Multihash::make(Multicodec function, Bytes digest) {
  if (std::uint64_t(function) > kMaxVarint)
    return fail(ErrorCode::TooLarge, Op::Encode, Origin::Local, "a multihash code over 63 bits");
  if (digest.size() > kMaxDigestSize)
    return fail(ErrorCode::TooLarge, Op::Encode, Origin::Local,
                "a digest of " + std::to_string(digest.size()) + " bytes, at most " + std::to_string(kMaxDigestSize));
  Multihash hash;
  hash.bytes_.reserve(varint_size(std::uint64_t(function)) + 2 + digest.size());
  append_varint(hash.bytes_, std::uint64_t(function));
  append_varint(hash.bytes_, digest.size());
  hash.function_ = function;
  hash.header_size_ = std::uint8_t(hash.bytes_.size());
  append(hash.bytes_, digest);
  return hash;
}

Result<Multihash> Multihash::read_prefix(Bytes bytes) {
  STARLING_TRY(const VarintValue code, read_varint(bytes));
  STARLING_TRY(const VarintValue size, read_varint(bytes.subspan(code.size)));
  if (size.value > kMaxDigestSize)
    return bad_hash(ErrorCode::TooLarge, "a digest of " + std::to_string(size.value) + " bytes");
  const std::size_t header_size = code.size + size.size;
  if (bytes.size() - header_size < size.value) return bad_hash(ErrorCode::Truncated, "multihash digest");
  Multihash hash;
  hash.bytes_ = to_vector(bytes.first(header_size + std::size_t(size.value)));
  hash.function_ = Multicodec(code.value);
  hash.header_size_ = std::uint8_t(header_size);
  return hash;
}

Result<Multihash> Multihash::from_bytes(Bytes bytes) {
  STARLING_TRY(Multihash hash, read_prefix(bytes));
  if (hash.bytes_.size() != bytes.size()) return bad_hash(ErrorCode::TrailingData, "after a multihash");
  return hash;
}

std::string Multihash::to_string() const {
  if (empty()) return {};
  std::string text(starling::to_string(function_));
  if (text.empty()) {
    std::uint8_t code[8];
    put_u64_be(code, std::uint64_t(function_));
    const std::string digits = to_hex(code);
    text = "0x" + digits.substr(digits.find_first_not_of('0'));
  }
  return text + ':' + to_hex(digest());
}

}  // namespace starling
