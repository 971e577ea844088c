// LruMap: a map that holds at most so many entries and drops the one used longest ago for a new one. For whatever a
// remote peer can make us remember. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "starling/base/assert.hpp"

namespace starling {

/// Resource: not copied. Pointers to values hold until their entry is dropped or erased.
template <typename Key, typename Value, typename Hash = std::hash<Key>>
class LruMap {
 public:
  using Entry = std::pair<const Key, Value>;

  /// `capacity` entries at most; above 0.
  explicit LruMap(std::size_t capacity) : capacity_(capacity) {
    STARLING_ASSERT(capacity > 0, "a map without room holds nothing");
  }
  LruMap(const LruMap&) = delete;
  LruMap& operator=(const LruMap&) = delete;

  /// The value, which counts as used now, or null.
  Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }
  /// The value, without counting as use, or null.
  const Value* peek(const Key& key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &found->second->second;
  }
  bool contains(const Key& key) const { return index_.contains(key); }

  /// Sets `key` to `value`, which counts as used now. Returns the entry that had to go, for its owner to clean up.
  std::optional<std::pair<Key, Value>> put(Key key, Value value) {
    if (Value* known = find(key)) {
      *known = std::move(value);
      return std::nullopt;
    }
    std::optional<std::pair<Key, Value>> dropped;
    if (order_.size() == capacity_) dropped = take_oldest();
    order_.emplace_front(std::move(key), std::move(value));
    index_.emplace(order_.front().first, order_.begin());
    return dropped;
  }

  bool erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return false;
    const auto entry = found->second;  // `key` may be a reference into it
    index_.erase(found);
    order_.erase(entry);
    return true;
  }
  void clear() {
    index_.clear();
    order_.clear();
  }

  std::size_t size() const { return order_.size(); }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return order_.empty(); }
  /// The entry used longest ago, or null.
  const Entry* oldest() const { return order_.empty() ? nullptr : &order_.back(); }
  /// From the one used last to the one used longest ago.
  auto begin() const { return order_.begin(); }
  auto end() const { return order_.end(); }

 private:
  std::pair<Key, Value> take_oldest() {
    Entry& entry = order_.back();
    index_.erase(entry.first);
    std::pair<Key, Value> taken(entry.first, std::move(entry.second));
    order_.pop_back();
    return taken;
  }

  std::size_t capacity_;
  std::list<Entry> order_;  // used last first
  std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> index_;
};

}  // namespace starling
