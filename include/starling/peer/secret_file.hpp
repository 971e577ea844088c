// Files that hold a secret: read only when nobody else can, written whole or not at all. Blocking calls; meant for
// start-up. Thread-safe.
#pragma once

#include <filesystem>

#include "starling/base/error.hpp"
#include "starling/crypto/secret.hpp"

namespace starling {

/// The content, at least one byte and at most `max_bytes`. Symbolic links are followed. Errors: FileUnreadable;
/// FileExposed if group or others have any permission on it (the message tells the mode and the chmod that helps);
/// FileMalformed for what is empty, too large or no regular file.
Result<crypto::SecretBytes> load_secret_file(const std::filesystem::path& path, std::size_t max_bytes);

struct SaveKeyOptions {
  bool replace = false;  // an existing file
};
/// Writes a file of mode 0600 so that after a crash at any moment there is the whole file or none. Errors:
/// AlreadyExists (never without `replace` is a secret lost), FileUnwritable.
Status save_secret_file(const std::filesystem::path& path, Bytes content, SaveKeyOptions options = {});

}  // namespace starling
