#include "swarm/local_networks.hpp"

#include <gtest/gtest.h>

#include "support/swarm_options.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;

constexpr TimePoint kStart = TimePoint(60min);

/// A host of which only the interfaces matter.
class Interfaces final : public io::Network {
 public:
  Result<std::vector<io::Interface>> interfaces() override {
    ++reads;
    if (broken) return nothing();
    return now;
  }
  Result<std::unique_ptr<io::Listener>> listen(const io::Endpoint&, const io::ListenOptions&) override {
    return nothing();
  }
  io::Task<Result<std::unique_ptr<io::StreamSocket>>> connect(io::Endpoint, io::ConnectOptions) override {
    co_return nothing();
  }
  Result<std::unique_ptr<io::DatagramSocket>> bind_datagram(const io::Endpoint&, const io::DatagramOptions&) override {
    return nothing();
  }
  std::unique_ptr<io::NameClient> make_name_client(const io::NameClientOptions&) override { return nullptr; }

  std::vector<io::Interface> now;
  bool broken = false;
  int reads = 0;

 private:
  static std::unexpected<Error> nothing() { return fail(ErrorCode::Unsupported, Op::None, Origin::Local); }
};

IpPrefix prefix(const char* text) { return *IpPrefix::from_string(text); }
io::Interface interface(const char* ip, int length) {
  return {"eth0", *io::IpAddress::from_string(ip), std::uint8_t(length)};
}

class LocalNetworksTest : public ::testing::Test {
 protected:
  bool in_reach(const char* ip) { return networks_.in_reach(prefix(ip).bytes()); }
  Interfaces host_;
  LocalNetworks networks_{host_, 60s, {prefix("10.9.0.0/16")}};
};

TEST_F(LocalNetworksTest, before_the_first_reading_only_extra_networks_are_in_reach) {
  EXPECT_FALSE(in_reach("192.168.1.2"));
  EXPECT_TRUE(in_reach("10.9.1.1"));
}

TEST_F(LocalNetworksTest, the_network_of_each_interface_is_in_reach_and_nothing_beside_it) {
  host_.now = {interface("192.168.1.7", 24), interface("fd00:1::7", 64), interface("10.0.0.5", 32)};
  EXPECT_FALSE(networks_.refresh(kStart)) << "the first reading is no change";
  EXPECT_TRUE(in_reach("192.168.1.255"));
  EXPECT_FALSE(in_reach("192.168.2.1"));
  EXPECT_TRUE(in_reach("fd00:1::1"));
  EXPECT_FALSE(in_reach("fd00:2::1"));
  EXPECT_TRUE(in_reach("10.0.0.5"));
  EXPECT_FALSE(in_reach("10.0.0.6")) << "a hoster's /32 tells of no network";
  EXPECT_TRUE(networks_.is_own(prefix("192.168.1.7").bytes()));
  EXPECT_FALSE(networks_.is_own(prefix("192.168.1.8").bytes()));
}

TEST_F(LocalNetworksTest, an_address_is_lost_that_no_interface_has_but_not_one_of_loopback) {
  const auto lost = [&](const char* ip) { return networks_.is_lost(*io::IpAddress::from_string(ip)); };
  EXPECT_FALSE(lost("192.168.1.8")) << "nobody has looked";
  host_.now = {interface("192.168.1.7", 24), interface("fd00:1::7", 64)};
  networks_.refresh(kStart);
  EXPECT_TRUE(lost("192.168.1.8"));
  EXPECT_TRUE(lost("fd00:1::8"));
  EXPECT_FALSE(lost("192.168.1.7"));
  EXPECT_FALSE(lost("fd00:1::7"));
  EXPECT_FALSE(lost("127.0.0.2"));
  EXPECT_FALSE(lost("::1"));
}

TEST_F(LocalNetworksTest, interfaces_are_read_once_in_the_keeping_time_or_when_invalidated) {
  host_.now = {interface("192.168.1.7", 24)};
  networks_.refresh(kStart);
  networks_.refresh(kStart + 59s);
  EXPECT_EQ(host_.reads, 1);
  EXPECT_FALSE(networks_.refresh(kStart + 60s)) << "read, and nothing new";
  EXPECT_EQ(host_.reads, 2);
  networks_.invalidate();
  networks_.refresh(kStart + 61s);
  EXPECT_EQ(host_.reads, 3);
}

TEST_F(LocalNetworksTest, another_set_of_interfaces_is_a_change_and_another_order_is_not) {
  host_.now = {interface("192.168.1.7", 24), interface("11.0.0.1", 8)};
  networks_.refresh(kStart);
  host_.now = {interface("11.0.0.1", 8), interface("192.168.1.7", 24)};
  networks_.invalidate();
  EXPECT_FALSE(networks_.refresh(kStart));
  host_.now = {interface("192.168.7.7", 24)};
  networks_.invalidate();
  EXPECT_TRUE(networks_.refresh(kStart));
  EXPECT_TRUE(in_reach("192.168.7.1"));
  EXPECT_FALSE(in_reach("192.168.1.1"));
}

TEST_F(LocalNetworksTest, when_the_system_does_not_tell_what_was_known_stays) {
  host_.now = {interface("192.168.1.7", 24)};
  networks_.refresh(kStart);
  host_.broken = true;
  networks_.invalidate();
  EXPECT_FALSE(networks_.refresh(kStart));
  EXPECT_TRUE(in_reach("192.168.1.1"));
}

}  // namespace
}  // namespace starling::swarm
