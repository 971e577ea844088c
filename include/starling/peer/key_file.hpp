// Identity key files: the PrivateKey message as it is, the form go-libp2p and rust-libp2p keep.
// spec: peer-ids/peer-ids.md, Keys. Blocking file calls; meant for start-up. Thread-safe.
#pragma once

#include <filesystem>

#include "starling/base/error.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/peer/secret_file.hpp"

namespace starling {

/// Errors: FileUnreadable; FileExposed if group or others have any permission on it (the message tells the mode and
/// the chmod that helps); FileMalformed with the cause underneath. Symbolic links are followed.
Result<crypto::PrivateKey> load_key_file(const std::filesystem::path& path);

/// Writes a file of mode 0600 so that after a crash at any moment there is the whole file or none. Errors:
/// AlreadyExists (never without `replace` is an identity lost), FileUnwritable.
Status save_key_file(const std::filesystem::path& path, const crypto::PrivateKey& key, SaveKeyOptions options = {});

/// The key in the file; where there is none, a new one is made, saved and returned.
Result<crypto::PrivateKey> load_or_create_key_file(const std::filesystem::path& path, crypto::KeyType type,
                                                   Random& random);

}  // namespace starling
