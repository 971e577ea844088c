#include "starling/peer/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

namespace starling {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPermissions = 0777, kOthersPermissions = 0077, kOwnerOnly = 0600;

std::string reason(int error) { return std::system_category().message(error); }

std::unexpected<Error> unreadable(const fs::path& path, std::string why) {
  return fail(ErrorCode::FileUnreadable, Op::ReadFile, Origin::Local, path.string() + ": " + std::move(why));
}
std::unexpected<Error> unwritable(const fs::path& path, std::string why) {
  return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, path.string() + ": " + std::move(why));
}
std::unexpected<Error> wrong_content(const fs::path& path, std::string why) {
  return fail(ErrorCode::FileMalformed, Op::ReadFile, Origin::Local, path.string() + ": " + std::move(why));
}

/// A file descriptor, closed when it dies.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// A temporary file beside its target, removed when it dies. After it was renamed there is nothing left to remove.
class TemporaryFile {
 public:
  /// Made with O_EXCL and mode 0600.
  static Result<TemporaryFile> beside(const fs::path& target) {
    std::string name = (target.parent_path() / ("." + target.filename().string() + ".XXXXXX")).string();
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) return unwritable(target, "cannot make a file beside it: " + reason(errno));
    return TemporaryFile(std::move(name), descriptor);
  }
  TemporaryFile(TemporaryFile&& other) noexcept
      : name_(std::exchange(other.name_, {})), file_(std::move(other.file_)) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  const char* name() const { return name_.c_str(); }
  int descriptor() const { return file_.get(); }

 private:
  TemporaryFile(std::string name, int descriptor) : name_(std::move(name)), file_(descriptor) {}

  std::string name_;
  File file_;
};

Status write_all(int descriptor, Bytes bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return unwritable(path, reason(errno));
    bytes = bytes.subspan(std::size_t(written));
  }
  if (::fsync(descriptor) != 0) return unwritable(path, "fsync: " + reason(errno));
  return {};
}

// Not every file system can rename without replacing; a hard link then does the same.
int rename_new(const char* from, const char* to) {
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  return errno == EINVAL || errno == ENOSYS ? ::link(from, to) : -1;
}

Status put_in_place(const TemporaryFile& file, const fs::path& path, bool replace) {
  const int result = replace ? std::rename(file.name(), path.c_str()) : rename_new(file.name(), path.c_str());
  if (result == 0) return {};
  if (errno == EEXIST) return fail(ErrorCode::AlreadyExists, Op::WriteFile, Origin::Local, path.string());
  return unwritable(path, reason(errno));
}

// A rename is on the disk once its folder is.
Status sync_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const File opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return unwritable(folder, "fsync: " + reason(errno));
  return {};
}

std::string octal(mode_t mode) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%04o", unsigned(mode & kPermissions));
  return text.data();
}

Status check_kind(const struct stat& info, const fs::path& path, std::size_t max_bytes) {
  if (!S_ISREG(info.st_mode)) return wrong_content(path, "not a regular file");
  if ((info.st_mode & kOthersPermissions) != 0)
    return fail(ErrorCode::FileExposed, Op::ReadFile, Origin::Local,
                path.string() + ": mode " + octal(info.st_mode) + " lets others at the secret in it; chmod 600 " +
                    path.string());
  if (info.st_size == 0) return wrong_content(path, "empty");
  if (std::uint64_t(info.st_size) > max_bytes)
    return wrong_content(path, std::to_string(info.st_size) + " bytes are too many for a key");
  return {};
}

Result<crypto::SecretBytes> read_all(int descriptor, std::size_t size, const fs::path& path) {
  crypto::SecretBytes content(size);
  for (MutableBytes room = content.mutable_view(); !room.empty();) {
    const ssize_t got = ::read(descriptor, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, reason(errno));
    if (got == 0) return wrong_content(path, "became shorter while it was read");
    room = room.subspan(std::size_t(got));
  }
  return content;
}

}  // namespace

Result<crypto::SecretBytes> load_secret_file(const fs::path& path, std::size_t max_bytes) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe must not block us
  struct stat info{};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return unreadable(path, reason(errno));
  STARLING_CHECK(check_kind(info, path, max_bytes));
  return read_all(file.get(), std::size_t(info.st_size), path);
}

Status save_secret_file(const fs::path& path, Bytes content, SaveKeyOptions options) {
  STARLING_TRY(const TemporaryFile file, TemporaryFile::beside(path));
  if (::fchmod(file.descriptor(), kOwnerOnly) != 0) return unwritable(path, reason(errno));
  STARLING_CHECK(write_all(file.descriptor(), content, path));
  STARLING_CHECK(put_in_place(file, path, options.replace));
  return sync_folder(path);
}

}  // namespace starling
