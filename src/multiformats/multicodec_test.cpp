#include "starling/multiformats/multicodec.hpp"

#include <gtest/gtest.h>

#include <set>

namespace starling {
namespace {

constexpr Multicodec kAll[] = {
#define STARLING_MULTICODEC(name, code, text) Multicodec::name,
#include "starling/multiformats/multicodec_codes.def"
#undef STARLING_MULTICODEC
};

TEST(Multicodec, codes_are_the_registered_ones) {
  const std::pair<Multicodec, std::uint64_t> codes[] = {
      {Multicodec::Identity, 0x00},    {Multicodec::Sha1, 0x11},          {Multicodec::Sha2_256, 0x12},
      {Multicodec::Sha2_512, 0x13},    {Multicodec::Sha3_256, 0x16},      {Multicodec::Keccak_256, 0x1b},
      {Multicodec::Blake3, 0x1e},      {Multicodec::Murmur3X64_64, 0x22}, {Multicodec::DblSha2_256, 0x56},
      {Multicodec::Raw, 0x55},         {Multicodec::DagPb, 0x70},         {Multicodec::DagCbor, 0x71},
      {Multicodec::Libp2pKey, 0x72},   {Multicodec::DagJson, 0x0129},     {Multicodec::Json, 0x0200},
      {Multicodec::Cbor, 0x51},        {Multicodec::IpnsRecord, 0x0300},  {Multicodec::Libp2pPeerRecord, 0x0301},
      {Multicodec::Blake2b_8, 0xb201}, {Multicodec::Blake2b_256, 0xb220}, {Multicodec::Blake2b_512, 0xb240},
      {Multicodec::Blake2s_8, 0xb241}, {Multicodec::Blake2s_256, 0xb260}, {Multicodec::Libp2pRelayRsvp, 0x0302},
  };
  for (const auto& [codec, code] : codes) EXPECT_EQ(std::uint64_t(codec), code) << to_string(codec);
}

TEST(Multicodec, names_lead_back_to_their_codes) {
  for (const Multicodec code : kAll) EXPECT_EQ(multicodec_from_name(to_string(code)), code);
}

TEST(Multicodec, codes_and_names_are_unique) {
  std::set<Multicodec> codes(std::begin(kAll), std::end(kAll));
  std::set<std::string_view> names;
  for (const Multicodec code : kAll) names.insert(to_string(code));
  EXPECT_EQ(codes.size(), std::size(kAll));
  EXPECT_EQ(names.size(), std::size(kAll));
}

TEST(Multicodec, unknown_codes_and_names_have_no_counterpart) {
  EXPECT_EQ(to_string(Multicodec(0x99999999)), "");
  EXPECT_EQ(multicodec_from_name("sha2-257"), std::nullopt);
  EXPECT_EQ(multicodec_from_name(""), std::nullopt);
}

}  // namespace
}  // namespace starling
