// Vectors: multiformats/multibase, tests/*.csv; RFC 4648, section 10.
#include "starling/multiformats/multibase.hpp"

#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling {
namespace {

struct Vector {
  Multibase base;
  std::string_view text;
};

constexpr Vector kBasic[] = {
    // "yes mani !"
    {Multibase::Base2, "001111001011001010111001100100000011011010110000101101110011010010010000000100001"},
    {Multibase::Base8, "7362625631006654133464440102"},
    {Multibase::Base10, "9573277761329450583662625"},
    {Multibase::Base16, "f796573206d616e692021"},
    {Multibase::Base16Upper, "F796573206D616E692021"},
    {Multibase::Base32, "bpfsxgidnmfxgsibb"},
    {Multibase::Base32Upper, "BPFSXGIDNMFXGSIBB"},
    {Multibase::Base32Hex, "vf5in683dc5n6i811"},
    {Multibase::Base32HexUpper, "VF5IN683DC5N6I811"},
    {Multibase::Base32Pad, "cpfsxgidnmfxgsibb"},
    {Multibase::Base32PadUpper, "CPFSXGIDNMFXGSIBB"},
    {Multibase::Base32HexPad, "tf5in683dc5n6i811"},
    {Multibase::Base32HexPadUpper, "TF5IN683DC5N6I811"},
    {Multibase::Base32Z, "hxf1zgedpcfzg1ebb"},
    {Multibase::Base36, "k2lcpzo5yikidynfl"},
    {Multibase::Base36Upper, "K2LCPZO5YIKIDYNFL"},
    {Multibase::Base58Flickr, "Z7Pznk19XTTzBtx"},
    {Multibase::Base58Btc, "z7paNL19xttacUY"},
    {Multibase::Base64, "meWVzIG1hbmkgIQ"},
    {Multibase::Base64Pad, "MeWVzIG1hbmkgIQ=="},
    {Multibase::Base64Url, "ueWVzIG1hbmkgIQ"},
    {Multibase::Base64UrlPad, "UeWVzIG1hbmkgIQ=="},
    {Multibase::Base256Emoji, "🚀🏃✋🌈😅🌷🤤😻🌟😅👏"},
};

constexpr Vector kLeadingZero[] = {
    // "\0yes mani !"
    {Multibase::Base2, "00000000001111001011001010111001100100000011011010110000101101110011010010010000000100001"},
    {Multibase::Base8, "7000745453462015530267151100204"},
    {Multibase::Base10, "90573277761329450583662625"},
    {Multibase::Base16, "f00796573206d616e692021"},
    {Multibase::Base16Upper, "F00796573206D616E692021"},
    {Multibase::Base32, "bab4wk4zanvqw42jaee"},
    {Multibase::Base32Upper, "BAB4WK4ZANVQW42JAEE"},
    {Multibase::Base32Hex, "v01smasp0dlgmsq9044"},
    {Multibase::Base32HexUpper, "V01SMASP0DLGMSQ9044"},
    {Multibase::Base32Pad, "cab4wk4zanvqw42jaee======"},
    {Multibase::Base32PadUpper, "CAB4WK4ZANVQW42JAEE======"},
    {Multibase::Base32HexPad, "t01smasp0dlgmsq9044======"},
    {Multibase::Base32HexPadUpper, "T01SMASP0DLGMSQ9044======"},
    {Multibase::Base32Z, "hybhskh3ypiosh4jyrr"},
    {Multibase::Base36, "k02lcpzo5yikidynfl"},
    {Multibase::Base36Upper, "K02LCPZO5YIKIDYNFL"},
    {Multibase::Base58Flickr, "Z17Pznk19XTTzBtx"},
    {Multibase::Base58Btc, "z17paNL19xttacUY"},
    {Multibase::Base64, "mAHllcyBtYW5pICE"},
    {Multibase::Base64Pad, "MAHllcyBtYW5pICE="},
    {Multibase::Base64Url, "uAHllcyBtYW5pICE"},
    {Multibase::Base64UrlPad, "UAHllcyBtYW5pICE="},
    {Multibase::Base256Emoji, "🚀🚀🏃✋🌈😅🌷🤤😻🌟😅👏"},
};

constexpr Vector kTwoLeadingZeros[] = {
    // "\0\0yes mani !"
    {Multibase::Base2,
     "0000000000000000001111001011001010111001100100000011011010110000101101110011010010010000000100001"},
    {Multibase::Base8, "700000171312714403326055632220041"},
    {Multibase::Base10, "900573277761329450583662625"},
    {Multibase::Base16, "f0000796573206d616e692021"},
    {Multibase::Base16Upper, "F0000796573206D616E692021"},
    {Multibase::Base32, "baaahszltebwwc3tjeaqq"},
    {Multibase::Base32Upper, "BAAAHSZLTEBWWC3TJEAQQ"},
    {Multibase::Base32Hex, "v0007ipbj41mm2rj940gg"},
    {Multibase::Base32HexUpper, "V0007IPBJ41MM2RJ940GG"},
    {Multibase::Base32Pad, "caaahszltebwwc3tjeaqq===="},
    {Multibase::Base32PadUpper, "CAAAHSZLTEBWWC3TJEAQQ===="},
    {Multibase::Base32HexPad, "t0007ipbj41mm2rj940gg===="},
    {Multibase::Base32HexPadUpper, "T0007IPBJ41MM2RJ940GG===="},
    {Multibase::Base32Z, "hyyy813murbssn5ujryoo"},
    {Multibase::Base36, "k002lcpzo5yikidynfl"},
    {Multibase::Base36Upper, "K002LCPZO5YIKIDYNFL"},
    {Multibase::Base58Flickr, "Z117Pznk19XTTzBtx"},
    {Multibase::Base58Btc, "z117paNL19xttacUY"},
    {Multibase::Base64, "mAAB5ZXMgbWFuaSAh"},
    {Multibase::Base64Pad, "MAAB5ZXMgbWFuaSAh"},
    {Multibase::Base64Url, "uAAB5ZXMgbWFuaSAh"},
    {Multibase::Base64UrlPad, "UAAB5ZXMgbWFuaSAh"},
    {Multibase::Base256Emoji, "🚀🚀🚀🏃✋🌈😅🌷🤤😻🌟😅👏"},
};

constexpr Vector kMixedCase[] = {
    // "hello world"
    {Multibase::Base16, "f68656c6c6f20776F726C64"},
    {Multibase::Base16Upper, "F68656c6c6f20776F726C64"},
    {Multibase::Base32, "bnbswy3dpeB3W64TMMQ"},
    {Multibase::Base32Upper, "Bnbswy3dpeB3W64TMMQ"},
    {Multibase::Base32Hex, "vd1imor3f41RMUSJCCG"},
    {Multibase::Base32HexUpper, "Vd1imor3f41RMUSJCCG"},
    {Multibase::Base32Pad, "cnbswy3dpeB3W64TMMQ======"},
    {Multibase::Base32PadUpper, "Cnbswy3dpeB3W64TMMQ======"},
    {Multibase::Base32HexPad, "td1imor3f41RMUSJCCG======"},
    {Multibase::Base32HexPadUpper, "Td1imor3f41RMUSJCCG======"},
    {Multibase::Base36, "kfUvrsIvVnfRbjWaJo"},
    {Multibase::Base36Upper, "KfUVrSIVVnFRbJWAJo"},
};

constexpr Multibase kAll[] = {
    Multibase::Identity,     Multibase::Base2,
    Multibase::Base8,        Multibase::Base10,
    Multibase::Base16,       Multibase::Base16Upper,
    Multibase::Base32,       Multibase::Base32Upper,
    Multibase::Base32Pad,    Multibase::Base32PadUpper,
    Multibase::Base32Hex,    Multibase::Base32HexUpper,
    Multibase::Base32HexPad, Multibase::Base32HexPadUpper,
    Multibase::Base32Z,      Multibase::Base36,
    Multibase::Base36Upper,  Multibase::Base58Btc,
    Multibase::Base58Flickr, Multibase::Base64,
    Multibase::Base64Pad,    Multibase::Base64Url,
    Multibase::Base64UrlPad, Multibase::Base256Emoji,
};

void expect_decodes(const Vector& vector, std::string_view content) {
  Multibase which{};
  const auto decoded = multibase_decode(vector.text, &which);
  ASSERT_TRUE(decoded) << vector.text << ": " << decoded.error().message();
  EXPECT_EQ(as_text(*decoded), content) << vector.text;
  EXPECT_EQ(which, vector.base) << vector.text;
}

void expect_vectors(std::span<const Vector> vectors, std::string_view content) {
  for (const Vector& vector : vectors) {
    EXPECT_EQ(multibase_encode(vector.base, as_bytes(content)), vector.text);
    expect_decodes(vector, content);
  }
}

ErrorCode decode_error(std::string_view text) {
  const auto decoded = multibase_decode(text);
  return decoded ? ErrorCode::Internal : decoded.error().code();
}

TEST(Multibase, published_vectors_encode_and_decode) {
  expect_vectors(kBasic, "yes mani !");
  expect_vectors(kLeadingZero, std::string_view("\0yes mani !", 11));
  expect_vectors(kTwoLeadingZeros, std::string_view("\0\0yes mani !", 12));
}

TEST(Multibase, case_is_ignored_where_the_base_says_so) {
  for (const Vector& vector : kMixedCase) expect_decodes(vector, "hello world");
}

TEST(Multibase, empty_content_is_the_prefix_alone) {
  for (const Multibase base : kAll) {
    const std::string text = multibase_encode(base, {});
    EXPECT_EQ(text.size(), base == Multibase::Base256Emoji ? 4u : 1u);
    EXPECT_TRUE(multibase_decode(text).value().empty());
  }
}

TEST(Multibase, random_content_round_trips_in_every_base) {
  const auto random = seeded_random(2);
  for (const Multibase base : kAll) {
    for (std::size_t size = 0; size < 200; ++size) {
      ByteVector content(size);
      random->fill(content);
      if (size % 3 == 0) std::fill_n(content.begin(), size / 4, std::uint8_t{0});
      Multibase which{};
      EXPECT_EQ(multibase_decode(multibase_encode(base, content), &which).value(), content);
      EXPECT_EQ(which, base);
    }
  }
}

// Whatever decodes is the one text of its bytes, save for case.
TEST(Multibase, accepted_texts_are_canonical) {
  const auto random = seeded_random(3);
  constexpr std::string_view kCharacters = "02789abcfhkmtuvzABCFKMUVZ+/-_=";
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto left = 1 + random->below(10); left > 0; --left) text += kCharacters[random->below(kCharacters.size())];
    Multibase which{};
    const auto decoded = multibase_decode(text, &which);
    if (!decoded) continue;
    std::string again = multibase_encode(which, *decoded);
    EXPECT_EQ(again.size(), text.size());
    EXPECT_EQ(multibase_decode(again).value(), *decoded);
  }
}

TEST(Multibase, every_base_has_its_registered_name) {
  EXPECT_EQ(to_string(Multibase::Base58Btc), "base58btc");
  EXPECT_EQ(to_string(Multibase::Base64UrlPad), "base64urlpad");
  for (const Multibase base : kAll) EXPECT_FALSE(to_string(base).empty());
  EXPECT_TRUE(to_string(Multibase(U'!')).empty());
}

TEST(Multibase, missing_and_unknown_prefixes_are_refused) {
  EXPECT_EQ(decode_error(""), ErrorCode::Truncated);
  EXPECT_EQ(decode_error("1abc"), ErrorCode::UnknownCode);
  EXPECT_EQ(decode_error("Qabc"), ErrorCode::UnknownCode);
  EXPECT_EQ(decode_error("/abc"), ErrorCode::UnknownCode);
  EXPECT_EQ(decode_error("\xF0\x9F\x9A"), ErrorCode::UnknownCode);
}

TEST(Multibase, characters_outside_the_alphabet_are_refused) {
  for (const char* text : {"02", "78", "9a", "fg", "b1", "hl", "k-", "z0", "zl", "ZI", "m-", "u+", "m A", "b\xff"})
    EXPECT_EQ(decode_error(text), ErrorCode::Malformed) << text;
}

TEST(Multibase, a_failed_decode_leaves_which_alone) {
  Multibase which = Multibase::Base8;
  EXPECT_FALSE(multibase_decode("zl", &which));
  EXPECT_EQ(which, Multibase::Base8);
}

TEST(Multibase, characters_that_hold_no_byte_are_refused) {
  for (const char* text : {"0000", "77", "f0", "ba", "baaa", "baaaaaa", "ma", "maaaaa"})
    EXPECT_EQ(decode_error(text), ErrorCode::Malformed) << text;
}

TEST(Multibase, left_over_bits_must_be_zero) {
  EXPECT_EQ(decode_error("mAB"), ErrorCode::NotCanonical);
  EXPECT_EQ(decode_error("MAB=="), ErrorCode::NotCanonical);
  EXPECT_EQ(decode_error("bab"), ErrorCode::NotCanonical);
  EXPECT_EQ(decode_error("7001"), ErrorCode::NotCanonical);
  EXPECT_TRUE(multibase_decode("mAA"));
}

TEST(Multibase, padding_must_be_exact) {
  EXPECT_TRUE(multibase_decode("MAA=="));
  for (const char* text : {"MAA", "MAA=", "MAA===", "MAAA==", "M====", "MAAAA====", "MA=A=", "maa==", "c=", "caa====="})
    EXPECT_EQ(decode_error(text), ErrorCode::Malformed) << text;
}

TEST(Multibase, emoji_outside_the_table_or_broken_utf8_is_refused) {
  const std::string rocket = multibase_encode(Multibase::Base256Emoji, {});
  for (const char* text :
       {"a", "\xF0\x9F\x9A", "\xE2\x82", "\xF0\x80\x80\x80", "\xE2\x41\x41", "\xFF\xFF\xFF\xFF", "\xE0\xA0\x80"})
    EXPECT_EQ(decode_error(rocket + text), ErrorCode::Malformed);
}

TEST(Base58, texts_over_the_bound_are_refused) {
  const std::string longest(kMaxPositionalText, 'z');
  EXPECT_TRUE(base58btc_decode(longest));
  EXPECT_EQ(base58btc_decode(longest + 'z').error().code(), ErrorCode::TooLarge);
  EXPECT_EQ(base_decode(Multibase::Base36, longest + 'z').error().code(), ErrorCode::TooLarge);
  EXPECT_EQ(base_decode(Multibase::Base10, std::string(kMaxPositionalText + 1, '1')).error().code(),
            ErrorCode::TooLarge);
}

TEST(Base58, known_texts) {
  const std::pair<std::string_view, std::string_view> known[] = {
      {"", ""},
      {"61", "2g"},
      {"626262", "a3gV"},
      {"516b6fcd0f", "ABnLTmg"},
      {"10c8511e", "Rt5zm"},
      {"00000000000000000000", "1111111111"},
      {"00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base58btc_encode(from_hex(bytes).value()), text);
    EXPECT_EQ(to_hex(base58btc_decode(text).value()), bytes);
  }
}

TEST(Base64, vectors_of_the_rfc) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [content, text] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(content)), text);
    EXPECT_EQ(as_text(base64_decode(text).value()), content);
  }
  EXPECT_EQ(base64url_encode(from_hex("fbff").value()), "-_8");
  EXPECT_EQ(to_hex(base64url_decode("-_8").value()), "fbff");
}

TEST(Base32, vectors_of_the_rfc_in_lower_case_without_padding) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "my"},
                                                                   {"fo", "mzxq"},
                                                                   {"foo", "mzxw6"},
                                                                   {"foob", "mzxw6yq"},
                                                                   {"fooba", "mzxw6ytb"},
                                                                   {"foobar", "mzxw6ytboi"}};
  for (const auto& [content, text] : vectors) {
    EXPECT_EQ(base32_encode(as_bytes(content)), text);
    EXPECT_EQ(as_text(base32_decode(text).value()), content);
  }
  EXPECT_EQ(as_text(base32_decode("MZXW6").value()), "foo");
}

}  // namespace
}  // namespace starling
