// What go-libp2p v0.51.0 (core/record, core/peer) makes of an Ed25519 key whose seed is 32 times 0x2a. Ed25519 is
// deterministic, so these are also the bytes that we must make. Data only, for tests; hexadecimal.
#pragma once

#include <string_view>

namespace starling::vectors {

inline constexpr std::string_view kGoKey =
    "080112402a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a197f6b23e16c8532c6abc838facd5ea789be"
    "0c76b2920334039bfa8b3d368d61";
inline constexpr std::string_view kGoPeerId = "12D3KooWBXu3uGPMkjjxViK6autSnFH5QaKJgTwW8CaSxYSD6yYL";
inline constexpr std::string_view kGoPeerCid = "bafzaajaiaejcagl7nmr6c3efgldkxsby7lgv5j4jxyghnmusam2ahg72rm6tndlb";

// domain "libp2p-testing", type "/libp2p/testdata", payload "hello world!"
inline constexpr std::string_view kGoEnvelope =
    "0a2408011220197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d6112102f6c69627032702f746573746461"
    "74611a0c68656c6c6f20776f726c64212a40f55d6da5b0ce6a789429e8bbd23cbdcbffe5d11535e086383418bd2b6a71e8573f68a214"
    "cd181b3fd169ed995602f9618cc84d8cdfd3002cac9934edcee72a0b";

// sequence 1700000000000000000; /ip4/192.0.2.7/tcp/4001, /ip6/2001:db8::1/udp/4001/quic-v1
inline constexpr std::string_view kGoStandardRecord =
    "0a2408011220197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61120203011a590a26002408011220197f"
    "6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61108080a8b1e39fe7cb171a0a0a0804c0000207060fa11a19"
    "0a172920010db800000000000000000000000191020fa1cd032a40bf1ce8ea600052c6fbacd336a2eeb2a27157245531f0e2da4291b9"
    "5cb78993a82f623b7348186583130ede0e4b227ab2df8c0f9d13767dd764c6cf4e88fbaa01";
// the same under the domain and type of rust-libp2p's default
inline constexpr std::string_view kGoLegacyRecord =
    "0a2408011220197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61121c2f6c69627032702f726f7574696e"
    "672d73746174652d7265636f72641a590a26002408011220197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d36"
    "8d61108080a8b1e39fe7cb171a0a0a0804c0000207060fa11a190a172920010db800000000000000000000000191020fa1cd032a4098"
    "5c7014afa08da5aefa460c882c102add3ec99a13a8e683939d2cd44248941ea8ebb6967ed8016f03db69c30348a05b6bdc6f1a2f57b8"
    "d5ee25612db5f47604";

}  // namespace starling::vectors
