// TakenOnce: a small memory of things by name, each to be taken once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starling {

/// Bounded; the oldest makes room. Safe to use from several threads.
template <typename Value>
class TakenOnce {
 public:
  /// `capacity` above 0.
  explicit TakenOnce(std::size_t capacity) : capacity_(capacity) {}

  /// In place of one with the same name.
  void insert(std::string name, Value value) {
    const std::lock_guard lock(mutex_);
    remove(name);
    if (entries_.size() == capacity_) entries_.erase(entries_.begin());
    entries_.emplace_back(std::move(name), std::move(value));
  }
  /// nullopt if there is none.
  std::optional<Value> take(std::string_view name) {
    const std::lock_guard lock(mutex_);
    return remove(name);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  std::optional<Value> remove(std::string_view name) {
    const auto found = std::ranges::find(entries_, name, &std::pair<std::string, Value>::first);
    if (found == entries_.end()) return std::nullopt;
    std::optional<Value> value(std::move(found->second));
    entries_.erase(found);
    return value;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, Value>> entries_;  // oldest first
};

}  // namespace starling
