// TakenOnce: a small memory of things by name, each to be taken once.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "starling/base/lru_map.hpp"

namespace starling {

/// Bounded; the oldest makes room. Safe to use from several threads.
template <typename Value>
class TakenOnce {
 public:
  /// `capacity` above 0.
  explicit TakenOnce(std::size_t capacity) : values_(capacity) {}

  /// In place of one with the same name.
  void insert(std::string name, Value value) {
    const std::lock_guard lock(mutex_);
    values_.put(std::move(name), std::move(value));
  }
  /// nullopt if there is none.
  std::optional<Value> take(std::string_view name) {
    const std::string key(name);
    const std::lock_guard lock(mutex_);
    Value* const found = values_.find(key);
    if (found == nullptr) return std::nullopt;
    std::optional<Value> value(std::move(*found));
    values_.erase(key);
    return value;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  mutable std::mutex mutex_;
  LruMap<std::string, Value> values_;
};

}  // namespace starling
