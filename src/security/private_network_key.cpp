// Key files of private networks.
// spec: pnet/Private-Networks-PSK-V1.md, Key file
#include <openssl/evp.h>

#include <algorithm>

#include "crypto/sodium.hpp"
#include "security/openssl_handles.hpp"
#include "starling/peer/secret_file.hpp"
#include "starling/security/private_network.hpp"

namespace starling::security {
namespace {

constexpr std::string_view kHeader = "/key/swarm/psk/1.0.0/";
constexpr std::string_view kBase16 = "/base16/", kBase64 = "/base64/", kBinary = "/bin/";
constexpr std::size_t kMaxFileBytes = 1024;
constexpr std::size_t kFingerprintSize = 16;  // bytes

std::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::FileMalformed, Op::Parse, Origin::Local, "private network key: " + std::move(what));
}

/// The next line, without its end, and the rest behind it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

bool decode(std::string_view text, bool base64, MutableBytes key) {
  std::size_t size = 0;
  const char* end = nullptr;
  const int result = base64 ? sodium_base642bin(key.data(), key.size(), text.data(), text.size(), nullptr, &size, &end,
                                                sodium_base64_VARIANT_ORIGINAL)
                            : sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), nullptr, &size, &end);
  return result == 0 && size == key.size() && end == text.data() + text.size();
}

}  // namespace

PrivateNetworkKey::~PrivateNetworkKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

PrivateNetworkKey PrivateNetworkKey::generate(Random& random) {
  PrivateNetworkKey key;
  random.fill(key.bytes_);
  return key;
}

Result<PrivateNetworkKey> PrivateNetworkKey::parse(Bytes file) {
  crypto::ensure_sodium();
  std::string_view text = as_text(file);
  if (take_line(text) != kHeader) return malformed("the first line must be " + std::string(kHeader));
  const std::string_view coding = take_line(text);
  PrivateNetworkKey key;
  if (coding == kBinary) {
    if (text.size() != kSize) return malformed(std::to_string(text.size()) + " bytes instead of 32");
    std::copy(text.begin(), text.end(), key.bytes_.begin());
    return key;
  }
  if (coding != kBase16 && coding != kBase64) return malformed("the second line must be /base16/, /base64/ or /bin/");
  const std::string_view line = take_line(text);
  if (text.find_first_not_of(" \r\n") != std::string_view::npos) return malformed("more text follows the key");
  if (!decode(line, coding == kBase64, key.bytes_))
    return malformed("the third line must be 32 bytes in " + std::string(coding.substr(1, coding.size() - 2)));
  return key;
}

crypto::SecretBytes PrivateNetworkKey::to_file() const {
  std::array<char, 2 * kSize + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), bytes_.data(), bytes_.size());
  ByteVector file;
  file.reserve(kMaxFileBytes);  // so that no growing leaves copies behind
  for (const std::string_view line : {kHeader, kBase16, std::string_view(hex.data(), 2 * kSize)}) {
    append(file, as_bytes(line));
    file.push_back('\n');
  }
  sodium_memzero(hex.data(), hex.size());
  return crypto::SecretBytes(std::move(file));
}

// 64 bytes of Salsa20 under a fixed nonce, hashed with SHAKE-128.
std::string PrivateNetworkKey::fingerprint() const {
  crypto::ensure_sodium();
  std::array<std::uint8_t, 64> stream;
  constexpr std::string_view kNonce = "finprint";
  static_assert(kNonce.size() == crypto_stream_salsa20_NONCEBYTES);
  crypto_stream_salsa20(stream.data(), stream.size(), as_bytes(kNonce).data(), bytes_.data());
  std::array<std::uint8_t, kFingerprintSize> digest{};
  const std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>> hash(EVP_MD_CTX_new());
  const bool done = hash && EVP_DigestInit_ex(hash.get(), EVP_shake128(), nullptr) == 1 &&
                    EVP_DigestUpdate(hash.get(), stream.data(), stream.size()) == 1 &&
                    EVP_DigestFinalXOF(hash.get(), digest.data(), digest.size()) == 1;
  STARLING_ASSERT(done, "OpenSSL has SHAKE-128");
  return to_hex(digest);
}

Result<PrivateNetworkKey> load_private_network_key(const std::filesystem::path& file) {
  STARLING_TRY(const crypto::SecretBytes content, load_secret_file(file, kMaxFileBytes));
  auto key = PrivateNetworkKey::parse(content.view());
  if (key) return key;
  return fail(std::move(key.error()).while_doing(Op::ReadFile, file.string()));
}

Status save_private_network_key(const std::filesystem::path& file, const PrivateNetworkKey& key) {
  return save_secret_file(file, key.to_file().view());
}

}  // namespace starling::security
