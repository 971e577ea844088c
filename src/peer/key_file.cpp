#include "starling/peer/key_file.hpp"

#include <system_error>

namespace starling {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxKeyFileBytes = 8192;  // the largest RSA key takes about 4.7 KiB

}  // namespace

Result<crypto::PrivateKey> load_key_file(const fs::path& path) {
  STARLING_TRY(const crypto::SecretBytes content, load_secret_file(path, kMaxKeyFileBytes));
  Result<crypto::PrivateKey> key = crypto::PrivateKey::from_protobuf(content.view());
  if (key) return key;
  return fail(Error(ErrorCode::FileMalformed, Op::ReadFile, Origin::Local, path.string()).caused_by(key.error()));
}

Status save_key_file(const fs::path& path, const crypto::PrivateKey& key, SaveKeyOptions options) {
  const crypto::SecretBytes message(key.to_protobuf());
  return save_secret_file(path, message.view(), options);
}

Result<crypto::PrivateKey> load_or_create_key_file(const fs::path& path, crypto::KeyType type, Random& random) {
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() != fs::file_type::not_found) return load_key_file(path);
  STARLING_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate(type, random));
  const Status saved = save_key_file(path, key);
  if (!saved && saved.error() == ErrorCode::AlreadyExists) return load_key_file(path);  // another process was faster
  if (!saved) return fail(saved.error());
  return key;
}

}  // namespace starling
