#include "transport/channel_socket.hpp"

#include <algorithm>
#include <utility>

namespace starling::transport {
namespace {

constexpr int kReadsPerCall = 4;  // of the inner socket; what a channel swallows whole must not keep others waiting
constexpr std::size_t kMinRead = std::size_t{4} << 10;  // room per read of the inner socket
constexpr std::size_t kMaxRead = std::size_t{256} << 10;
constexpr std::size_t kPiece = std::size_t{64} << 10;  // plaintext that is sealed at once

}  // namespace

ChannelSocket::ChannelSocket(io::Reactor& reactor, std::unique_ptr<io::StreamSocket> inner,
                             std::unique_ptr<security::Channel> channel, ByteQueue received, ByteQueue unsent)
    : reactor_(&reactor),
      inner_(std::move(inner)),
      channel_(std::move(channel)),
      received_(std::move(received)),
      unsent_(std::move(unsent)) {}

Status ChannelSocket::on_plaintext(Bytes plaintext) {
  const std::size_t direct = decoded_.empty() ? std::min(plaintext.size(), room_.size()) : 0;
  std::copy_n(plaintext.begin(), direct, room_.begin());
  room_ = room_.subspan(direct);
  decoded_.append(plaintext.subspan(direct));
  return {};
}

void ChannelSocket::take_decoded() {
  const std::size_t count = std::min(decoded_.size(), room_.size());
  std::copy_n(decoded_.view().begin(), count, room_.begin());
  room_ = room_.subspan(count);
  if (count > 0) decoded_.consume(count);
}

// The first failure counts. What the channel wants to tell the remote about it leaves if it can.
void ChannelSocket::fail_with(Error error) {
  if (failed_) return;
  failed_ = std::move(error);
  if (write_ended_) return;
  (void)channel_->close(unsent_);
  if (!unsent_.empty()) (void)inner_->try_write(unsent_.view());
  write_ended_ = true;
}

void ChannelSocket::open_received() {
  if (received_.empty()) return;
  if (Status opened = channel_->open(received_, *this); !opened) return fail_with(std::move(opened).error());
  ended_ |= channel_->remote_closed();
}

// True if there may be more to read now.
bool ChannelSocket::read_some() {
  const MutableBytes into = received_.prepare(std::clamp(room_.size(), kMinRead, kMaxRead));
  const auto got = inner_->try_read(into);
  if (!got) {
    if (received_.empty()) received_.clear();  // an idle stream holds no buffer
    if (!(got.error() == ErrorCode::WouldBlock)) fail_with(got.error());
    return false;
  }
  ended_ |= *got == 0;
  const bool full = *got == into.size();
  received_.commit(*got);
  open_received();
  if (received_.empty()) received_.clear();
  return full;
}

Result<std::size_t> ChannelSocket::try_read(MutableBytes into) {
  if (closed_) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
  room_ = into;
  take_decoded();
  if (!ended_ && !failed_) open_received();
  more_ = true;
  for (int reads = 0; more_ && reads < kReadsPerCall && !room_.empty() && !ended_ && !failed_; ++reads)
    more_ = read_some();
  const std::size_t got = into.size() - room_.size();
  room_ = {};
  if (!failed_) (void)flush();  // what the channel answers by itself
  if (got > 0 || into.empty()) return got;
  if (failed_) return std::unexpected(*failed_);
  if (ended_) return std::size_t{0};
  return fail(ErrorCode::WouldBlock, Op::Read, Origin::Local);
}

// Answers of the channel are fetched only when nothing is unsent: a remote that asks and does not read gets no memory.
Status ChannelSocket::flush() {
  if (failed_) return std::unexpected(*failed_);
  if (unsent_.empty() && !write_ended_) {
    if (Status sealed = channel_->seal({}, unsent_); !sealed && !ended_) {
      fail_with(sealed.error());
      return sealed;
    }
  }
  while (!unsent_.empty()) {
    const auto sent = inner_->try_write(unsent_.view());
    if (!sent) {
      if (!(sent.error() == ErrorCode::WouldBlock)) fail_with(sent.error());
      return std::unexpected(sent.error());
    }
    unsent_.consume(*sent);
  }
  if (write_ended_ && !std::exchange(inner_ended_, true)) inner_->shutdown_write();
  return {};
}

Result<std::size_t> ChannelSocket::try_write(Bytes from) {
  if (closed_) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
  std::size_t taken = 0;
  const auto so_far = [&](Error error) -> Result<std::size_t> {
    if (taken > 0) return taken;
    return std::unexpected(std::move(error));
  };
  for (;;) {
    if (Status flushed = flush(); !flushed) return so_far(flushed.error());
    if (write_ended_) return so_far(Error(ErrorCode::Closed, Op::Write, Origin::Local));
    const std::size_t left_now = std::min(claimed_, from.size());
    claimed_ -= left_now;
    taken += left_now;
    from = from.subspan(left_now);
    if (from.empty()) return taken;
    claimed_ = std::min(from.size(), kPiece);
    if (Status sealed = channel_->seal(from.first(claimed_), unsent_); !sealed) {
      claimed_ = 0;
      fail_with(sealed.error());
      return so_far(sealed.error());
    }
  }
}

io::QueueWait ChannelSocket::readable() {
  const bool ready = closed_ || ended_ || failed_ || more_ || !decoded_.empty();
  if (!ready) return inner_->readable();
  if (!io::Runnable::linked()) reactor_->post(*this);
  return again_.wait();
}

// What cannot leave now leaves with the next read; the inner socket's end comes behind it.
void ChannelSocket::shutdown_write() {
  if (closed_ || write_ended_) return;
  const Status flushed = flush();
  write_ended_ = true;
  if (flushed && channel_->close(unsent_)) (void)flush();
}

void ChannelSocket::close() {
  if (std::exchange(closed_, true)) return;
  inner_->close();
  again_.notify_all();
}

}  // namespace starling::transport
