// Streams that wait for room in the output of their connection, in the order in which they began to. A stream keeps its
// place when others took the room before it ran; otherwise one that always has more to write would keep a short message
// of another waiting until its end. Value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace starling::transport {

class WaitingWriters {
 public:
  /// A stream's place in the order; 0: it does not wait.
  using Place = std::uint64_t;

  bool empty() const { return waiting_.empty(); }
  void add(std::uint64_t stream, Place& place) {
    if (place == 0) place = ++last_;
    waiting_.emplace_back(place, stream);
  }
  /// All that wait, to be woken: first come, first served. Who finds no room again is add()ed again.
  std::vector<std::uint64_t> take() {
    auto waiting = std::exchange(waiting_, {});
    std::sort(waiting.begin(), waiting.end());
    std::vector<std::uint64_t> streams;
    for (const auto& [place, stream] : waiting) streams.push_back(stream);
    return streams;
  }

 private:
  std::vector<std::pair<Place, std::uint64_t>> waiting_;
  Place last_ = 0;
};

}  // namespace starling::transport
