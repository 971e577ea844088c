// What a node shows of addresses: connected peers, the book, and its own. For /debug/p2p/peers, book and addresses.
#pragma once

#include <boost/json/value.hpp>

#include "starling/runtime/node.hpp"

namespace starling::runtime {

inline constexpr std::size_t kMaxPeersShown = 1000;  // of one page

/// Each connection; at most kMaxPeersShown.
boost::json::value peers_page(Node& node);
/// What the book knows, of at most kMaxPeersShown peers; its size, and what it refused and dropped.
boost::json::value book_page(Node& node);
/// Each address that could be announced with the reason why it is or is not; what others see of us.
boost::json::value addresses_page(Node& node);

/// Gauges and counters of the book, its store, and what others see of us.
void address_metrics(Node& node, diagnostics::Metrics& out);

}  // namespace starling::runtime
