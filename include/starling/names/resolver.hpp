// Resolver: turns /dns, /dns4, /dns6 and /dnsaddr in front of multiaddrs into addresses that can be dialed, with a
// cache, joined lookups, and bounds on everything that an answer could make grow.
// spec: addressing/README.md, "dnsaddr"; multiformats/multiaddr, protocols/DNSADDR.md. Threading: the reactor's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "starling/io/name_client.hpp"
#include "starling/names/resolution.hpp"

namespace starling::names {

class AnswerCache;

struct ResolverOptions {
  Duration lookup_timeout;       // one question, all tries together
  std::size_t max_depth;         // dnsaddr lookups one below the other
  std::size_t max_lookups;       // questions of one resolve()
  std::size_t max_addresses;     // that one resolve() finds; more are dropped
  std::size_t max_txt_records;   // of one answer, after those of other peers are sorted out; more are dropped
  std::size_t max_answer_bytes;  // of one answer's TXT records; more are dropped
  std::size_t max_pending;       // questions at once, all together
  std::size_t cache_entries;
  Duration min_ttl, max_ttl;  // what the records say is brought into this range
  Duration negative_ttl;      // of "no such name" and "no such records"
  Duration resolution_delay;  // how long a name's IPv4 addresses wait for its IPv6 ones. RFC 8305, section 3
};

/// What one question came to.
struct Answer {
  Result<io::NameRecords> records;
  std::string server;  // who said so
  bool cached = false;
};

/// What became of the questions of one type. Never reset.
struct QuestionCounters {
  std::uint64_t asked = 0, cached = 0, joined = 0;  // of a server; answered from the cache; with somebody else's
  std::uint64_t failed = 0;                         // of those asked
};
struct ResolverCounters {
  std::array<QuestionCounters, 3> by_type;  // io::RecordType
  std::uint64_t refused_pending = 0, dropped_records = 0;
  const QuestionCounters& of(io::RecordType type) const { return by_type[std::size_t(type)]; }
};

/// Resource: close() it before it dies, after those who wait in it were cancelled.
class Resolver {
 public:
  /// `clients`: by domain suffix ("." for every name, "eth" for eth and what is below it); the longest that fits is
  /// asked. Names without a dot go to `system`, as do those that no suffix fits.
  Resolver(io::Reactor& reactor, const ResolverOptions& options, std::unique_ptr<io::NameClient> system,
           std::map<std::string, std::unique_ptr<io::NameClient>> clients = {});
  ~Resolver();

  /// Follows the names in front of each address. Never fails as a whole: what came to nothing is in the failures, each
  /// with its error (NameNotFound, NoRecords, NameServerFailed, NameLoop, LimitExceeded, Timeout, InvalidArgument, or
  /// the cancel's).
  /// `on_part`, if given, is told what is known as soon as it is, each address and failure once: so a slow name holds
  /// up no other. The whole comes back in the end all the same.
  using OnPart = std::function<void(const Resolution& part)>;
  io::Task<Resolution> resolve(std::vector<Multiaddr> addresses, OnPart on_part = {});

  /// One question, through the cache. Cancelling one of several who wait for it leaves it to the others.
  io::Task<Answer> look_up(io::NameQuestion question);

  /// Forgets all answers: after the machine moved to another network.
  void clear_cache();
  /// Ends the lookups under way and waits for them.
  io::Task<void> close();
  const ResolverCounters& counters() const { return counters_; }

 private:
  struct Pending;
  struct Asking;
  io::NameClient& client_for(const std::string& name);
  io::Task<void> run_lookup(Pending& pending);
  io::Task<Answer> wait_for(Pending& pending);
  io::Task<void> ask(Asking& asking, std::size_t node, io::NameQuestion question);
  io::Task<void> give_ipv6_time(Asking& asking, std::size_t node);
  void trim(io::NameRecords& records);
  QuestionCounters& count(const io::NameQuestion& question) { return counters_.by_type[std::size_t(question.type)]; }

  io::Reactor& reactor_;
  ResolverOptions options_;
  std::unique_ptr<io::NameClient> system_;
  std::map<std::string, std::unique_ptr<io::NameClient>> clients_;
  std::unique_ptr<AnswerCache> cache_;
  std::map<io::NameQuestion, std::unique_ptr<Pending>> pending_;
  ResolverCounters counters_;
  io::TaskGroup tasks_;
};

/// Whether the address begins with a name that has to be resolved.
bool begins_with_name(const Multiaddr& address);

}  // namespace starling::names
