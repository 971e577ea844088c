// The gater's rules, as an operator or a script wrote them: refused with the line that is wrong, or taken, and then the
// same after they were written down again, in text and in judgement.
#include <string>

#include "starling/base/assert.hpp"
#include "starling/swarm/rule_gater.hpp"

namespace {

using namespace starling;

/// Whom the rules are asked about: the subjects of the rules themselves, so that something matches.
void ask(swarm::RuleGater& one, swarm::RuleGater& two) {
  const PeerId peer = *PeerId::from_string("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp");
  const Multiaddr elsewhere = *Multiaddr::from_string("/ip4/192.0.2.7/tcp/4001");
  for (const swarm::GateRule& rule : one.rules()) {
    const PeerId* named = std::get_if<PeerId>(&rule.subject);
    const Multiaddr* address = std::get_if<Multiaddr>(&rule.subject);
    const PeerId& who = named != nullptr ? *named : peer;
    const Multiaddr& where = address != nullptr ? *address : elsewhere;
    STARLING_ASSERT(one.may_connect(who, where).has_value() == two.may_connect(who, where).has_value(), "same verdict");
    STARLING_ASSERT(one.may_dial(who, where).has_value() == two.may_dial(who, where).has_value(), "same verdict");
    if (one.may_dial(who, where)) STARLING_ASSERT(one.may_connect(who, where), "both ways alike");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16'384) return 0;  // asking is quadratic in the rules
  auto rules = swarm::parse_rules(as_text({data, size}));
  if (!rules) {
    STARLING_ASSERT(rules.error().detail().starts_with("line "), "a mistake has a place");
    return 0;
  }
  const std::string text = swarm::to_text(*rules);
  auto again = swarm::parse_rules(text);
  STARLING_ASSERT(again && *again == *rules, "rules survive their file");
  swarm::RuleGater one, two;
  one.set(std::move(*rules));
  two.set(std::move(*again));
  ask(one, two);
  return 0;
}
