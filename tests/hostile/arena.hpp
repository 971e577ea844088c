// Where a node is attacked: the victim, an honest peer that pings it all the time, and hosts for attackers, in one
// simulated world. Measures what the attack costs. Threading: one thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/raw_peer.hpp"
#include "support/sim_node.hpp"

namespace starling::testing {

inline constexpr std::string_view kSinkProtocol = "/sink/1.0.0";  // its handler never reads

/// How far an attacker gets before it misbehaves.
enum class Stage { Connected, Header, Noise, MuxerChoice, Muxer, Stream };
std::string to_string(Stage stage);

/// Goes to `stage` by the rules.
io::Task<Status> reach(RawPeer& peer, io::Endpoint victim, Stage stage);
/// Sends `bytes` as that stage carries them: bare, through the channel, or in frames of stream 1.
io::Task<Status> put(RawPeer& peer, Stage stage, Bytes bytes);

runtime::Options victim_options();

class Arena {
 public:
  explicit Arena(runtime::Options options = victim_options(), std::uint64_t seed = 1);

  /// Runs `attack` beside the honest peer's pings, then closes everything. Expects that every ping came back, that the
  /// memory of the whole process, attackers included, grew by at most `memory_budget` bytes, that its time on a core
  /// stayed in proportion to the bytes that passed, and that nothing is left.
  void endure(io::Task<void> attack, std::size_t memory_budget);

  io::SimWorld& world() { return world_; }
  SimNode& victim() { return victim_; }
  const PeerId& honest_peer() const { return friend_.id(); }
  io::Endpoint target() { return victim_.machine().at(kNodePort); }
  const swarm::SwarmCounters& swarm() { return victim_.host().swarm().counters(); }
  const host::HostCounters& host() { return victim_.host().counters(); }
  const transport::InboundCounters& inbound() { return victim_.node().inbound(); }
  /// A machine of its own for an attacker.
  io::World attacker() { return world_.add_host().world(); }
  auto pass(Duration time) { return io::sleep_for(world_.reactor(), time); }

 private:
  io::Task<void> run(io::Task<void> attack);
  io::Task<void> ping_forever();
  io::Task<Status> ping_all_the_time();

  io::SimWorld world_;
  SimNode victim_, friend_;
  std::uint64_t pings_ = 0;
  bool attacking_ = true;
  Duration slowest_{};
  std::string trouble_;
  std::size_t memory_before_ = 0, memory_most_ = 0;
};

}  // namespace starling::testing
