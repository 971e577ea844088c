#include "starling/swarm/rule_gater.hpp"

#include <algorithm>

namespace starling::swarm {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view next_word(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

std::unexpected<Error> wrong(std::string_view text, const std::string& why) {
  return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local, "\"" + std::string(text) + "\": " + why);
}

bool begins_with(const Multiaddr& address, const Multiaddr& front) {
  const auto all = address.components(), first = front.components();
  return all.size() >= first.size() &&
         std::equal(first.begin(), first.end(), all.begin(),
                    [](const auto& a, const auto& b) { return a.protocol == b.protocol && equal(a.value, b.value); });
}

std::unexpected<Error> gated(Op op, const std::string& who, const GateRule& rule) {
  return fail(ErrorCode::Gated, op, Origin::Local, who + ": rule \"" + rule.to_string() + "\"");
}

}  // namespace

Result<GateRule> GateRule::from_string(std::string_view text) {
  std::string_view rest = trimmed(text);
  const std::string_view effect = next_word(rest), kind = next_word(rest);
  GateRule rule;
  if (effect != "allow" && effect != "deny") return wrong(text, "a rule begins with allow or deny");
  rule.effect = effect == "allow" ? Effect::Allow : Effect::Deny;
  if (kind == "peer") {
    const auto peer = PeerId::from_string(rest);
    if (!peer) return wrong(text, "'" + std::string(rest) + "' is not a peer id");
    rule.subject = *peer;
  } else if (kind == "ip") {
    const auto prefix = IpPrefix::from_string(rest);
    if (!prefix) return wrong(text, prefix.error().detail());
    rule.subject = *prefix;
  } else if (kind == "address") {
    const auto address = Multiaddr::from_string(rest);
    if (!address) return wrong(text, "'" + std::string(rest) + "' is not a multiaddr");
    rule.subject = *address;
  } else {
    return wrong(text, "what it is about must be peer ID, ip PREFIX or address MULTIADDR");
  }
  return rule;
}

std::string GateRule::to_string() const {
  struct Subject {
    std::string operator()(const PeerId& peer) const { return "peer " + peer.to_string(); }
    std::string operator()(const IpPrefix& prefix) const { return "ip " + prefix.to_string(); }
    std::string operator()(const Multiaddr& address) const { return "address " + address.to_string(); }
  };
  return (effect == Effect::Allow ? "allow " : "deny ") + std::visit(Subject(), subject);
}

Result<std::vector<GateRule>> parse_rules(std::string_view text) {
  std::vector<GateRule> rules;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = trimmed(text.substr(0, std::min(text.substr(0, end).find('#'), end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.empty()) continue;
    auto rule = GateRule::from_string(content);
    if (!rule)
      return fail(ErrorCode::FileMalformed, Op::Parse, Origin::Local,
                  "line " + std::to_string(line) + ": " + rule.error().detail());
    rules.push_back(std::move(*rule));
  }
  return rules;
}

std::string to_text(const std::vector<GateRule>& rules) {
  std::string text;
  for (const GateRule& rule : rules) text += rule.to_string() + "\n";
  return text;
}

void RuleGater::set(std::vector<GateRule> rules) {
  rules_ = std::move(rules);
  allowed_peers_.clear();
  denied_peers_.clear();
  places_.clear();
  for (const GateRule& rule : rules_) {
    const PeerId* peer = std::get_if<PeerId>(&rule.subject);
    if (peer == nullptr)
      places_.push_back(&rule);
    else
      (rule.effect == GateRule::Effect::Allow ? allowed_peers_ : denied_peers_).emplace(*peer, &rule);
  }
}

const GateRule* RuleGater::matching(GateRule::Effect effect, const Question& question) const {
  const auto& peers = effect == GateRule::Effect::Allow ? allowed_peers_ : denied_peers_;
  if (question.peer != nullptr)
    if (const auto found = peers.find(*question.peer); found != peers.end()) return found->second;
  for (const GateRule* rule : places_) {
    if (rule->effect != effect) continue;
    const IpPrefix* prefix = std::get_if<IpPrefix>(&rule->subject);
    if (prefix != nullptr && question.ip && resource::contains(*prefix, *question.ip)) return rule;
    if (prefix == nullptr && question.address != nullptr &&
        begins_with(*question.address, std::get<Multiaddr>(rule->subject)))
      return rule;
  }
  return nullptr;
}

const GateRule* RuleGater::forbids(const Question& question) const {
  const GateRule* denied = matching(GateRule::Effect::Deny, question);
  if (denied == nullptr || matching(GateRule::Effect::Allow, question) != nullptr) return nullptr;
  return denied;
}

Status RuleGater::may_dial(const PeerId& peer) {
  const auto denied = denied_peers_.find(peer);
  if (denied == denied_peers_.end() || allowed_peers_.contains(peer)) return {};
  ++counters_.refused_dials;
  return gated(Op::Dial, peer.to_string(), *denied->second);
}

Status RuleGater::may_dial(const PeerId& peer, const Multiaddr& address) {
  const GateRule* rule = forbids({&peer, &address, resource::ip_of(address)});
  if (rule == nullptr) return {};
  ++counters_.refused_dials;
  return gated(Op::Dial, peer.to_string() + " at " + address.to_string(), *rule);
}

Status RuleGater::may_arrive(const io::IpAddress& remote) {
  if (rules_.empty() || !allowed_peers_.empty()) return {};
  const Multiaddr address = Multiaddr().with(remote.is_v4() ? Protocol::Ip4 : Protocol::Ip6, remote.bytes());
  const GateRule* rule = forbids({nullptr, &address, remote});
  if (rule == nullptr) return {};
  ++counters_.refused_arrivals;
  return gated(Op::Accept, remote.to_string(), *rule);
}

Status RuleGater::may_connect(const PeerId& peer, const Multiaddr& address) {
  if (rules_.empty()) return {};
  const GateRule* rule = forbids({&peer, &address, resource::ip_of(address)});
  if (rule == nullptr) return {};
  ++counters_.refused_connections;
  return gated(Op::Accept, peer.to_string() + " at " + address.to_string(), *rule);
}

}  // namespace starling::swarm
