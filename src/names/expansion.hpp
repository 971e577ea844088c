// Expansion: the tree of what given addresses resolve to. A machine: questions out, answers in, in any order; the
// result does not depend on that order unless a limit is passed. spec: addressing/README.md, "dnsaddr". Pure.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "starling/io/name_client.hpp"
#include "starling/names/resolution.hpp"

namespace starling::names {

struct ExpansionLimits {
  std::size_t max_depth;        // dnsaddr lookups one below the other
  std::size_t max_lookups;      // questions, all together
  std::size_t max_addresses;    // found, all together
  std::size_t max_txt_records;  // that fit, of one answer
};

class Expansion {
 public:
  using NodeId = std::size_t;
  struct Ask {
    NodeId node;
    io::NameQuestion question;
  };

  Expansion(std::vector<Multiaddr> given, const ExpansionLimits& limits);

  /// To be asked now, each once.
  std::vector<Ask> take_questions() { return std::exchange(to_ask_, {}); }
  /// To a question that was taken; once. Returns how many of the records became addresses.
  std::size_t answer(const Ask& ask, const Result<io::NameRecords>& records);
  /// No question is open any more.
  bool done() const { return open_ == 0; }
  /// Gives up the questions that nobody took.
  void stop(const Error& error);
  /// Addresses and failures so far.
  void collect(Resolution& into) const;
  /// Those of them that this call has not given before. A name has failed when none of its questions is open.
  void take_found(Resolution& into);
  /// Records that limits kept out.
  std::size_t dropped() const { return dropped_; }

 private:
  struct Node {
    Multiaddr address;
    std::optional<NodeId> parent;
    std::size_t depth = 0;  // dnsaddr lookups above
    std::string host_name;
    std::array<std::vector<NodeId>, 3> children;  // by record type
    std::optional<Error> error;
    std::size_t open = 0;  // questions
    bool is_name = false, taken = false;
    bool has_children() const {
      return std::any_of(children.begin(), children.end(), [](const auto& of_type) { return !of_type.empty(); });
    }
  };

  NodeId add(Multiaddr address, std::optional<NodeId> parent);
  void open(NodeId node);
  std::optional<Error> refusal(NodeId node, std::string_view name) const;
  std::size_t take_addresses(NodeId node, const std::vector<io::IpAddress>& addresses);
  std::size_t take_texts(NodeId node, const io::NameQuestion& question, const std::vector<std::string>& texts);
  bool take_text(NodeId node, const std::string& text, std::size_t taken);
  void collect_from(NodeId node, Resolution& into) const;
  ResolvedAddress found_at(NodeId node) const;
  std::vector<Multiaddr> path_to(NodeId node) const;

  ExpansionLimits limits_;
  std::vector<Node> nodes_;
  std::vector<NodeId> roots_;
  std::vector<Ask> to_ask_;
  std::size_t open_ = 0, lookups_ = 0, addresses_ = 0, dropped_ = 0;
  bool out_of_lookups_ = false;
};

/// `record` as the answer to a dnsaddr that `rest` followed: itself if it ends in `rest`; with the relayed part of
/// `rest` behind it if it ends in what stands before; nullopt if it is of another peer.
std::optional<Multiaddr> match_dnsaddr(const Multiaddr& record, const Multiaddr& rest);

}  // namespace starling::names
