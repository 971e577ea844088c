// The table of open streams: open addressing with linear probing in one array, so that a lookup touches one or two
// cache lines and an idle stream costs its own size over the load factor. Deletion shifts back, so there are no
// tombstones; the array shrinks when most streams are gone.
// Key 0 marks a free slot and is never a stream. Pointers into the table die with the next insert or erase.
// A remote chooses keys, hence collisions: a probe is at most as long as the number of streams, which is bounded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "starling/base/assert.hpp"

namespace starling::muxer {

template <typename Key, typename Value>
class StreamTable {
 public:
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }

  Value* find(Key key) {
    const std::size_t i = index_of(key);
    return i == kNone ? nullptr : &slots_[i].value;
  }

  /// The key must not be in the table.
  Value& insert(Key key, Value value) {
    STARLING_ASSERT(key != 0, "0 marks a free slot");
    if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.empty() ? kSmallest : slots_.size() * 2);
    ++size_;
    return place(key, std::move(value));
  }

  /// False when it was not there.
  bool erase(Key key) {
    const std::size_t i = index_of(key);
    if (i == kNone) return false;
    close_gap(i);
    --size_;
    if (slots_.size() > kSmallest && size_ * 8 < slots_.size()) resize(std::max(kSmallest, slots_.size() / 4));
    return true;
  }

 private:
  struct Slot {
    Key key = 0;
    Value value{};
  };
  static constexpr std::size_t kSmallest = 8;
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t index_of(Key key) const {
    if (size_ == 0 || key == 0) return kNone;
    for (std::size_t i = home(key);; i = next(i)) {
      if (slots_[i].key == key) return i;
      if (slots_[i].key == 0) return kNone;
    }
  }

  std::size_t home(Key key) const {
    return std::size_t((std::uint64_t(key) * 0x9E3779B97F4A7C15ull) >> 32) & (slots_.size() - 1);
  }
  std::size_t next(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }

  Value& place(Key key, Value value) {
    std::size_t i = home(key);
    while (slots_[i].key != 0) {
      STARLING_ASSERT(slots_[i].key != key, "a stream is inserted once");
      i = next(i);
    }
    slots_[i] = Slot{key, std::move(value)};
    return slots_[i].value;
  }

  // Moves every entry that probed past the hole back into it.
  void close_gap(std::size_t hole) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = next(hole); slots_[i].key != 0; i = next(i)) {
      if (((i - home(slots_[i].key)) & mask) < ((i - hole) & mask)) continue;
      slots_[hole] = std::move(slots_[i]);
      hole = i;
    }
    slots_[hole] = Slot{};
  }

  void resize(std::size_t capacity) {
    std::vector<Slot> old(capacity);
    old.swap(slots_);
    for (Slot& slot : old)
      if (slot.key != 0) place(slot.key, std::move(slot.value));
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace starling::muxer
