#include "starling/security/digest_memory.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <variant>

namespace starling::security {
namespace {

crypto::Sha256Digest digest_of(std::size_t number) {
  std::uint8_t bytes[4];
  put_u32_be(bytes, std::uint32_t(number));
  return crypto::sha256(bytes);
}

TEST(DigestMemory, what_is_found_is_the_value_of_its_digest) {
  DigestMemory<std::shared_ptr<const int>> memory;
  const auto one = std::make_shared<const int>(1), two = std::make_shared<const int>(2);
  memory.insert(digest_of(1), one);
  memory.insert(digest_of(2), two);
  EXPECT_EQ(memory.find(digest_of(1)), one);
  EXPECT_EQ(memory.find(digest_of(2)), two);
  EXPECT_FALSE(memory.find(digest_of(3)));
}

TEST(DigestMemory, the_oldest_makes_room) {
  using Memory = DigestMemory<std::size_t>;
  Memory memory;
  for (std::size_t i = 0; i < Memory::kCapacity; ++i) memory.insert(digest_of(i), i);
  EXPECT_EQ(memory.find(digest_of(0)), 0u);
  for (const std::size_t next : {Memory::kCapacity, Memory::kCapacity + 1}) {
    memory.insert(digest_of(next), next);
    EXPECT_EQ(memory.size(), Memory::kCapacity);
    EXPECT_EQ(memory.find(digest_of(next)), next);
    EXPECT_FALSE(memory.find(digest_of(next - Memory::kCapacity)));
    EXPECT_TRUE(memory.find(digest_of(next - Memory::kCapacity + 1)));
  }
}

TEST(DigestMemory, nothing_may_be_all_that_is_kept) {
  DigestMemory<std::monostate> memory;
  memory.insert(digest_of(1));
  EXPECT_TRUE(memory.find(digest_of(1)));
  EXPECT_FALSE(memory.find(digest_of(2)));
}

// The sanitizer of threads tells what this test cannot.
TEST(DigestMemory, several_threads_use_one) {
  using Memory = DigestMemory<std::shared_ptr<const std::size_t>>;
  Memory memory;
  const auto use = [&](std::size_t first) {
    for (std::size_t i = first; i < first + Memory::kCapacity; ++i) {
      memory.insert(digest_of(i), std::make_shared<const std::size_t>(i));
      if (const auto found = memory.find(digest_of(i / 2))) EXPECT_EQ(**found, i / 2);
    }
  };
  {
    const std::jthread one(use, 0), other(use, Memory::kCapacity / 2);
  }
  EXPECT_EQ(memory.size(), Memory::kCapacity);
}

}  // namespace
}  // namespace starling::security
