#include <bit>

#include "io/sim/host.hpp"
#include "io/sim/world_state.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

constexpr int kMaxPartitions = 64;

SimWorldOptions with_seed(std::uint64_t seed) {
  SimWorldOptions options;
  options.seed = seed;
  return options;
}

// 11.0.0.1, 11.0.0.2, …: addresses that count as public.
IpAddress made_up_address(std::uint32_t number) {
  const std::uint32_t host = number + 1;
  return IpAddress::v4({11, std::uint8_t(host >> 16), std::uint8_t(host >> 8), std::uint8_t(host)});
}

}  // namespace

World SimHost::world() { return {host_.reactor(), host_, host_.random()}; }
const std::string& SimHost::name() const { return host_.options().name; }
const std::vector<IpAddress>& SimHost::addresses() const { return host_.options().addresses; }
void SimHost::set_addresses(std::vector<IpAddress> addresses) { host_.set_addresses(std::move(addresses)); }
Endpoint SimHost::at(std::uint16_t port) const { return {addresses().front(), port}; }
void SimHost::crash(SimCrash how) { host_.crash(how); }
void SimHost::restart() { host_.restart(); }
bool SimHost::running() const { return host_.running(); }
std::size_t SimHost::open_descriptors() const { return host_.open_descriptors(); }

SimWorld::SimWorld(SimWorldOptions options) : state_(std::make_unique<sim::WorldState>(options)) {}
SimWorld::SimWorld(std::uint64_t seed) : SimWorld(with_seed(seed)) {}
SimWorld::~SimWorld() = default;

SimReactor& SimWorld::reactor() { return state_->reactor; }
Random& SimWorld::random() { return *state_->random; }

SimHost& SimWorld::add_host(SimHostOptions options) {
  const auto number = std::uint32_t(state_->hosts.size());
  if (options.name.empty()) options.name = "h" + std::to_string(number);
  if (options.addresses.empty()) options.addresses.push_back(made_up_address(number));
  auto& host = state_->hosts.emplace_back(std::make_unique<sim::Host>(*state_, number, std::move(options)));
  host->enter_addresses();
  return *handles_.emplace_back(std::unique_ptr<SimHost>(new SimHost(*host)));
}

std::size_t SimWorld::host_count() const { return handles_.size(); }
SimHost& SimWorld::host(std::size_t number) { return *handles_.at(number); }

void SimWorld::set_link(const SimHost& a, const SimHost& b, const SimLink& link) {
  state_->path(a.host_, b.host_).set_link(link);
  state_->path(b.host_, a.host_).set_link(link);
}

void SimWorld::set_default_link(const SimLink& link) { state_->options.link = link; }

void SimWorld::set_name(std::string name, std::vector<IpAddress> addresses, Duration ttl) {
  NameRecords four{.addresses = {}, .texts = {}, .ttl = ttl}, six = four;
  for (const IpAddress& address : addresses) (address.is_v4() ? four : six).addresses.push_back(address);
  state_->names[{name, RecordType::A}] = std::move(four);
  state_->names[{std::move(name), RecordType::Aaaa}] = std::move(six);
}

void SimWorld::set_txt(std::string name, std::vector<std::string> texts, Duration ttl) {
  state_->names[{std::move(name), RecordType::Txt}] = {.addresses = {}, .texts = std::move(texts), .ttl = ttl};
}

void SimWorld::set_names_silent(bool silent) { state_->names_silent = silent; }

int SimWorld::partition(std::span<SimHost* const> a, std::span<SimHost* const> b) {
  const int number = std::countr_one(state_->partitions);
  STARLING_ASSERT(number < kMaxPartitions, "too many partitions at a time");
  state_->partitions |= std::uint64_t{1} << number;
  for (SimHost* host : a) host->host_.join_partition(number, /*side_a=*/true);
  for (SimHost* host : b) host->host_.join_partition(number, /*side_a=*/false);
  state_->record({sim::TraceKind::Partition, 0, 0, 0, 0, std::uint64_t(number)});
  return number;
}

int SimWorld::partition(SimHost& a, SimHost& b) {
  SimHost* const first[] = {&a};
  SimHost* const second[] = {&b};
  return partition(first, second);
}

void SimWorld::heal(int partition) {
  const std::uint64_t bit = std::uint64_t{1} << partition;
  if ((state_->partitions & bit) == 0) return;
  state_->partitions &= ~bit;
  for (const auto& host : state_->hosts) host->leave_partitions(bit);
  state_->record({sim::TraceKind::Heal, 0, 0, 0, 0, std::uint64_t(partition)});
  state_->resume_stalled();
}

void SimWorld::heal_all() {
  for (int number = 0; number < kMaxPartitions; ++number) heal(number);
}

std::uint64_t SimWorld::trace_hash() const { return state_->trace.hash(); }
void SimWorld::trace_to(std::function<void(std::string_view)> sink) { state_->trace.set_sink(std::move(sink)); }
const SimCounters& SimWorld::counters() const { return state_->counters; }

}  // namespace starling::io
