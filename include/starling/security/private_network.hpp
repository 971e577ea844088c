// Private networks: everybody has the same 32-byte key, and every byte on a stream is encrypted with it below anything
// else, so that those without the key cannot even begin to talk. XSalsa20 in each direction under a random nonce that
// comes first; it neither authenticates nor replaces the security handshake that runs inside.
// spec: pnet/Private-Networks-PSK-V1.md. Threading: a key is a value; a channel is its connection's.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "starling/crypto/secret.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

/// The key of a private network. Value; wiped when it goes.
class PrivateNetworkKey {
 public:
  static constexpr std::size_t kSize = 32;  // bytes

  static PrivateNetworkKey generate(Random& random);
  /// The text of a key file: "/key/swarm/psk/1.0.0/", then "/base16/", "/base64/" or "/bin/", then the key, each on a
  /// line. Errors: FileMalformed, telling what is wrong and never what the key is.
  static Result<PrivateNetworkKey> parse(Bytes file);
  PrivateNetworkKey(const PrivateNetworkKey&) = default;
  PrivateNetworkKey& operator=(const PrivateNetworkKey&) = default;
  ~PrivateNetworkKey();

  Bytes view() const { return bytes_; }
  /// The base16 form of the file, which every implementation reads.
  crypto::SecretBytes to_file() const;
  /// 32 hexadecimal digits that tell two keys apart without giving them away; the same as Kubo's.
  std::string fingerprint() const;

 private:
  PrivateNetworkKey() = default;
  std::array<std::uint8_t, kSize> bytes_{};
};

/// Errors: those of load_secret_file() (others must not be able to read it) and of PrivateNetworkKey::parse().
Result<PrivateNetworkKey> load_private_network_key(const std::filesystem::path& file);
/// A file of mode 0600. Errors: AlreadyExists, FileUnwritable.
Status save_private_network_key(const std::filesystem::path& file, const PrivateNetworkKey& key);

/// What protects one stream. Both sides are known to say `first_words` first: if something else comes out, the remote's
/// key differs, open() says PrivateNetworkMismatch at once, and close() then still lets the remote find out the same.
std::unique_ptr<Channel> make_private_network_channel(const PrivateNetworkKey& key, Random& random,
                                                      std::string first_words);

}  // namespace starling::security
