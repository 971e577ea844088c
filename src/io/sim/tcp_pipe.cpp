#include <algorithm>
#include <cstring>

#include "io/sim/tcp_connection.hpp"
#include "io/sim/world_state.hpp"

namespace starling::io::sim {
namespace {
// With a bandwidth, bytes arrive in portions of this size: small against the window, large against an event's cost.
constexpr std::size_t kSegmentBytes = 16 << 10;
// More window updates than this under way are put together.
constexpr std::size_t kMaxCredits = 32;
}  // namespace

Pipe::Pipe(TcpConnection& connection, int side, Path& there, Path& back, std::size_t window)
    : Timer(connection.world().reactor),
      connection_(connection),
      there_(there),
      back_(back),
      room_timer_(connection.world().reactor, *this),
      window_(window),
      side_(side) {}

std::size_t Pipe::room() {
  take_credits();
  return window_ > outstanding_ ? window_ - outstanding_ : 0;
}

void Pipe::write(Bytes bytes) {
  bytes_.append(bytes);
  outstanding_ += bytes.size();
  for (std::size_t left = bytes.size(); left > 0;) {
    const std::size_t size = std::min(left, kSegmentBytes);
    push(size, SegmentKind::Data);
    left -= size;
  }
}

void Pipe::send(SegmentKind kind) { push(0, kind); }

void Pipe::push(std::size_t size, SegmentKind kind) {
  const TimePoint at = std::max(there_.arrival(size), last_at_);
  last_at_ = at;
  if (!segments_.empty()) {
    Segment& last = segments_.back();
    if (last.kind == SegmentKind::Data && kind == SegmentKind::Data && last.at == at && !last.downloaded) {
      last.size += std::uint32_t(size);
      return;
    }
  }
  segments_.push_back({at, std::uint32_t(size), kind, false});
  if (segments_.size() == 1 && !ListNode<StalledTag>::linked()) set(at);
}

void Pipe::on_timer() {
  const TimePoint now = connection_.world().reactor.now();
  while (!segments_.empty() && segments_.front().at <= now) {
    if (blocked(there_)) return stall();
    if (wait_for_download(segments_.front())) continue;
    deliver(segments_.pop_front());
  }
  if (!segments_.empty()) set(segments_.front().at);
}

// The receiver's download is shared by all its connections in the order of arrival, so it is counted on arrival.
bool Pipe::wait_for_download(Segment& segment) {
  if (segment.downloaded || there_.loopback() || !there_.to().download().limited()) return false;
  segment.downloaded = true;
  segment.at = there_.to().download().pass(connection_.world().reactor.now(), segment.size);
  return true;
}

void Pipe::deliver(const Segment& segment) {
  arrived_ += segment.size;
  connection_.arrived(side_, segment.kind, segment.size);
}

std::size_t Pipe::read(MutableBytes into) {
  const std::size_t size = std::min(into.size(), arrived_);
  std::memcpy(into.data(), bytes_.view().data(), size);
  bytes_.consume(size);
  arrived_ -= size;
  give_credit(size);
  return size;
}

void Pipe::drop_arrived() {
  if (arrived_ > 0) bytes_.consume(arrived_);
  arrived_ = 0;
}

void Pipe::drop_in_flight() {
  segments_.clear();
  Timer::cancel();
  if (arrived_ == 0) bytes_.clear();
}

// The writer learns of a read one latency later. Nobody may be waiting for it, so no timer runs unless watched.
void Pipe::give_credit(std::size_t bytes) {
  const TimePoint at = connection_.world().reactor.now() + back_.latency();
  const bool join = !credits_.empty() && (credits_.back().at == at || credits_.size() >= kMaxCredits);
  if (join) {
    credits_.back().at = at;
    credits_.back().bytes += std::uint32_t(bytes);
  } else {
    credits_.push_back({at, std::uint32_t(bytes)});
  }
  if (room_watched_) arm_room();
}

void Pipe::take_credits() {
  const TimePoint now = connection_.world().reactor.now();
  if (credits_.empty() || credits_.front().at > now || blocked(back_)) return;
  while (!credits_.empty() && credits_.front().at <= now) outstanding_ -= credits_.pop_front().bytes;
}

void Pipe::watch_room() {
  room_watched_ = true;
  arm_room();
}

// Like the kernel, wakes a writer for a good part of the window, not for every byte.
void Pipe::arm_room() {
  std::size_t room = window_ > outstanding_ ? window_ - outstanding_ : 0;
  for (std::size_t i = 0; i < credits_.size(); ++i) {
    room += credits_[i].bytes;
    if (room >= window_ / 4) return room_timer_.set(std::max(credits_[i].at, connection_.world().reactor.now()));
  }
}

void Pipe::on_room() {
  if (!room_watched_) return;
  if (blocked(back_)) return stall();
  if (room() == 0) return arm_room();
  room_watched_ = false;
  connection_.room_opened(side_);
}

bool Pipe::blocked(const Path& path) const { return connection_.cut_off_ || path.blocked(); }

void Pipe::stall() {
  if (!ListNode<StalledTag>::linked()) connection_.world().stalled.push_back(*this);
}

void Pipe::resume() {
  const TimePoint now = connection_.world().reactor.now();
  if (!segments_.empty()) {
    segments_.front().at = std::max(segments_.front().at, now + there_.flight());
    last_at_ = std::max(last_at_, segments_.front().at);
    set(segments_.front().at);
  }
  if (room_watched_) room_timer_.set(now + back_.latency());
}

}  // namespace starling::io::sim
