#include "starling/host/stream.hpp"

#include <algorithm>
#include <cstring>

#include "starling/multiformats/varint.hpp"

namespace starling::host {
namespace {

constexpr std::size_t kMaxDrain = 64u << 10;  // what close() reads away before it gives up on a peer that goes on

Error ended_early(std::string what) { return Error(ErrorCode::EndOfStream, Op::Read, Origin::Remote, std::move(what)); }

}  // namespace

Stream::Stream(std::unique_ptr<transport::RawStream> raw, StreamInfo info, std::optional<LazyNegotiation> lazy,
               StreamHold hold)
    : state_(std::make_unique<State>(std::move(hold), std::move(raw), std::move(info), std::move(lazy))) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

io::Task<Result<Bytes>> Stream::peek() {
  if (state_->lazy) STARLING_CO_CHECK(co_await finish_negotiation());
  for (;;) {
    if (const Bytes view = state_->raw->peek(); !view.empty()) co_return view;
    STARLING_CO_TRY(const bool end, state_->raw->at_end());
    if (end) co_return Bytes{};
    STARLING_CO_CHECK(co_await state_->raw->readable());
  }
}

io::Task<Result<std::size_t>> Stream::read_some(MutableBytes into) {
  STARLING_CO_TRY(const Bytes view, co_await peek());
  const std::size_t count = std::min(view.size(), into.size());
  if (count > 0) std::memcpy(into.data(), view.data(), count);
  if (count > 0) consume(count);
  co_return count;
}

io::Task<Status> Stream::read_exactly(MutableBytes into) {
  while (!into.empty()) {
    STARLING_CO_TRY(const std::size_t count, co_await read_some(into));
    if (count == 0)
      co_return fail(ended_early(state_->info.protocol + ": " + std::to_string(into.size()) + " bytes short"));
    into = into.subspan(count);
  }
  co_return Status{};
}

io::Task<Result<ByteVector>> Stream::read_message(std::size_t max_size) {
  ByteVector head;
  for (;;) {
    std::uint8_t byte = 0;
    STARLING_CO_CHECK(co_await read_exactly({&byte, 1}));
    head.push_back(byte);
    const auto length = read_varint(head);
    if (!length && length.error() == ErrorCode::Truncated && head.size() < kMaxVarintSize) continue;
    if (!length)
      co_return std::unexpected(Error(length.error()).while_doing(Op::Read, state_->info.protocol + " message length"));
    if (length->value > max_size) {
      co_return fail(ErrorCode::TooLarge, Op::Read, Origin::Remote,
                     state_->info.protocol + ": a message of " + std::to_string(length->value) + " bytes, at most " +
                         std::to_string(max_size));
    }
    ByteVector message(length->value);
    STARLING_CO_CHECK(co_await read_exactly(message));
    co_return message;
  }
}

io::Task<Status> write_all(transport::RawStream& raw, Bytes data) {
  while (!data.empty()) {
    const auto took = raw.try_write(data);
    if (took) {
      data = data.subspan(*took);
    } else if (took.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await raw.writable());
    } else {
      co_return std::unexpected(took.error());
    }
  }
  co_return Status{};
}

io::Task<Status> Stream::write(Bytes data) {
  Status written = co_await write_all(*state_->raw, data);
  if (written) state_->account.wrote(data.size());
  if (written || !state_->lazy) co_return written;
  co_return std::unexpected(refusal(std::move(written.error())));
}

// A lazily opened stream failed before its answer was read: the answer, or the code of the reset, may say why.
Error Stream::refusal(Error error) {
  ByteQueue more;
  auto answer = state_->lazy->dialer.receive(state_->raw->peek(), more);
  if (!answer) return std::move(answer.error()).while_doing(Op::Negotiate, state_->info.protocol);
  const transport::CloseReason* reason = state_->raw->close_reason();
  if (reason == nullptr || reason->code != std::uint32_t(transport::ResetCode::NegotiationFailed)) return error;
  return Error(ErrorCode::NoCommonProtocol, Op::Negotiate, Origin::Remote, state_->info.protocol)
      .caused_by(std::move(error));
}

io::Task<Status> Stream::write_message(Bytes message) {
  std::uint8_t length[kMaxVarintSize];
  STARLING_CO_CHECK(co_await write({length, write_varint(message.size(), length)}));
  co_return co_await write(message);
}

io::Task<Status> Stream::close() {
  state_->raw->close_write();
  for (std::size_t drained = 0; drained < kMaxDrain;) {
    STARLING_CO_TRY(const Bytes view, co_await peek());
    if (view.empty()) co_return Status{};
    drained += view.size();
    consume(view.size());
  }
  state_->raw->reset(transport::ResetCode::None);
  co_return fail(ErrorCode::LimitExceeded, Op::Close, Origin::Remote,
                 state_->info.protocol + ": the peer goes on sending");
}

// The answer to the proposal that went out when the stream was opened.
io::Task<Status> Stream::finish_negotiation() {
  const auto late = [this] { return io::timeout_error(Op::Negotiate, state_->info.protocol); };
  Status answered = co_await io::with_deadline(state_->lazy->timeout, late, read_answer());
  if (!answered) {
    state_->raw->reset(transport::ResetCode::NegotiationFailed);
    co_return answered;
  }
  state_->lazy.reset();
  co_return Status{};
}

io::Task<Status> Stream::read_answer() {
  transport::MultistreamDialer& dialer = state_->lazy->dialer;
  ByteQueue more;  // stays empty: one proposal only
  for (;;) {
    auto used = dialer.receive(state_->raw->peek(), more);
    if (!used) co_return std::unexpected(std::move(used.error()).while_doing(Op::Negotiate, state_->info.protocol));
    if (*used > 0) state_->raw->consume(*used);
    if (dialer.done()) co_return Status{};
    const auto end = state_->raw->at_end();
    if (!end) co_return std::unexpected(refusal(end.error()));
    if (*end) co_return fail(ended_early(state_->info.protocol + ": negotiation"));
    STARLING_CO_CHECK(co_await state_->raw->readable());
  }
}

}  // namespace starling::host
