#include "starling/swarm/connection_manager.hpp"

#include <algorithm>
#include <utility>

#include "starling/base/assert.hpp"

namespace starling::swarm {
namespace {

std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

// One interval of decay, towards zero from either side.
std::int64_t decayed(std::int64_t value, const Decay& decay) {
  const bool negative = value < 0;
  const std::uint64_t size = negative ? 0 - std::uint64_t(value) : std::uint64_t(value);
  std::uint64_t left = size / 100 * decay.keep_percent + size % 100 * decay.keep_percent / 100;
  left -= std::min<std::uint64_t>(left, std::uint64_t(std::max<std::int64_t>(0, decay.subtract)));
  return negative ? std::int64_t(0 - left) : std::int64_t(left);
}

}  // namespace

std::string_view to_string(Eviction reason) {
  constexpr std::string_view kNames[] = {"hard_cap", "high_water", "idle"};
  return kNames[std::size_t(reason)];
}

Lease::Lease(ConnectionManager& manager, const PeerId& peer, std::string reason)
    : manager_(&manager), peer_(peer), reason_(std::move(reason)) {
  manager.leases_.push_back(*this);
  ++manager.record(peer).leases[reason_];
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  end();
  manager_ = std::exchange(other.manager_, nullptr);
  peer_ = other.peer_;
  reason_ = std::move(other.reason_);
  other.unlink();
  if (manager_ != nullptr) manager_->leases_.push_back(*this);
  return *this;
}

void Lease::end() {
  if (manager_ == nullptr) return;
  unlink();
  ConnectionManager& manager = *std::exchange(manager_, nullptr);
  auto& leases = manager.record(peer_).leases;
  if (const auto found = leases.find(reason_); --found->second == 0) leases.erase(found);
  manager.forget_if_unneeded(peer_);
}

Activity::Activity(ConnectionManager& manager, ConnectionId connection, Direction direction)
    : connection_(connection), direction_(direction) {
  const auto found = manager.entries_.find(connection);
  if (found == manager.entries_.end()) return;
  manager_ = &manager;
  manager.activities_.push_back(*this);
  ConnectionManager::Entry& entry = found->second;
  ++(direction == Direction::Outbound ? entry.requests : entry.serving);
  entry.was_used = true;
}

Activity& Activity::operator=(Activity&& other) noexcept {
  if (this == &other) return *this;
  end();
  manager_ = std::exchange(other.manager_, nullptr);
  connection_ = other.connection_;
  direction_ = other.direction_;
  other.unlink();
  if (manager_ != nullptr) manager_->activities_.push_back(*this);
  return *this;
}

void Activity::end() {
  if (manager_ == nullptr) return;
  unlink();
  ConnectionManager& manager = *std::exchange(manager_, nullptr);
  const auto found = manager.entries_.find(connection_);
  if (found == manager.entries_.end()) return;  // the connection went first
  --(direction_ == Direction::Outbound ? found->second.requests : found->second.serving);
}

std::int64_t ConnectionManager::Decaying::at(TimePoint now) const {
  std::int64_t left = value;
  for (auto intervals = (now - as_of) / decay->interval; intervals > 0 && left != 0; --intervals) {
    const std::int64_t next = decayed(left, *decay);
    if (next == left) break;
    left = next;
  }
  return left;
}

std::int64_t ConnectionManager::Tags::value(TimePoint now) const {
  std::int64_t sum = fixed_sum;
  for (const Decaying& each : decaying) sum = add(sum, each.at(now));
  return sum;
}

ConnectionManager::ConnectionManager(const ConnectionManagerOptions& options)
    : options_(options), known_(std::max<std::size_t>(1, options.max_known_peers)) {}

ConnectionManager::~ConnectionManager() {
  while (!leases_.empty()) leases_.pop_front().manager_ = nullptr;
  while (!activities_.empty()) activities_.pop_front().manager_ = nullptr;
}

ConnectionManager::Peer& ConnectionManager::record(const PeerId& peer) {
  const auto [place, added] = peers_.try_emplace(peer);
  if (!added) return place->second;
  if (Tags* tags = known_.find(peer)) {
    place->second.tags = std::move(*tags);
    known_.erase(peer);
  }
  return place->second;
}

// Its tags stay, among those of the peers that were in use last.
void ConnectionManager::forget_if_unneeded(const PeerId& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || found->second.needed()) return;
  if (found->second.tags.size() > 0 && options_.max_known_peers > 0)
    (void)known_.put(peer, std::move(found->second.tags));
  peers_.erase(found);
}

const ConnectionManager::Tags* ConnectionManager::tags_of(const PeerId& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() ? &found->second.tags : known_.peek(peer);
}

Status ConnectionManager::tag(const PeerId& peer, const std::string& name, std::int64_t value) {
  Tags& tags = record(peer).tags;
  const auto known = tags.fixed.find(name);
  Status status;
  if (known == tags.fixed.end() && value != 0 && tags.size() >= options_.max_tags_per_peer) {
    status = too_many_tags();
  } else if (value == 0) {
    if (known != tags.fixed.end()) tags.fixed.erase(known);
  } else {
    tags.fixed.insert_or_assign(name, value);
  }
  tags.fixed_sum = 0;
  for (const auto& [each, worth] : tags.fixed) tags.fixed_sum = add(tags.fixed_sum, worth);
  forget_if_unneeded(peer);
  return status;
}

void ConnectionManager::define(const std::string& name, const Decay& decay) {
  STARLING_ASSERT(decay.interval > Duration::zero() && decay.keep_percent <= 100, "a decaying tag decays");
  const bool added = decays_.emplace(name, decay).second;
  STARLING_ASSERT(added, "a decaying tag is defined once");
}

Status ConnectionManager::bump(const PeerId& peer, const std::string& name, std::int64_t delta, TimePoint now) {
  const auto defined = decays_.find(name);
  if (defined == decays_.end())
    return fail(ErrorCode::NotFound, Op::Run, Origin::Local, "no decaying tag '" + name + "' is defined");
  Tags& tags = record(peer).tags;
  std::erase_if(tags.decaying, [&](const Decaying& each) { return each.at(now) == 0; });
  auto place = std::find_if(tags.decaying.begin(), tags.decaying.end(),
                            [&](const Decaying& each) { return each.name == &defined->first; });
  Status status;
  if (place == tags.decaying.end() && tags.size() >= options_.max_tags_per_peer) {
    status = too_many_tags();
  } else {
    if (place == tags.decaying.end()) place = tags.decaying.insert(place, {&defined->first, &defined->second, 0, now});
    place->value = std::min(defined->second.most, add(place->at(now), delta));
    place->as_of = now;
  }
  forget_if_unneeded(peer);
  return status;
}

std::unexpected<Error> ConnectionManager::too_many_tags() const {
  return fail(ErrorCode::LimitExceeded, Op::Run, Origin::Limit,
              "connections.max_tags_per_peer = " + std::to_string(options_.max_tags_per_peer));
}

std::int64_t ConnectionManager::value(const PeerId& peer, TimePoint now) const {
  const Tags* tags = tags_of(peer);
  return tags == nullptr ? 0 : tags->value(now);
}

void ConnectionManager::protect(const PeerId& peer, const std::string& name) { record(peer).protections.insert(name); }

bool ConnectionManager::unprotect(const PeerId& peer, const std::string& name) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return false;
  found->second.protections.erase(name);
  const bool still = !found->second.protections.empty();
  forget_if_unneeded(peer);
  return still;
}

bool ConnectionManager::is_protected(const PeerId& peer) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && !found->second.protections.empty();
}

bool ConnectionManager::leased(ConnectionId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && (found->second.requests > 0 || !found->second.record->leases.empty());
}

PeerStanding ConnectionManager::standing(const PeerId& peer, TimePoint now) const {
  PeerStanding standing;
  if (const Tags* tags = tags_of(peer)) {
    standing.value = tags->value(now);
    standing.tags = tags->fixed;
    for (const Decaying& each : tags->decaying) standing.tags[*each.name] = each.at(now);
  }
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return standing;
  standing.protections.assign(found->second.protections.begin(), found->second.protections.end());
  standing.leases = found->second.leases;
  return standing;
}

ConnectionManager::Worth ConnectionManager::worth(const Entry& entry, TimePoint now) const {
  return {entry.record->tags.value(now), entry.serving > 0, entry.direction == Direction::Outbound, entry.idle_since};
}

ToClose ConnectionManager::close(ConnectionId id, Entry& entry, Eviction reason) {
  entry.closing = true;
  count(entry, -1);
  ++(reason == Eviction::HardCap     ? counters_.closed_hard_cap
     : reason == Eviction::HighWater ? counters_.closed_high_water
                                     : counters_.closed_idle);
  return {id, reason};
}

// Streams end without telling the time: idleness begins when it is noticed, a silence period later at most.
void ConnectionManager::note_idle(TimePoint now) {
  for (auto& [id, entry] : entries_) {
    if (entry.requests + entry.serving > 0 || entry.was_used) entry.idle_since = now;
    entry.was_used = entry.requests + entry.serving > 0;
  }
}

void ConnectionManager::count(const Entry& entry, int change) {
  open_ += std::size_t(change);
  if (entry.direction == Direction::Inbound) inbound_ += std::size_t(change);
}

Error ConnectionManager::no_place(Direction direction, bool inbound_full) const {
  const std::size_t used = inbound_full ? inbound_ : open_;
  const std::size_t most = inbound_full ? options_.max_inbound : options_.max_connections;
  return Error(ErrorCode::LimitExceeded, direction == Direction::Outbound ? Op::Dial : Op::Accept, Origin::Limit,
               std::to_string(used) + " of " + std::to_string(most) + (inbound_full ? " inbound" : "") +
                   " connections in use, none of them less useful; this node's limit swarm.max_" +
                   (inbound_full ? "inbound_" : "") + "connections");
}

Result<std::optional<ToClose>> ConnectionManager::admit(const PeerId& peer, Direction direction, TimePoint now) {
  const bool ours = direction == Direction::Outbound;
  const bool inbound_full = !ours && inbound_ >= options_.max_inbound;
  if (open_ < options_.max_connections && !inbound_full) return std::optional<ToClose>();
  note_idle(now);
  const std::int64_t value = this->value(peer, now);
  auto least = entries_.end();
  for (auto each = entries_.begin(); each != entries_.end(); ++each) {
    const Entry& entry = each->second;
    if (entry.kept() || (inbound_full && entry.direction == Direction::Outbound)) continue;
    if (least != entries_.end() && worth(entry, now) >= worth(least->second, now)) continue;
    // Of two with the same value the newcomer is the better one if the other is idle and had its time, or if we want
    // the newcomer and the other only wanted us.
    const std::int64_t theirs = entry.record->tags.value(now);
    const bool settled = entry.serving == 0 && now - entry.opened_at >= options_.grace_period;
    const bool wanted = entry.serving == 0 && ours && entry.direction == Direction::Inbound;
    if (value > theirs || (value == theirs && (settled || wanted))) least = each;
  }
  if (least != entries_.end()) return close(least->first, least->second, Eviction::HardCap);
  ++counters_.refused;
  return std::unexpected(no_place(direction, inbound_full));
}

void ConnectionManager::opened(ConnectionId id, const PeerId& peer, Direction direction, TimePoint now) {
  Peer& known = record(peer);
  ++known.connections;
  const bool added =
      entries_
          .emplace(id,
                   Entry{.peer = peer, .record = &known, .direction = direction, .opened_at = now, .idle_since = now})
          .second;
  STARLING_ASSERT(added, "a connection opens once");
  count(entries_.at(id), 1);
}

void ConnectionManager::closed(ConnectionId id) {
  const auto found = entries_.find(id);
  STARLING_ASSERT(found != entries_.end(), "a connection closes after it opened");
  if (!found->second.closing) count(found->second, -1);
  --found->second.record->connections;
  const PeerId peer = found->second.peer;
  entries_.erase(found);
  forget_if_unneeded(peer);
}

bool ConnectionManager::crowded() const {
  return open_ > options_.high_water || (options_.idle_timeout > Duration::zero() && open_ > options_.low_water);
}

TimePoint ConnectionManager::next_deadline() const {
  return crowded() ? last_round_ + options_.silence_period : kNever;
}

std::vector<ToClose> ConnectionManager::due(TimePoint now) {
  std::vector<ToClose> chosen;
  if (now < next_deadline()) return chosen;
  last_round_ = now;
  note_idle(now);
  std::vector<std::pair<Worth, ConnectionId>> candidates;
  for (const auto& [id, entry] : entries_)
    if (!entry.kept() && now - entry.opened_at >= options_.grace_period) candidates.emplace_back(worth(entry, now), id);
  std::sort(candidates.begin(), candidates.end());
  for (const auto& [worth, id] : candidates) {
    const bool idle = options_.idle_timeout > Duration::zero() && !worth.serving && worth.value <= 0 &&
                      now - worth.idle_since >= options_.idle_timeout && open_ > options_.low_water;
    if (open_ > options_.high_water)
      chosen.push_back(close(id, entries_.find(id)->second, Eviction::HighWater));
    else if (idle)
      chosen.push_back(close(id, entries_.find(id)->second, Eviction::Idle));
  }
  return chosen;
}

}  // namespace starling::swarm
