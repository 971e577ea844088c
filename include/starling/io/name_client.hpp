// NameClient: asks name servers one question at a time. The real side is c-ares on the system's resolvers or on given
// ones, the simulated side the world's own table, and the names layer adds DNS over HTTPS. Nothing is cached here.
// Threading: the reactor's thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/io/network.hpp"

namespace starling::io {

enum class RecordType : std::uint8_t { A, Aaaa, Txt };
std::string_view to_string(RecordType type);  // "A", "AAAA", "TXT"

struct NameQuestion {
  std::string name;  // without a final dot
  RecordType type = RecordType::A;
  std::string to_string() const;  // "TXT _dnsaddr.example.org"
  friend auto operator<=>(const NameQuestion&, const NameQuestion&) = default;
};

/// What a server said. Only the list of the asked type has anything in it.
struct NameRecords {
  std::vector<IpAddress> addresses;
  std::vector<std::string> texts;  // the strings of one TXT record put together
  Duration ttl{};                  // the shortest of the records'
};

/// Resource: nobody waits in look_up() when it dies.
class NameClient {
 public:
  virtual ~NameClient() = default;
  /// At least one record, or an error: NameNotFound (no such name), NoRecords (none of that type), NameServerFailed,
  /// Timeout, LimitExceeded. Cancellable.
  virtual Task<Result<NameRecords>> look_up(NameQuestion question) = 0;
  /// Whom it asks, for errors and reports: "127.0.0.53:53".
  virtual std::string description() const = 0;
};

struct NameClientOptions {
  std::vector<Endpoint> servers;                 // empty: those of `resolv_conf`, read again when it changes
  std::string resolv_conf = "/etc/resolv.conf";  // the real side's only
  std::uint16_t resolv_conf_port = 53;           // of the servers named there
  Duration query_timeout;                        // one try at one server; doubles with each round
  int tries;                                     // rounds over all servers
  std::size_t max_pending;                       // lookups at once; more are refused
};

/// The answer to a question that no server is asked: an address written as a name, localhost, invalid and onion
/// (RFC 6761, RFC 7686), and what is no name of letters, digits, '-' and '_' in DNS's lengths (InvalidArgument).
/// Nullopt for every other name.
std::optional<Result<NameRecords>> answer_without_server(const NameQuestion& question);

}  // namespace starling::io
