#include "starling/peer/key_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "crypto/key_vectors.hpp"

namespace starling {
namespace {

namespace fs = std::filesystem;
using crypto::KeyType;
using crypto::PrivateKey;
using testing::HasSubstr;

class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest() {
    std::string name = (fs::temp_directory_path() / "starling-key-file-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "identity.key";
  }
  ~KeyFileTest() override {
    std::error_code ignored;
    fs::permissions(folder_, fs::perms::owner_all, ignored);
    fs::remove_all(folder_, ignored);
  }
  static PrivateKey key_of(std::uint64_t seed, KeyType type = KeyType::Ed25519) {
    return PrivateKey::generate(type, *seeded_random(seed)).value();
  }
  void write(Bytes content, mode_t mode = 0600) {
    std::ofstream(path_, std::ios::binary) << as_text(content);
    ::chmod(path_.c_str(), mode);
  }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const { return std::size_t(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_, path_;
};

TEST_F(KeyFileTest, every_type_comes_back) {
  for (const KeyType type : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa, KeyType::Rsa}) {
    const PrivateKey key = key_of(1, type);
    ASSERT_TRUE(save_key_file(path_, key, {.replace = true}));
    EXPECT_EQ(load_key_file(path_).value().to_protobuf(), key.to_protobuf());
    EXPECT_EQ(files(), 1u) << "no temporary file is left";
  }
}

TEST_F(KeyFileTest, file_is_the_message_and_for_the_owner_only) {
  const mode_t old = ::umask(0);
  const Status saved = save_key_file(path_, key_of(1));
  ::umask(old);
  ASSERT_TRUE(saved);
  EXPECT_EQ(content(), as_text(key_of(1).to_protobuf()));
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(KeyFileTest, files_of_others_are_read) {
  for (const auto& vector : crypto::vectors::kSpecKeys) {
    write(from_hex(vector.private_message).value());
    EXPECT_EQ(to_hex(load_key_file(path_).value().public_key().to_protobuf()), vector.public_message);
  }
}

TEST_F(KeyFileTest, existing_file_is_kept_unless_told_otherwise) {
  ASSERT_TRUE(save_key_file(path_, key_of(1)));
  EXPECT_EQ(save_key_file(path_, key_of(2)).error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(load_key_file(path_)->public_key(), key_of(1).public_key());
  EXPECT_TRUE(save_key_file(path_, key_of(2), {.replace = true}));
  EXPECT_EQ(load_key_file(path_)->public_key(), key_of(2).public_key());
  EXPECT_EQ(files(), 1u);
}

TEST_F(KeyFileTest, file_that_others_can_read_is_refused_with_advice) {
  for (const mode_t mode : {0640, 0604, 0644, 0660, 0610, 0777}) {
    write(key_of(1).to_protobuf(), mode);
    const auto loaded = load_key_file(path_);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code(), ErrorCode::FileExposed);
    EXPECT_THAT(loaded.error().message(), HasSubstr("chmod 600 " + path_.string()));
  }
  EXPECT_THAT(load_key_file(path_).error().message(), HasSubstr("mode 0777"));
  for (const mode_t mode : {0600, 0400, 0700}) {
    write({});
    ::chmod(path_.c_str(), 0600);
    write(key_of(1).to_protobuf(), mode);
    EXPECT_TRUE(load_key_file(path_)) << mode;
    ::chmod(path_.c_str(), 0600);
  }
}

TEST_F(KeyFileTest, unreadable_files_say_why) {
  const auto missing = load_key_file(path_);
  EXPECT_EQ(missing.error().code(), ErrorCode::FileUnreadable);
  EXPECT_THAT(missing.error().message(), HasSubstr(path_.string() + ": No such file or directory"));
  EXPECT_EQ(load_key_file(folder_).error().code(), ErrorCode::FileMalformed) << "a folder";
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(load_key_file(path_).error().code(), ErrorCode::FileMalformed) << "a pipe does not block";
  EXPECT_THAT(load_key_file(path_).error().message(), HasSubstr("not a regular file"));
}

TEST_F(KeyFileTest, wrong_content_is_named_with_its_cause) {
  write({});
  EXPECT_EQ(load_key_file(path_).error().code(), ErrorCode::FileMalformed);
  write(as_bytes("-----BEGIN PRIVATE KEY-----"));
  EXPECT_EQ(load_key_file(path_).error().code(), ErrorCode::FileMalformed);
  ByteVector key = key_of(1).to_protobuf();
  key.back() ^= 1;
  write(key);
  const auto loaded = load_key_file(path_);
  EXPECT_EQ(loaded.error().code(), ErrorCode::FileMalformed);
  ASSERT_NE(loaded.error().cause(), nullptr);
  EXPECT_EQ(loaded.error().cause()->code(), ErrorCode::BadKey);
  write(ByteVector(8193));
  EXPECT_THAT(load_key_file(path_).error().message(), HasSubstr("8193 bytes"));
}

TEST_F(KeyFileTest, unwritable_places_say_why) {
  const auto saved = save_key_file(folder_ / "missing" / "identity.key", key_of(1));
  EXPECT_EQ(saved.error().code(), ErrorCode::FileUnwritable);
  EXPECT_THAT(saved.error().message(), HasSubstr("No such file or directory"));
  ASSERT_TRUE(fs::create_directory(path_));
  EXPECT_FALSE(save_key_file(path_, key_of(1), {.replace = true})) << "a folder of that name";
  EXPECT_EQ(files(), 1u);
}

TEST_F(KeyFileTest, name_without_folder_is_in_the_current_one) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const Status saved = save_key_file("identity.key", key_of(1));
  fs::current_path(before);
  EXPECT_TRUE(saved);
  EXPECT_TRUE(load_key_file(path_));
}

TEST_F(KeyFileTest, missing_key_is_made_once) {
  const auto random = seeded_random(7);
  const PrivateKey made = load_or_create_key_file(path_, KeyType::Ed25519, *random).value();
  EXPECT_EQ(load_or_create_key_file(path_, KeyType::Secp256k1, *random).value().public_key(), made.public_key());
  EXPECT_EQ(load_key_file(path_).value().public_key(), made.public_key());
}

TEST_F(KeyFileTest, damaged_key_is_not_replaced_by_a_new_one) {
  write(as_bytes("damaged"));
  EXPECT_EQ(load_or_create_key_file(path_, KeyType::Ed25519, system_random()).error().code(), ErrorCode::FileMalformed);
  fs::remove(path_);
  fs::create_symlink(folder_ / "gone", path_);
  EXPECT_EQ(load_or_create_key_file(path_, KeyType::Ed25519, system_random()).error().code(),
            ErrorCode::FileUnreadable);
  EXPECT_EQ(load_or_create_key_file(folder_ / "no" / "key", KeyType::Ed25519, system_random()).error().code(),
            ErrorCode::FileUnwritable);
}

TEST_F(KeyFileTest, symbolic_link_to_a_key_is_followed) {
  ASSERT_TRUE(save_key_file(folder_ / "real.key", key_of(1)));
  fs::create_symlink(folder_ / "real.key", path_);
  EXPECT_EQ(load_key_file(path_)->public_key(), key_of(1).public_key());
}

}  // namespace
}  // namespace starling
