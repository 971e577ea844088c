// What a whole node states: the reference page, the dashboards and the alerts must agree with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "starling/diagnostics/process.hpp"
#include "starling/io/sim_network.hpp"
#include "starling/runtime/node.hpp"

namespace starling::runtime {
namespace {

using testing::HasSubstr;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class NodeDiagnostics : public testing::Test {
 protected:
  void start(const Options& options = {}) {
    for (std::unique_ptr<Node>* each : {&a_, &b_}) {
      io::SimHost& machine = each == &a_ ? machine_a_ : machine_b_;
      auto key = crypto::PrivateKey::generate(crypto::KeyType::Ed25519, machine.world().random);
      auto node = Node::create(machine.world(), std::move(*key), options, 1, nullptr, lanes_);
      ASSERT_TRUE(node) << node.error().message();
      *each = std::move(*node);
      ASSERT_TRUE((*each)->host().listen(transport::tcp_multiaddr(machine.at(4001))));
    }
  }
  void ping() {
    struct Talk {
      static io::Task<Status> run(Node& from, Node& to, Multiaddr address) {
        STARLING_CO_TRY(const auto connection, co_await from.host().connect(to.id(), {std::move(address)}));
        (void)connection;
        STARLING_CO_TRY(auto pinger, co_await ping::Pinger::open(from.host(), to.id(), from.ping_options()));
        STARLING_CO_TRY(const Duration time, co_await pinger.ping());
        (void)time;
        co_return Status{};
      }
    };
    const Status done =
        io::run_task(world_.reactor(), Talk::run(*a_, *b_, transport::tcp_multiaddr(machine_b_.at(4001))));
    ASSERT_TRUE(done) << done.error().message();
  }
  void TearDown() override {
    for (std::unique_ptr<Node>* each : {&a_, &b_})
      if (*each) io::run_task(world_.reactor(), (*each)->close());
  }
  diagnostics::Metrics stated() {
    diagnostics::Metrics all = a_->diagnostics().collect();
    diagnostics::process_metrics(all);
    return all;
  }

  io::SimWorld world_;
  io::SimHost &machine_a_ = world_.add_host(), &machine_b_ = world_.add_host();
  std::vector<std::unique_ptr<io::Lane>> lanes_;
  std::unique_ptr<Node> a_, b_;
};

TEST_F(NodeDiagnostics, the_reference_page_is_current) {
  start();
  EXPECT_THAT(read(STARLING_SOURCE_DIR "/docs/reference/metrics.md"), testing::EndsWith(stated().reference()))
      << "run ./dev docs";
}

/// The metrics that dashboards and alerts name.
std::set<std::string> named_in_deploy() {
  std::set<std::string> named;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(STARLING_SOURCE_DIR "/deploy")) {
    if (entry.path().extension() != ".json" && entry.path().extension() != ".yml") continue;
    const std::string text = read(entry.path());
    const std::regex metric(R"(\b(libp2p|starling|process)_[a-z0-9_]+)");
    for (std::sregex_iterator each(text.begin(), text.end(), metric), end; each != end; ++each)
      named.insert(std::regex_replace(each->str(), std::regex("_(bucket|sum|count)$"), ""));
  }
  return named;
}

TEST_F(NodeDiagnostics, dashboards_and_alerts_name_only_metrics_that_a_node_states) {
  start();
  const diagnostics::Metrics all = stated();
  const std::set<std::string> named = named_in_deploy();
  EXPECT_GT(named.size(), 20u);
  for (const std::string& name : named) EXPECT_TRUE(all.families().contains(name)) << name;
}

TEST_F(NodeDiagnostics, every_metric_of_transports_has_its_place_in_a_dashboard) {
  start();
  const std::set<std::string> named = named_in_deploy();
  const diagnostics::Metrics all = stated();
  for (const auto& [name, family] : all.families())
    if (name.starts_with("libp2p_quic_") || name.starts_with("starling_tcp_"))
      EXPECT_TRUE(named.contains(name)) << name;
}

TEST_F(NodeDiagnostics, traffic_is_charged_to_its_protocol_transport_and_peer) {
  start();
  ping();
  const auto page = a_->diagnostics().show("bandwidth");
  ASSERT_TRUE(page);
  EXPECT_GT(page->at("total").at("in").as_uint64(), 0u);
  EXPECT_EQ(page->at("transports").at(0).at("name"), "tcp");
  EXPECT_EQ(std::string(page->at("peers").at(0).at("name").as_string()), b_->id().to_string());
  const auto& ping = a_->host().traffic().protocols().at("/ipfs/ping/1.0.0");
  EXPECT_EQ(ping.bytes.in, 32u);
  EXPECT_EQ(ping.bytes.out, 32u);
  const std::string text = stated().text();
  EXPECT_THAT(text, HasSubstr("libp2p_protocol_bytes_total{protocol=\"/ipfs/ping/1.0.0\",dir=\"outbound\"} 32\n"));
  EXPECT_THAT(text, HasSubstr("libp2p_swarm_connections{transport=\"tcp\",dir=\"outbound\",security="));
}

TEST_F(NodeDiagnostics, connections_are_shown_by_the_reactor_that_carries_them) {
  lanes_.push_back(std::make_unique<io::Lane>(world_.reactor(), machine_a_.world()));
  start();
  ping();
  EXPECT_THAT(stated().text(), HasSubstr("starling_reactor_connections{reactor=\"0\"} 0\n"
                                         "starling_reactor_connections{reactor=\"1\"} 1\n"));
  a_->host().swarm().close_peer(b_->id(), transport::CloseReason::local(transport::CloseCode::None));
  world_.run_for(std::chrono::minutes(1));
  EXPECT_THAT(stated().text(), HasSubstr("starling_reactor_connections{reactor=\"1\"} 0\n"));
}

TEST(LanesWanted, one_reactor_needs_none_and_zero_asks_the_machine) {
  Options options;
  EXPECT_EQ(lanes_wanted(options), 0u);
  options.runtime.reactors = 4;
  EXPECT_EQ(lanes_wanted(options), 3u);
  options.runtime.reactors = 0;
  EXPECT_LT(lanes_wanted(options), std::max(std::thread::hardware_concurrency(), 1u));
}

TEST_F(NodeDiagnostics, dials_are_counted_by_what_they_are_at_and_timed_by_transport) {
  start();
  ping();
  const std::string text = stated().text();
  EXPECT_THAT(text, HasSubstr("libp2p_swarm_dial_seconds_count{transport=\"tcp\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("libp2p_swarm_dials_pending 0\n"));
  EXPECT_THAT(text, HasSubstr("libp2p_swarm_dial_addresses{state=\"in_flight\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("libp2p_swarm_dial_addresses_skipped_total{reason=\"backed_off\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("libp2p_dns_lookups_total{type=\"aaaa\",outcome=\"cached\"} 0\n"));
}

TEST_F(NodeDiagnostics, a_protocol_that_a_remote_peer_made_up_is_no_label) {
  start();
  b_->host().handle_matching(
      "/made/*", [](std::string_view name) { return name.starts_with("/made/"); },
      [](host::Stream stream) -> io::Task<void> { (void)co_await stream.close(); });
  struct Talk {
    static io::Task<void> run(Node& from, Node& to, Multiaddr address) {
      (void)co_await from.host().connect(to.id(), {std::move(address)});
      for (int i = 0; i < 5; ++i) {
        auto stream = co_await from.host().open_stream(to.id(), {"/made/" + std::to_string(i)});
        if (stream) (void)co_await stream->close();
      }
    }
  };
  io::run_task(world_.reactor(), Talk::run(*a_, *b_, transport::tcp_multiaddr(machine_b_.at(4001))));
  const std::string text = b_->diagnostics().collect().text();
  EXPECT_THAT(text, HasSubstr("protocol=\"/made/*\""));
  EXPECT_THAT(text, testing::Not(HasSubstr("/made/0")));
}

TEST_F(NodeDiagnostics, gauges_return_to_where_they_were_when_a_connection_ends) {
  start();
  const auto live = [&] {
    const auto all = a_->diagnostics().collect();
    return all.families().at("libp2p_muxer_streams").samples() + all.families().at("starling_buffer_bytes").samples() +
           std::to_string(a_->host().swarm().connection_count());
  };
  const std::string before = live();
  ping();
  EXPECT_NE(live(), before);
  a_->host().swarm().close_peer(b_->id(), transport::CloseReason::local(transport::CloseCode::None));
  world_.run_for(std::chrono::minutes(2));
  EXPECT_EQ(live(), before);
  for (const auto& [name, protocol] : a_->host().traffic().protocols())
    EXPECT_EQ(protocol.live_inbound + protocol.live_outbound, 0u) << name;
}

}  // namespace
}  // namespace starling::runtime
