#include "names/expansion.hpp"

#include <algorithm>

#include "starling/names/resolver.hpp"

namespace starling::names {
namespace {

constexpr std::string_view kDnsaddrPrefix = "dnsaddr=";      // spec: addressing/README.md, "dnsaddr"
constexpr std::string_view kDnsaddrSubdomain = "_dnsaddr.";  // the same

bool is_name(Protocol protocol) {
  return protocol == Protocol::Dns || protocol == Protocol::Dns4 || protocol == Protocol::Dns6 ||
         protocol == Protocol::DnsAddr;
}

std::size_t lookups_for(Protocol kind) { return kind == Protocol::Dns ? 2 : 1; }  // A and AAAA

// Everything behind the first component.
Multiaddr rest_of(const Multiaddr& address) {
  Multiaddr rest;
  const auto parts = address.components();
  for (std::size_t i = 1; i < parts.size(); ++i) rest = rest.with(parts[i].protocol, parts[i].value);
  return rest;
}

bool same(const Multiaddr::Component& a, const Multiaddr::Component& b) {
  return a.protocol == b.protocol && equal(a.value, b.value);
}

bool ends_with(const Multiaddr& address, const Multiaddr& tail) {
  const auto all = address.components(), last = tail.components();
  return all.size() >= last.size() && std::equal(last.rbegin(), last.rend(), all.rbegin(), same);
}

// Names compare without case and final dot.
std::string canonical_name(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = char(c + 'a' - 'A');
  return name;
}

std::string name_in(const Multiaddr& address) { return canonical_name(address.components().front().value_text()); }

// Which of two errors of one address tells more: that a server failed rather than that it knows no such record.
Error telling(std::optional<Error> first, const Error& second) {
  if (!first || *first == ErrorCode::NoRecords) return second;
  return *std::move(first);
}

}  // namespace

bool begins_with_name(const Multiaddr& address) {
  const auto parts = address.components();
  return !parts.empty() && is_name(parts.front().protocol);
}

std::optional<Multiaddr> match_dnsaddr(const Multiaddr& record, const Multiaddr& rest) {
  if (ends_with(record, rest)) return record;
  const auto [before, relayed] = rest.split_at(Protocol::P2pCircuit);
  if (relayed.empty() || !ends_with(record, before)) return std::nullopt;
  Multiaddr joined = record.with(relayed);
  if (joined.empty()) return std::nullopt;
  return joined;
}

Expansion::Expansion(std::vector<Multiaddr> given, const ExpansionLimits& limits) : limits_(limits) {
  for (Multiaddr& address : given) roots_.push_back(add(std::move(address), std::nullopt));
  for (const NodeId root : roots_) open(root);
}

Expansion::NodeId Expansion::add(Multiaddr address, std::optional<NodeId> parent) {
  Node node;
  node.is_name = begins_with_name(address);
  node.address = std::move(address);
  node.parent = parent;
  if (parent) {
    node.host_name = nodes_[*parent].host_name;
    const bool below_dnsaddr = nodes_[*parent].address.components().front().protocol == Protocol::DnsAddr;
    node.depth = nodes_[*parent].depth + (below_dnsaddr ? 1 : 0);
  }
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void Expansion::open(NodeId id) {
  Node& node = nodes_[id];
  if (!node.is_name) return;
  const Protocol kind = node.address.components().front().protocol;
  const std::string name = name_in(node.address);
  if (auto error = refusal(id, name)) {
    out_of_lookups_ = out_of_lookups_ || lookups_ + lookups_for(kind) > limits_.max_lookups;
    node.error = std::move(error);
    return;
  }
  const auto ask = [&](std::string asked, io::RecordType type) {
    to_ask_.push_back({id, {std::move(asked), type}});
    ++lookups_;
    ++open_;
    ++nodes_[id].open;
  };
  if (kind == Protocol::DnsAddr) return ask(std::string(kDnsaddrSubdomain) + name, io::RecordType::Txt);
  node.host_name = name;
  if (kind != Protocol::Dns6) ask(name, io::RecordType::A);
  if (kind != Protocol::Dns4) ask(name, io::RecordType::Aaaa);
}

std::optional<Error> Expansion::refusal(NodeId id, std::string_view name) const {
  const Node& node = nodes_[id];
  const Protocol kind = node.address.components().front().protocol;
  for (auto above = node.parent; above; above = nodes_[*above].parent) {
    const Multiaddr& other = nodes_[*above].address;
    if (kind != Protocol::DnsAddr || name_in(other) != name) continue;
    return Error(ErrorCode::NameLoop, Op::Resolve, Origin::Remote,
                 node.address.to_string() + " below " + other.to_string());
  }
  const auto limit = [&](std::string_view key, std::size_t value) {
    return Error(ErrorCode::LimitExceeded, Op::Resolve, Origin::Limit,
                 node.address.to_string() + ": " + std::string(key) + " = " + std::to_string(value));
  };
  if (kind == Protocol::DnsAddr && node.depth >= limits_.max_depth) return limit("dns.max_depth", limits_.max_depth);
  if (lookups_ + lookups_for(kind) > limits_.max_lookups) return limit("dns.max_lookups", limits_.max_lookups);
  return std::nullopt;
}

std::size_t Expansion::answer(const Ask& ask, const Result<io::NameRecords>& records) {
  --open_;
  --nodes_[ask.node].open;
  if (!records) {
    Node& node = nodes_[ask.node];
    node.error = telling(std::move(node.error), records.error());
    return 0;
  }
  return ask.question.type == io::RecordType::Txt ? take_texts(ask.node, ask.question, records->texts)
                                                  : take_addresses(ask.node, records->addresses);
}

std::size_t Expansion::take_addresses(NodeId id, const std::vector<io::IpAddress>& addresses) {
  const Multiaddr rest = rest_of(nodes_[id].address);
  std::size_t used = 0;
  for (const io::IpAddress& ip : addresses) {
    if (addresses_ >= limits_.max_addresses) {
      dropped_ += addresses.size() - used;
      break;
    }
    Multiaddr address = Multiaddr().with(ip.is_v4() ? Protocol::Ip4 : Protocol::Ip6, ip.bytes()).with(rest);
    if (address.empty()) {  // too long for a multiaddr
      ++dropped_;
      continue;
    }
    const NodeId child = add(std::move(address), id);
    nodes_[id].children[std::size_t(ip.is_v4() ? io::RecordType::A : io::RecordType::Aaaa)].push_back(child);
    ++addresses_;
    ++used;
  }
  return used;
}

std::size_t Expansion::take_texts(NodeId id, const io::NameQuestion& question, const std::vector<std::string>& texts) {
  std::size_t used = 0;
  for (const std::string& text : texts)
    if (take_text(id, text, used)) ++used;
  if (used == 0 && !nodes_[id].error) {
    const Multiaddr rest = rest_of(nodes_[id].address);
    nodes_[id].error = Error(ErrorCode::NoRecords, Op::Resolve, Origin::Remote,
                             "none of the " + std::to_string(texts.size()) + " records of " + question.to_string() +
                                 " is a dnsaddr" + (rest.empty() ? "" : " that ends in " + rest.to_string()));
  }
  return used;
}

// False for text that is not for us: something else than dnsaddr, no multiaddr, another peer's, or over a limit.
bool Expansion::take_text(NodeId id, const std::string& text, std::size_t taken) {
  if (!text.starts_with(kDnsaddrPrefix)) return false;
  const auto record = Multiaddr::from_string(std::string_view(text).substr(kDnsaddrPrefix.size()));
  if (!record) return false;
  auto address = match_dnsaddr(*record, rest_of(nodes_[id].address));
  if (!address) return false;
  const bool name = begins_with_name(*address);
  if (taken >= limits_.max_txt_records || (name ? out_of_lookups_ : addresses_ >= limits_.max_addresses)) {
    ++dropped_;
    return false;
  }
  if (!name) ++addresses_;
  const NodeId child = add(*std::move(address), id);
  nodes_[id].children[std::size_t(io::RecordType::Txt)].push_back(child);
  open(child);
  return true;
}

void Expansion::stop(const Error& error) {
  for (const Ask& ask : take_questions()) (void)answer(ask, std::unexpected(error));
}

void Expansion::collect(Resolution& into) const {
  for (const NodeId root : roots_) collect_from(root, into);
}

void Expansion::take_found(Resolution& into) {
  for (NodeId id = 0; id < nodes_.size(); ++id) {
    Node& node = nodes_[id];
    const bool failed = node.is_name && node.error && node.open == 0 && !node.has_children();
    if (node.taken || (node.is_name && !failed)) continue;
    node.taken = true;
    if (failed)
      into.failures.push_back({path_to(id), *node.error});
    else
      into.addresses.push_back(found_at(id));
  }
}

void Expansion::collect_from(NodeId id, Resolution& into) const {
  const Node& node = nodes_[id];
  if (!node.is_name) return into.addresses.push_back(found_at(id));
  for (const auto& children : node.children)
    for (const NodeId child : children) collect_from(child, into);
  if (!node.has_children() && node.error) into.failures.push_back({path_to(id), *node.error});
}

ResolvedAddress Expansion::found_at(NodeId id) const {
  const Node& node = nodes_[id];
  ResolvedAddress found{node.address, {}, node.host_name};
  if (node.parent) found.path = path_to(*node.parent);
  return found;
}

std::vector<Multiaddr> Expansion::path_to(NodeId id) const {
  std::vector<Multiaddr> path;
  for (std::optional<NodeId> at = id; at; at = nodes_[*at].parent) path.push_back(nodes_[*at].address);
  std::ranges::reverse(path);
  return path;
}

}  // namespace starling::names
