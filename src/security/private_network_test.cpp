// Private networks: the cipher against vectors, key files of every form, and one stream with equal and unequal keys.
#include "starling/security/private_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "security/security_test_support.hpp"
#include "security/xsalsa20.hpp"
#include "starling/crypto/hash.hpp"
#include "support/web_certificate.hpp"

namespace starling::security {
namespace {

using namespace testing;
using starling::testing::TemporaryFolder;
using ::testing::HasSubstr;

constexpr std::string_view kWords = "\x13/multistream/1.0.0\n";

ByteVector counting(std::size_t size, std::uint8_t from) {
  ByteVector bytes(size);
  std::iota(bytes.begin(), bytes.end(), from);
  return bytes;
}

PrivateNetworkKey key_of(std::uint64_t seed) { return PrivateNetworkKey::generate(*seeded_random(seed)); }

std::string file_of(std::string_view coding, std::string_view key) {
  return "/key/swarm/psk/1.0.0/\n" + std::string(coding) + "\n" + std::string(key);
}

TEST(Xsalsa20, gives_the_key_stream_of_the_nacl_paper) {
  const auto key = from_hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389").value();
  const auto nonce = from_hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").value();
  ByteVector stream(32);
  Xsalsa20(key, nonce).apply(stream, stream.data());
  EXPECT_EQ(to_hex(stream), "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880");
}

TEST(Xsalsa20, is_the_same_stream_in_whatever_pieces) {
  for (const std::size_t piece : {1u, 7u, 63u, 64u, 65u, 1000u, 100'000u}) {
    Xsalsa20 cipher(counting(32, 0), counting(24, 100));
    ByteVector stream(100'000);
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      const auto part = MutableBytes(stream).subspan(at, std::min(piece, stream.size() - at));
      cipher.apply(part, part.data());
    }
    EXPECT_EQ(to_hex(crypto::sha256(stream)), "96a151e27a2368800ca9fd3cebda30e30c51d254ef0c2db39218426623694107")
        << piece;
  }
}

TEST(PrivateNetworkKey, every_form_of_the_file_gives_the_key) {
  const ByteVector raw = counting(32, 0);
  const std::string hex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
  const std::string base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  for (const std::string& file :
       {file_of("/base16/", hex), file_of("/base16/", hex + "\n"), file_of("/base64/", base64 + "\r\n"),
        file_of("/bin/", as_text(raw)), "/key/swarm/psk/1.0.0/\r\n/base16/ \r\n" + hex + "\r\n"}) {
    const auto key = PrivateNetworkKey::parse(as_bytes(file));
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_TRUE(equal(key->view(), raw));
  }
}

TEST(PrivateNetworkKey, what_is_no_key_file_is_refused_and_told_without_the_secret) {
  const std::string hex(64, 'a');
  const std::pair<std::string, const char*> files[] = {
      {"", "first line"},
      {hex, "first line"},
      {"/key/swarm/psk/2.0.0/\n/base16/\n" + hex, "first line"},
      {"/key/swarm/psk/1.0.0/", "second line"},
      {file_of("/base58/", hex), "second line"},
      {file_of("/base16/", ""), "third line"},
      {file_of("/base16/", hex.substr(2)), "third line"},
      {file_of("/base16/", hex + "aa"), "third line"},
      {file_of("/base16/", hex.substr(1) + "g"), "third line"},
      {file_of("/base64/", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), "third line"},
      {file_of("/base64/", hex), "third line"},
      {file_of("/base16/", hex + "\nmore"), "more text"},
      {file_of("/bin/", std::string(31, 'x')), "31 bytes"},
      {file_of("/bin/", std::string(32, 'x') + "\n"), "33 bytes"},
  };
  for (const auto& [file, why] : files) {
    const auto key = PrivateNetworkKey::parse(as_bytes(file));
    ASSERT_FALSE(key) << file;
    EXPECT_EQ(key.error(), ErrorCode::FileMalformed);
    EXPECT_THAT(key.error().detail(), HasSubstr(why));
    EXPECT_THAT(key.error().message(), Not(HasSubstr("aaaa")));
  }
}

TEST(PrivateNetworkKey, a_saved_key_is_loaded_and_never_replaced) {
  const TemporaryFolder folder;
  const std::string file = folder.path("swarm.key");
  ASSERT_TRUE(save_private_network_key(file, key_of(1)));
  const auto loaded = load_private_network_key(file);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_TRUE(equal(loaded->view(), key_of(1).view()));
  EXPECT_EQ(save_private_network_key(file, key_of(2)).error(), ErrorCode::AlreadyExists);
}

TEST(PrivateNetworkKey, a_file_others_can_read_is_refused) {
  const TemporaryFolder folder;
  const std::string file = folder.write("swarm.key", file_of("/base16/", std::string(64, 'a')), 0644);
  EXPECT_EQ(load_private_network_key(file).error(), ErrorCode::FileExposed);
}

TEST(PrivateNetworkKey, has_the_fingerprint_that_kubo_prints) {
  const auto key = PrivateNetworkKey::parse(as_bytes(file_of("/bin/", as_text(counting(32, 0))))).value();
  EXPECT_EQ(key.fingerprint(), "41dfbf48d882a8ee665983adfa7a48f7");
  EXPECT_NE(key_of(2).fingerprint(), key_of(3).fingerprint());
}

struct Two {
  explicit Two(std::uint64_t ours = 1, std::uint64_t theirs = 1)
      : here(make_private_network_channel(key_of(ours), *random, std::string(kWords))),
        there(make_private_network_channel(key_of(theirs), *random, std::string(kWords))) {}
  std::unique_ptr<Random> random = seeded_random(5);
  std::unique_ptr<Channel> here, there;
};

TEST(PrivateNetwork, a_stream_begins_with_its_nonce_and_then_the_cipher_of_what_is_said) {
  const auto key = key_of(1);
  const auto random = seeded_random(9);
  ByteVector nonce(kXsalsa20NonceSize);
  seeded_random(9)->fill(nonce);
  const auto channel = make_private_network_channel(key, *random, std::string(kWords));
  ByteQueue wire;
  ASSERT_TRUE(channel->seal(as_bytes("hello"), wire));
  ASSERT_TRUE(channel->seal(as_bytes(" you"), wire));
  ByteVector expected = to_vector(as_bytes("hello you"));
  Xsalsa20(key.view(), nonce).apply(expected, expected.data());
  append(nonce, expected);
  EXPECT_TRUE(equal(wire.view(), nonce));
}

TEST(PrivateNetwork, bytes_arrive_in_whatever_pieces) {
  for (const std::size_t piece : {1u, 5u, 23u, 24u, 25u, 4096u}) {
    Two two;
    Collector sink;
    ByteQueue wire, received;
    const ByteVector data = noise_bytes(9000, piece);
    ASSERT_TRUE(two.here->seal(as_bytes(kWords), wire));
    ASSERT_TRUE(two.here->seal(data, wire));
    while (!wire.empty()) {
      const std::size_t count = std::min(piece, wire.size());
      received.append(wire.view().first(count));
      wire.consume(count);
      ASSERT_TRUE(two.there->open(received, sink));
      EXPECT_LT(received.size(), kXsalsa20NonceSize) << "no more waits than an unfinished nonce";
    }
    EXPECT_EQ(as_text(Bytes(sink.bytes).first(kWords.size())), kWords);
    EXPECT_TRUE(equal(Bytes(sink.bytes).subspan(kWords.size()), data));
  }
}

TEST(PrivateNetwork, another_key_shows_with_the_first_bytes_on_both_sides) {
  Two two(1, 2);
  Collector sink;
  ByteQueue there, back;
  ASSERT_TRUE(two.here->seal(as_bytes(kWords), there));
  for (int again = 0; again < 2; ++again) {
    const Status opened = two.there->open(there, sink);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), ErrorCode::PrivateNetworkMismatch);
  }
  ASSERT_TRUE(two.there->close(back));
  EXPECT_EQ(back.size(), kXsalsa20NonceSize + kWords.size());
  EXPECT_EQ(two.here->open(back, sink).error(), ErrorCode::PrivateNetworkMismatch);
  EXPECT_EQ(sink.calls, 0u) << "nothing undecipherable is handed on";
  ASSERT_TRUE(two.there->close(back));
  EXPECT_TRUE(back.empty()) << "said once";
}

TEST(PrivateNetwork, a_nonce_is_answered_before_there_is_anything_to_say) {
  Two two;
  Collector sink;
  ByteQueue wire;
  ASSERT_TRUE(two.there->seal({}, wire));
  EXPECT_TRUE(wire.empty()) << "a nonce without words is only an answer";
  wire.append(counting(kXsalsa20NonceSize, 7));
  ASSERT_TRUE(two.there->open(wire, sink));
  ASSERT_TRUE(two.there->seal({}, wire));
  EXPECT_EQ(wire.size(), kXsalsa20NonceSize);
  ASSERT_TRUE(two.there->seal({}, wire));
  EXPECT_EQ(wire.size(), kXsalsa20NonceSize) << "once";
}

TEST(PrivateNetwork, a_peer_that_waited_for_the_nonce_still_learns_that_the_keys_differ) {
  Two two(1, 2);
  Collector sink;
  ByteQueue from_here, from_there;
  ASSERT_TRUE(two.here->seal(as_bytes(kWords), from_here));
  ByteQueue nonce;
  nonce.append(from_here.view().first(kXsalsa20NonceSize));
  from_here.consume(kXsalsa20NonceSize);
  ASSERT_TRUE(two.there->open(nonce, sink));
  ASSERT_TRUE(two.there->seal({}, from_there));
  EXPECT_EQ(two.there->open(from_here, sink).error().code(), ErrorCode::PrivateNetworkMismatch);
  ASSERT_TRUE(two.there->close(from_there));
  EXPECT_EQ(from_there.size(), kXsalsa20NonceSize + kWords.size());
  EXPECT_EQ(two.here->open(from_there, sink).error().code(), ErrorCode::PrivateNetworkMismatch);
}

TEST(PrivateNetwork, a_peer_without_any_key_is_found_out) {
  Two two;
  Collector sink;
  ByteQueue wire;
  wire.append(as_bytes(kWords));
  wire.append(as_bytes("\x07/noise\n"));
  EXPECT_EQ(two.there->open(wire, sink).error(), ErrorCode::PrivateNetworkMismatch);
}

TEST(PrivateNetwork, an_honest_end_adds_nothing) {
  Two two;
  ByteQueue wire;
  ASSERT_TRUE(two.here->close(wire));
  EXPECT_TRUE(wire.empty());
  EXPECT_FALSE(two.here->remote_closed());
}

}  // namespace
}  // namespace starling::security
