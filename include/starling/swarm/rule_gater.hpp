// A gater by rules of the operator about who may be dialed and who may connect, by peer, network and address.
// Values and a pure check; the file they are kept in is runtime's. Threading: the reactor's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/resource/allow_list.hpp"
#include "starling/swarm/gater.hpp"

namespace starling::swarm {

/// "deny ip 192.0.2.0/24", "allow peer 12D3…", "deny address /ip4/192.0.2.7/tcp/4001". An address rule is about that
/// address and everything behind it, so "/ip4/192.0.2.7" is every port of that machine.
struct GateRule {
  enum class Effect : std::uint8_t { Allow, Deny };
  Effect effect = Effect::Deny;
  std::variant<PeerId, IpPrefix, Multiaddr> subject;

  /// Errors: InvalidArgument, saying what is wrong with the text.
  static Result<GateRule> from_string(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const GateRule&, const GateRule&) = default;
};

/// One rule a line; blank lines and what follows a # do not count. Errors: FileMalformed, naming the line.
Result<std::vector<GateRule>> parse_rules(std::string_view text);
std::string to_text(const std::vector<GateRule>& rules);

struct GaterCounters {
  std::uint64_t refused_dials = 0, refused_arrivals = 0, refused_connections = 0;  // the last once the peer is known
};

/// An allow rule beats every deny rule; whom no rule concerns may pass. So `deny ip 0.0.0.0/0`, `deny ip ::/0` and some
/// allow rules make a closed circle.
class RuleGater final : public Gater {
 public:
  /// Replaces all rules.
  void set(std::vector<GateRule> rules);
  const std::vector<GateRule>& rules() const { return rules_; }

  /// Errors: Gated, naming the rule.
  Status may_dial(const PeerId& peer) override;
  Status may_dial(const PeerId& peer, const Multiaddr& address) override;
  /// Of a socket whose peer is not known: passes if some rule allows peers, one of whom it may be. Errors: Gated.
  Status may_arrive(const io::IpAddress& remote);
  Status may_connect(const PeerId& peer, const Multiaddr& address) override;
  const GaterCounters& counters() const { return counters_; }

 private:
  struct Question {
    const PeerId* peer;
    const Multiaddr* address;
    std::optional<io::IpAddress> ip;
  };
  const GateRule* forbids(const Question& question) const;
  const GateRule* matching(GateRule::Effect effect, const Question& question) const;

  std::vector<GateRule> rules_;
  std::unordered_map<PeerId, const GateRule*> allowed_peers_, denied_peers_;
  std::vector<const GateRule*> places_;  // rules about networks and addresses
  GaterCounters counters_;
};

}  // namespace starling::swarm
