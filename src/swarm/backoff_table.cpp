#include "swarm/backoff_table.hpp"

#include <algorithm>
#include <utility>

namespace starling::swarm {

// Every step is checked against the maximum first, so that no number of tries overflows.
Duration BackoffTable::pause_after(std::uint32_t tries) const {
  const std::uint64_t squared = std::uint64_t{tries} * tries;
  const auto room = std::uint64_t(std::max<Duration::rep>((options_.max - options_.base).count(), 0));
  const auto step = std::uint64_t(options_.step.count());
  if (step != 0 && squared > room / step) return options_.max;
  return std::min(options_.base + Duration(Duration::rep(squared * step)), options_.max);
}

const Backoff* BackoffTable::find(const PeerId& peer, const Multiaddr& address, TimePoint now) const {
  const Addresses* addresses = peers_.peek(peer);
  if (addresses == nullptr) return nullptr;
  const auto found = addresses->find(address);
  return found != addresses->end() && now < found->second.until ? &found->second : nullptr;
}

void BackoffTable::failed(const PeerId& peer, const Multiaddr& address, Error cause, TimePoint now) {
  Addresses* addresses = peers_.find(peer);
  const bool known = addresses != nullptr && addresses->contains(address);
  if (!known) {
    if (size_ >= options_.entries) make_room(peer);
    if (addresses == nullptr) peers_.put(peer, {});
    addresses = peers_.find(peer);
    addresses->emplace(address, Backoff{{}, 0, cause});
    ++size_;
  }
  Backoff& entry = addresses->at(address);
  if (entry.tries > 0 && now > entry.until + pause_after(entry.tries - 1)) entry.tries = 0;
  entry.until = now + pause_after(entry.tries);
  ++entry.tries;
  entry.cause = std::move(cause);
}

// The addresses of `keep` go only when there is nobody else's.
void BackoffTable::make_room(const PeerId& keep) {
  const PeerId oldest = peers_.oldest()->first;
  if (!(oldest == keep)) {
    evicted_ += peers_.peek(oldest)->size();
    return drop(oldest);
  }
  Addresses& own = *peers_.find(keep);
  own.erase(std::min_element(own.begin(), own.end(),
                             [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
  --size_;
  ++evicted_;
}

void BackoffTable::drop(const PeerId& peer) {
  if (const Addresses* addresses = peers_.peek(peer)) size_ -= addresses->size();
  peers_.erase(peer);
}

void BackoffTable::clear(const PeerId& peer) { drop(peer); }

void BackoffTable::clear() {
  peers_.clear();
  size_ = 0;
}

}  // namespace starling::swarm
