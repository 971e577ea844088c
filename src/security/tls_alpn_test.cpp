#include "security/tls_alpn.hpp"

#include <gtest/gtest.h>

namespace starling::security {
namespace {

using Names = std::vector<std::string>;

std::string selected(const Names& offered, const Names& supported) {
  const ByteVector wire = encode_alpn(offered).value();
  const auto choice = select_alpn(wire, supported);
  return choice ? std::string(as_text(*choice)) : "(none)";
}

TEST(TlsAlpn, libp2p_comes_last) {
  EXPECT_EQ(as_text(encode_alpn({"/yamux/1.0.0"}).value()), "\x0c/yamux/1.0.0\x06libp2p");
  EXPECT_EQ(as_text(encode_alpn({}).value()), "\x06libp2p");
}

TEST(TlsAlpn, names_that_do_not_fit_are_refused) {
  EXPECT_EQ(encode_alpn({""}).error(), ErrorCode::InvalidArgument);
  EXPECT_EQ(encode_alpn({std::string(256, 'a')}).error(), ErrorCode::InvalidArgument);
  EXPECT_TRUE(encode_alpn({std::string(255, 'a')}));
}

TEST(TlsAlpn, the_clients_order_decides) {
  EXPECT_EQ(selected({"/yamux/1.0.0", "/mplex/6.7.0"}, {"/mplex/6.7.0", "/yamux/1.0.0"}), "/yamux/1.0.0");
  EXPECT_EQ(selected({"/other", "/mplex/6.7.0"}, {"/yamux/1.0.0", "/mplex/6.7.0"}), "/mplex/6.7.0");
}

TEST(TlsAlpn, without_a_common_muxer_libp2p_is_selected) {
  EXPECT_EQ(selected({"/mplex/6.7.0"}, {"/yamux/1.0.0"}), "libp2p");
  EXPECT_EQ(selected({}, {"/yamux/1.0.0"}), "libp2p");
  EXPECT_EQ(selected({"/yamux/1.0.0"}, {}), "libp2p");
}

TEST(TlsAlpn, a_client_of_other_protocols_is_refused) {
  EXPECT_FALSE(select_alpn(as_bytes("\x02h2"), {"/yamux/1.0.0"}));
  EXPECT_FALSE(select_alpn(as_bytes("\x09h2"), {"/yamux/1.0.0"}));
  EXPECT_FALSE(select_alpn({}, {"/yamux/1.0.0"}));
}

TEST(TlsAlpn, a_selection_that_was_not_offered_is_a_violation) {
  EXPECT_EQ(muxer_of_alpn(as_bytes("libp2p"), {"/yamux/1.0.0"}).value(), "");
  EXPECT_EQ(muxer_of_alpn({}, {"/yamux/1.0.0"}).value(), "");
  EXPECT_EQ(muxer_of_alpn(as_bytes("/yamux/1.0.0"), {"/yamux/1.0.0"}).value(), "/yamux/1.0.0");
  EXPECT_EQ(muxer_of_alpn(as_bytes("/mplex/6.7.0"), {"/yamux/1.0.0"}).error(), ErrorCode::ProtocolViolation);
}

}  // namespace
}  // namespace starling::security
