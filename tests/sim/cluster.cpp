#include "sim/cluster.hpp"

#include <algorithm>
#include <set>

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxComplaints = 20;

runtime::Options node_options(const ClusterOptions& options) {
  runtime::Options node = deterministic_options();
  node.host.identify = options.identify;
  return node;
}

}  // namespace

Duration between(Random& random, Duration low, Duration high) {
  return low + Duration(std::int64_t(random.below(std::uint64_t((high - low).count()))));
}

Cluster::Cluster(ClusterOptions options)
    : options_(options), world_(options.seed), targets_(options.hosts), tasks_(world_.reactor()) {
  for (std::size_t i = 0; i < options_.hosts; ++i) {
    nodes_.push_back(std::make_unique<SimNode>(
        world_.add_host({.access_latency = between(world_.random(), 0ms, options_.max_access_latency)}),
        node_options(options_)));
    numbers_.emplace(nodes_.back()->id(), i);
  }
  for (std::size_t i = 0; i < options_.hosts; ++i) {
    std::set<std::size_t> chosen;
    while (chosen.size() < std::min(options_.dials_per_host, options_.hosts - 1)) {
      const std::size_t other = world_.random().below(options_.hosts);
      if (other != i) chosen.insert(other);
    }
    targets_[i].assign(chosen.begin(), chosen.end());
  }
}

void Cluster::start() {
  for (auto& node : nodes_) {
    node->start();
    watch(*node);
  }
  for (std::size_t i = 0; i < size(); ++i) begin_life(i);
}

void Cluster::live_again() {
  for (std::size_t i = 0; i < size(); ++i)
    if (nodes_[i]->up()) begin_life(i);
}

void Cluster::begin_life(std::size_t number) {
  ++living_;
  nodes_[number]->tasks().spawn(life(number));
}

// Every connection that ends says why.
void Cluster::watch(SimNode& node) {
  subscriptions_.push_back(
      node.host().events().subscribe<host::PeerDisconnected>([this](const host::PeerDisconnected& event) {
        using By = transport::CloseReason::By;
        const auto& reason = event.reason;
        ++(reason.by == By::Local    ? counts_.local_closes
           : reason.by == By::Remote ? counts_.remote_closes
                                     : counts_.failures);
        if (reason.by == By::Failure && !reason.error) complain("a connection failed without an error");
      }));
}

io::Task<void> Cluster::life(std::size_t number) {
  SimNode& self = *nodes_[number];
  Random& random = self.machine().world().random;
  Status alive = co_await io::sleep_for(world_.reactor(), between(random, 0ms, 2s));
  for (std::size_t i = 0; alive && i < targets_[number].size(); ++i) {
    co_await dial(self, *nodes_[targets_[number][i]]);
    alive = co_await io::yield();
  }
  for (std::size_t i = 0; alive && i < options_.ping_rounds; ++i) {
    alive = co_await io::sleep_for(world_.reactor(), between(random, 200ms, 2s));
    if (alive) co_await ping_all(self);
  }
  --living_;
  changed_.notify_all();
}

io::Task<void> Cluster::dial(SimNode& self, SimNode& target) {
  const std::uint64_t life = target.life(), epoch = epoch_;
  const bool expected = expected_ && target.up();
  const TimePoint start = world_.now();
  swarm::DialReport report;
  ++counts_.dials;
  const auto connected = co_await self.host().connect(target.id(), {target.listen_address()}, &report);
  if (world_.now() - start > self.node().options().swarm.dial_timeout) complain("a dial took longer than its time-out");
  if (connected) co_return;
  ++counts_.dials_failed;
  if (!report.error && !(connected.error() == ErrorCode::Cancelled))
    complain("a dial failed without a report: " + connected.error().message());
  if (expected && epoch == epoch_ && self.up() && target.up() && target.life() == life)
    complain("a dial of a living node failed: " + connected.error().message());
}

io::Task<void> Cluster::ping_all(SimNode& self) {
  std::set<std::size_t> peers;  // by number: PeerId order would do as well, table order would not
  for (const swarm::Link* link : self.host().swarm().connections()) peers.insert(numbers_.at(link->peer()));
  for (const std::size_t peer : peers) {
    if ((co_await io::current_context()).scope->cancelled() != nullptr) co_return;
    co_await ping(self, *nodes_[peer]);
  }
}

// A ping must come back when both ends lived all the time, since before the connection was made.
io::Task<void> Cluster::ping(SimNode& self, SimNode& target) {
  const swarm::Link* link = self.host().swarm().find(target.id());
  if (link == nullptr) co_return;
  const std::uint64_t life = target.life(), epoch = epoch_;
  const bool expected = expected_ && target.up() && target.up_since() <= link->info().opened_at;
  const Status status = co_await exchange_pings(self, target);
  if (status) co_return;
  ++counts_.pings_lost;
  if (expected && epoch == epoch_ && self.up() && target.up() && target.life() == life)
    complain("a ping got lost: " + status.error().message());
}

io::Task<Status> Cluster::exchange_pings(SimNode& self, SimNode& target) {
  STARLING_CO_TRY(ping::Pinger pinger,
                  co_await ping::Pinger::open(self.host(), target.id(), self.node().ping_options()));
  for (std::size_t i = 0; i < options_.pings_per_round; ++i) {
    STARLING_CO_CHECK(co_await pinger.ping());
    ++counts_.pings;
  }
  co_return co_await pinger.close();
}

io::Task<void> Cluster::settle() {
  while (living_ > 0 || down_ > 0) (void)co_await changed_.wait();
}

void Cluster::crash(std::size_t number, io::SimCrash how, Duration down_for) {
  if (!nodes_[number]->up() || !going_down_.insert(number).second) return;
  ++counts_.crashes;
  ++down_;
  nodes_[number]->machine().crash(how);
  tasks_.spawn(go_down_and_up(number, down_for));
}

io::Task<void> Cluster::go_down_and_up(std::size_t number, Duration down_for) {
  SimNode& node = *nodes_[number];
  co_await stop_node(node);
  (void)co_await io::sleep_for(world_.reactor(), down_for);
  node.machine().restart();
  node.start();
  going_down_.erase(number);
  watch(node);
  --down_;
  begin_life(number);
}

io::Task<void> Cluster::stop_node(SimNode& node) {
  co_await node.stop();
  const SimNode::Last& last = node.last();
  counts_.opened += last.swarm.connections_opened;
  counts_.closed += last.swarm.connections_closed;
  counts_.identified += last.host.identify_ok;
  if (last.still_open != 0) complain("a closed node has connections or streams");
}

io::Task<void> Cluster::stop() {
  co_await tasks_.join();
  for (auto& node : nodes_)
    if (node->up()) tasks_.spawn(stop_node(*node));
  co_await tasks_.join();
}

std::size_t Cluster::still_open() {
  std::size_t open = world_.reactor().armed_timers();
  for (auto& node : nodes_) open += node->machine().open_descriptors();
  return open;
}

void Cluster::complain(std::string what) {
  if (complaints_.size() < kMaxComplaints) complaints_.push_back(std::move(what));
}

}  // namespace starling::testing
