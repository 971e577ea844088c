#include "starling/names/resolver.hpp"

#include <set>
#include <utility>

#include "names/cache.hpp"
#include "names/expansion.hpp"

namespace starling::names {

// One question under way, and those who wait for its answer. The last to leave removes it.
struct Resolver::Pending {
  io::NameQuestion question;
  std::optional<Answer> answer;
  std::size_t waiting = 0;
  io::WaitQueue answered;
};

// One resolve(): lives in its frame.
struct Resolver::Asking {
  Expansion expansion;
  std::vector<LookupStep> steps = {};
  std::set<std::size_t> ipv6_open = {};  // nodes whose AAAA records are still being asked for
  io::WaitQueue changed = {};
};

namespace {

void tell_part(Expansion& expansion, const Resolver::OnPart& on_part) {
  if (!on_part) return;
  Resolution part;
  expansion.take_found(part);
  if (!part.addresses.empty() || !part.failures.empty()) on_part(part);
}

}  // namespace

Resolver::Resolver(io::Reactor& reactor, const ResolverOptions& options, std::unique_ptr<io::NameClient> system,
                   std::map<std::string, std::unique_ptr<io::NameClient>> clients)
    : reactor_(reactor),
      options_(options),
      system_(std::move(system)),
      clients_(std::move(clients)),
      cache_(std::make_unique<AnswerCache>(options_)),
      tasks_(reactor) {}

Resolver::~Resolver() { STARLING_ASSERT(pending_.empty(), "close() the resolver before it dies"); }

io::NameClient& Resolver::client_for(const std::string& name) {
  if (name.find('.') == std::string::npos) return *system_;
  for (std::size_t at = 0; at != std::string::npos;) {
    if (const auto found = clients_.find(name.substr(at)); found != clients_.end()) return *found->second;
    at = name.find('.', at);
    if (at != std::string::npos) ++at;
  }
  const auto all = clients_.find(".");
  return all != clients_.end() ? *all->second : *system_;
}

io::Task<Answer> Resolver::look_up(io::NameQuestion question) {
  if (auto known = cache_->find(question, reactor_.now())) {
    ++count(question).cached;
    co_return *std::move(known);
  }
  if (const auto known = pending_.find(question); known != pending_.end()) {
    ++count(question).joined;
    co_return co_await wait_for(*known->second);
  }
  if (pending_.size() >= options_.max_pending) {
    ++counters_.refused_pending;
    co_return Answer{fail(ErrorCode::LimitExceeded, Op::Resolve, Origin::Limit,
                          question.to_string() + ": dns.max_pending = " + std::to_string(options_.max_pending)),
                     {}};
  }
  auto& slot = pending_[question];
  slot = std::make_unique<Pending>(question);
  if (!tasks_.spawn(run_lookup(*slot))) {
    slot->answer = Answer{fail(ErrorCode::Closed, Op::Resolve, Origin::Local, question.to_string()), {}};
  }
  co_return co_await wait_for(*slot);
}

io::Task<Answer> Resolver::wait_for(Pending& pending) {
  ++pending.waiting;
  Status waited;
  while (!pending.answer && waited) waited = co_await pending.answered.wait();
  Answer answer = pending.answer
                      ? *pending.answer
                      : Answer{std::unexpected(waited.error()), client_for(pending.question.name).description()};
  if (--pending.waiting == 0 && pending.answer) pending_.erase(io::NameQuestion(pending.question));
  co_return answer;
}

// Goes on without those who asked: the next one finds the answer in the cache.
io::Task<void> Resolver::run_lookup(Pending& pending) {
  ++count(pending.question).asked;
  io::NameClient& client = client_for(pending.question.name);
  auto records = co_await io::with_deadline(
      options_.lookup_timeout,
      io::timeout_error(Op::Resolve, pending.question.to_string() + " from " + client.description()),
      client.look_up(pending.question));
  if (records) {
    trim(*records);
  } else {
    ++count(pending.question).failed;
  }
  pending.answer = Answer{std::move(records), client.description()};
  cache_->keep(pending.question, *pending.answer, reactor_.now());
  pending.answered.notify_all();
  if (pending.waiting == 0) pending_.erase(io::NameQuestion(pending.question));
}

void Resolver::trim(io::NameRecords& records) {
  std::size_t bytes = 0, kept = 0;
  while (kept < records.texts.size() && bytes + records.texts[kept].size() <= options_.max_answer_bytes)
    bytes += records.texts[kept++].size();
  counters_.dropped_records += records.texts.size() - kept;
  records.texts.resize(kept);
}

io::Task<Resolution> Resolver::resolve(std::vector<Multiaddr> addresses, OnPart on_part) {
  const ExpansionLimits limits{options_.max_depth, options_.max_lookups, options_.max_addresses,
                               options_.max_txt_records};
  Asking asking{.expansion = Expansion(std::move(addresses), limits)};
  const io::TaskContext context = co_await io::current_context();
  io::TaskGroup group(reactor_, context.scope);
  Status waited;
  while (waited) {
    const auto questions = asking.expansion.take_questions();
    for (const Expansion::Ask& each : questions)
      if (each.question.type == io::RecordType::Aaaa) asking.ipv6_open.insert(each.node);
    for (const Expansion::Ask& each : questions) group.spawn(ask(asking, each.node, each.question));
    tell_part(asking.expansion, on_part);
    if (asking.expansion.done()) break;
    waited = co_await asking.changed.wait();
  }
  co_await group.close(waited ? std::nullopt : std::optional<Error>(waited.error()));
  if (!waited) asking.expansion.stop(waited.error());
  tell_part(asking.expansion, on_part);
  counters_.dropped_records += asking.expansion.dropped();
  Resolution resolution;
  resolution.steps = std::move(asking.steps);
  asking.expansion.collect(resolution);
  co_return resolution;
}

io::Task<void> Resolver::ask(Asking& asking, std::size_t node, io::NameQuestion question) {
  const TimePoint start = reactor_.now();
  Answer answer = co_await look_up(question);
  LookupStep step{.question = question,
                  .server = std::move(answer.server),
                  .cached = answer.cached,
                  .took = reactor_.now() - start};
  if (answer.records) {
    step.records = answer.records->addresses.size() + answer.records->texts.size();
  } else {
    step.error = answer.records.error();
  }
  if (question.type == io::RecordType::Aaaa) asking.ipv6_open.erase(node);
  if (question.type == io::RecordType::A && answer.records) co_await give_ipv6_time(asking, node);
  step.used = asking.expansion.answer({node, std::move(question)}, answer.records);
  asking.steps.push_back(std::move(step));
  asking.changed.notify_all();
}

// IPv4 addresses that come first wait a little for the IPv6 ones, which would be dialed first. RFC 8305, section 3
io::Task<void> Resolver::give_ipv6_time(Asking& asking, std::size_t node) {
  struct Steps {
    static io::Task<Status> answered(Asking& asking, std::size_t node) {
      while (asking.ipv6_open.contains(node)) STARLING_CO_CHECK(co_await asking.changed.wait());
      co_return Status{};
    }
  };
  if (!asking.ipv6_open.contains(node)) co_return;
  (void)co_await io::with_deadline(options_.resolution_delay, io::timeout_error(Op::Resolve, "dns.resolution_delay"),
                                   Steps::answered(asking, node));
}

void Resolver::clear_cache() { cache_->clear(); }

io::Task<void> Resolver::close() {
  co_await tasks_.close(Error(ErrorCode::Closed, Op::Resolve, Origin::Local, "the node is shutting down"));
}

}  // namespace starling::names
