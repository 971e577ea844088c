#include "transport/crossing.hpp"

#include <algorithm>
#include <utility>

#include "transport/turn_sizes.hpp"

namespace starling::transport {
namespace {

constexpr std::size_t kCreditShare = 4;  // credit goes out in pieces of this part of the window

// To one end of a crossing. An end that is gone misses nothing.
template <typename End, typename Content>
class ToEnd final : public io::Mail {
 public:
  ToEnd(Crossing& crossing, End* Crossing::* end, Content content)
      : crossing_(crossing), end_(end), content_(std::move(content)) {}
  void deliver() override {
    if (End* end = crossing_.*end_) end->take(std::move(content_));
  }

 private:
  Crossing& crossing_;
  End* Crossing::* end_;
  Content content_;
};

template <typename Content>
std::unique_ptr<io::Mail> to_home(Crossing& crossing, Content content) {
  return std::make_unique<ToEnd<CarriedSocket, Content>>(crossing, &Crossing::home, std::move(content));
}

}  // namespace

// ---- home -----------------------------------------------------------------------------------------------------------

CarriedSocket::CarriedSocket(io::Reactor& home, Crossing& crossing, io::Endpoint local, io::Endpoint remote)
    : reactor_(home), crossing_(crossing), local_(std::move(local)), remote_(std::move(remote)) {
  crossing_.home = this;
}

CarriedSocket::~CarriedSocket() {
  close();
  crossing_.home = nullptr;
  crossing_.home_gone.notify_all();
}

io::Task<Status> CarriedSocket::until_negotiated() {
  while (!negotiated_) STARLING_CO_CHECK(co_await readable_.wait());
  co_return Status{};
}

void CarriedSocket::take(Negotiated negotiated) {
  negotiated_ = std::move(negotiated);
  readable_.notify_all();
}

void CarriedSocket::take(Parcel parcel) {
  if (closed_) return;
  received_.add(std::move(parcel.bytes));
  under_way_ -= parcel.credit;
  remote_ended_ |= parcel.end;
  if (parcel.failure && !failure_) failure_ = std::move(parcel.failure);
  readable_.notify_all();
  if (parcel.credit > 0 || failure_) writable_.notify_all();
}

void CarriedSocket::send(Parcel parcel) {
  crossing_.lane.send(std::make_unique<ToEnd<Carrier, Parcel>>(crossing_, &Crossing::there, std::move(parcel)));
}

Status CarriedSocket::check_readable() const {
  if (closed_) return fail(ErrorCode::Closed, Op::Read, Origin::Local);
  if (!received_.empty()) return {};
  if (failure_) return std::unexpected(*failure_);
  if (remote_ended_) return {};
  return fail(ErrorCode::WouldBlock, Op::Read, Origin::Local);
}

Status CarriedSocket::check_writable() const {
  if (closed_ || write_ended_) return fail(ErrorCode::Closed, Op::Write, Origin::Local);
  if (failure_) return std::unexpected(*failure_);
  if (under_way_ >= crossing_.window) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  return {};
}

void CarriedSocket::give_credit(std::size_t bytes) {
  credit_ += bytes;
  if (credit_ >= crossing_.window / kCreditShare) send({.bytes = {}, .credit = std::exchange(credit_, 0)});
}

Result<std::size_t> CarriedSocket::try_read(MutableBytes into) {
  STARLING_CHECK(check_readable());
  std::size_t done = 0;
  while (!received_.empty() && done < into.size()) {
    const std::size_t count = std::min(received_.front().size(), into.size() - done);
    std::copy_n(received_.front().view().begin(), count, into.subspan(done).begin());
    received_.consume(count);
    done += count;
  }
  give_credit(done);
  return done;
}

Result<std::size_t> CarriedSocket::read_into(ByteQueue& into) {
  STARLING_CHECK(check_readable());
  if (!received_.empty()) into = received_.take_front();
  give_credit(into.size());
  return into.size();
}

Result<std::size_t> CarriedSocket::try_write(Bytes from) {
  STARLING_CHECK(check_writable());
  Parcel parcel;
  parcel.bytes.append(from.first(std::min(from.size(), crossing_.window - under_way_)));
  const std::size_t count = parcel.bytes.size();
  under_way_ += count;
  send(std::move(parcel));
  return count;
}

Result<std::size_t> CarriedSocket::write_from(ByteQueue& from) {
  STARLING_CHECK(check_writable());
  Parcel parcel;
  parcel.bytes.swap(from);
  const std::size_t count = parcel.bytes.size();
  under_way_ += count;
  send(std::move(parcel));
  return count;
}

// Who comes when it is ready already is woken in the reactor's next round.
io::QueueWait CarriedSocket::wait(io::WaitQueue& queue, bool ready) {
  if (!ready) return queue.wait();
  if (!io::Runnable::linked()) reactor_.post(*this);
  return again_.wait();
}

io::QueueWait CarriedSocket::readable() {
  return wait(readable_, closed_ || failure_ || remote_ended_ || !received_.empty());
}

io::QueueWait CarriedSocket::writable() {
  return wait(writable_, closed_ || failure_ || under_way_ < crossing_.window);
}

void CarriedSocket::shutdown_write() {
  if (closed_ || std::exchange(write_ended_, true)) return;
  send({.bytes = {}, .end = true});
}

void CarriedSocket::close() {
  if (std::exchange(closed_, true)) return;
  received_.clear();
  send({.bytes = {}, .close = true});
  readable_.notify_all();
  writable_.notify_all();
}

// ---- the lane -------------------------------------------------------------------------------------------------------

Carrier::Carrier(Crossing& crossing, const Upgrader& upgrader, std::unique_ptr<io::StreamSocket> socket,
                 Direction direction, Multiaddr remote, const DialOptions& options)
    : crossing_(crossing),
      upgrader_(upgrader),
      direction_(direction),
      remote_(std::move(remote)),
      socket_(std::move(socket)) {
  options_.expected_peer = options.expected_peer;
  options_.optimistic = options.optimistic;
  crossing_.there = this;
}

// Whatever belongs to the lane's reactor goes before home learns that this has ended.
io::Task<void> Carrier::work() {
  co_await negotiate_and_carry().in(life_);
  crossing_.there = nullptr;
  io::Runnable::unlink();
  socket_.reset();
  channel_.reset();
  for (ByteQueue* queue : {&wire_in_, &wire_out_, &opened_}) queue->clear();
  unsealed_.clear();
}

io::Task<void> Carrier::negotiate_and_carry() {
  StageTimes times;
  {
    Upgrade upgrade(upgrader_, crossing_.lane.world(), std::move(socket_), direction_, options_);
    const Status secured = co_await upgrade.run(remote_, times);
    if (secured) {
      socket_ = std::move(upgrade.socket());
      channel_ = std::move(upgrade.outcome().channel);
      wire_in_ = std::move(upgrade.wire_in());
      wire_out_ = std::move(upgrade.wire_out());
      opened_ = std::move(upgrade.plaintext_in());
    }
    tell_home(upgrade, secured, times);
    if (!secured) co_return;
  }
  co_await carry();
}

void Carrier::tell_home(Upgrade& upgrade, Status status, const StageTimes& times) {
  Negotiated told{.status = std::move(status), .stage_counter = upgrade.stage_counter(), .times = times};
  if (told.status) {
    told.remote_peer = upgrade.outcome().remote_peer;
    told.remote_key = upgrade.outcome().remote_key;
    told.security = upgrade.security_id();
    told.muxer = upgrade.muxer_id();
  }
  crossing_.lane.send_home(to_home(crossing_, std::move(told)));
}

io::Task<void> Carrier::carry() {
  io::TaskGroup tasks(crossing_.lane.world().reactor, &life_);
  tasks.spawn(read_until_end());
  tasks.spawn(write_when_blocked());
  schedule_flush();
  while (co_await home_lets_go_.wait()) continue;
  co_await tasks.close();
}

void Carrier::take(Parcel parcel) {
  if (parcel.close) {
    crossing_.heard_close = true;
    return life_.cancel(Error(ErrorCode::Closed, Op::Close, Origin::Local));
  }
  if (parcel.credit > 0) {
    under_way_ -= parcel.credit;
    credit_came_.notify_all();
  }
  if (failed_) return;
  unsealed_.add(std::move(parcel.bytes));
  ending_ |= parcel.end;
  schedule_flush();
}

void Carrier::send(Parcel parcel) { crossing_.lane.send_home(to_home(crossing_, std::move(parcel))); }

Status Carrier::on_plaintext(Bytes plaintext) {
  opened_.append(plaintext);
  return {};
}

// What was opened before a record failed still counts. The channel's last word about it leaves if it can.
Status Carrier::open_received() {
  Status opened;
  if (!wire_in_.empty()) {
    opened_.prepare(wire_in_.size());
    opened = channel_->open(wire_in_, *this);
    if (opened_.empty()) opened_.clear();
  }
  const bool ended = channel_->remote_closed();
  if (!opened_.empty() || ended) {
    under_way_ += opened_.size();
    send({.bytes = std::exchange(opened_, {}), .credit = 0, .end = ended});
  }
  if (!opened && channel_->close(wire_out_)) (void)socket_->try_write(wire_out_.view());
  if (opened && ended) return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
  return opened;
}

io::Task<void> Carrier::read_until_end() {
  bool drained = false;
  for (std::size_t read = 0;;) {  // bytes, in this turn
    if (const Status opened = open_received(); !opened) {
      if (!(opened.error() == ErrorCode::EndOfStream)) fail_with(opened.error());
      co_return;
    }
    schedule_flush();  // an answer of the channel's own
    if (drained) {     // wait without asking the socket again
      if (wire_in_.empty()) wire_in_.clear();
      if (!co_await socket_->readable()) co_return;
      read = 0;
    } else if (read >= kReadPerTurn) {
      if (!co_await io::yield()) co_return;
      read = 0;
    }
    while (under_way_ >= crossing_.window)
      if (!co_await credit_came_.wait()) co_return;
    const MutableBytes room = wire_in_.prepare(wire_in_.empty() ? kReadChunk : kMinReadRoom);
    const auto got = socket_->try_read(room);
    if (!got && !(got.error() == ErrorCode::WouldBlock)) co_return fail_with(got.error());
    if (got && *got == 0) co_return send({.bytes = {}, .end = true});
    if (got) wire_in_.commit(*got);
    read += got.value_or(0);
    drained = !got || *got < room.size();
  }
}

void Carrier::fail_with(Error error) {
  if (std::exchange(failed_, true)) return;
  unsealed_.clear();
  write_wanted_.notify_all();
  send({.bytes = {}, .failure = std::move(error)});
}

io::Task<void> Carrier::write_when_blocked() {
  while (!failed_) {
    if (!blocked_) {
      if (!co_await write_wanted_.wait()) co_return;
      continue;
    }
    if (!co_await socket_->writable()) co_return;
    blocked_ = false;
    flush();
  }
}

void Carrier::schedule_flush() {
  if (!blocked_ && !failed_ && !io::Runnable::linked()) crossing_.lane.world().reactor.at_turn_end(*this);
}

void Carrier::flush() {
  while (!failed_) {
    if (Status sealed = seal_some(); !sealed) return fail_with(std::move(sealed).error());
    if (wire_out_.empty()) break;
    const auto wrote = socket_->try_write(wire_out_.view());
    if (wrote) {
      wire_out_.consume(*wrote);
    } else if (wrote.error() == ErrorCode::WouldBlock) {
      blocked_ = true;
      write_wanted_.notify_all();
      break;
    } else {
      return fail_with(wrote.error());
    }
  }
  give_credit();
}

// At the end, the channel's farewell and then the socket's.
Status Carrier::seal_some() {
  while (!unsealed_.empty() && wire_out_.size() < kWireTarget) {
    const std::size_t count = std::min(unsealed_.front().size(), kWireTarget - wire_out_.size());
    STARLING_CHECK(channel_->seal(unsealed_.front().view().first(count), wire_out_));
    unsealed_.consume(count);
    credit_ += count;
  }
  if (!ending_ || !unsealed_.empty()) return {};
  if (!std::exchange(said_farewell_, true)) STARLING_CHECK(channel_->close(wire_out_));
  if (wire_out_.empty() && std::exchange(ending_, false)) socket_->shutdown_write();
  return {};
}

void Carrier::give_credit() {
  if (credit_ >= crossing_.window / kCreditShare) send({.bytes = {}, .credit = std::exchange(credit_, 0)});
}

}  // namespace starling::transport
