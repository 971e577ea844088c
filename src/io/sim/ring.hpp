// A first-in first-out queue that holds no memory until used and keeps it when emptied: thousands of them lie idle in a
// simulated world.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace starling::io::sim {

template <typename T>
class Ring {
 public:
  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  T& back() { return items_.back(); }
  const T& operator[](std::size_t index) const { return items_[first_ + index]; }
  void push_back(T item) {
    if (first_ > 0 && items_.size() == items_.capacity()) compact();
    items_.push_back(std::move(item));
  }
  T pop_front() {
    T item = std::move(items_[first_++]);
    if (empty()) clear();
    return item;
  }
  void clear() {
    items_.clear();
    first_ = 0;
  }

 private:
  // Moving the rest costs at most what was popped before it, or the vector grows.
  void compact() {
    if (first_ < size()) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  std::vector<T> items_;
  std::size_t first_ = 0;
};

}  // namespace starling::io::sim
