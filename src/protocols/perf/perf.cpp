#include "starling/protocols/perf/perf.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace starling::perf {
namespace {

constexpr std::size_t kPeriod = 65536;       // the pattern repeats after this many bytes
constexpr std::size_t kBlock = 4 * kPeriod;  // offered to the stream at once

const std::array<std::uint8_t, kBlock + kPeriod>& pattern() {
  static const auto bytes = [] {
    std::array<std::uint8_t, kBlock + kPeriod> made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = pattern_byte(i);
    return made;
  }();
  return bytes;
}

// One slice of sending or receiving; the deadline around it makes the idle time-out.
io::Task<Status> send_block(host::Stream& stream, std::uint64_t index, std::uint64_t left) {
  const std::size_t count = std::size_t(std::min<std::uint64_t>(left, kBlock));
  co_return co_await stream.write({pattern().data() + index % kPeriod, count});
}

io::Task<Status> send(io::Task<Status> block, Duration idle) {
  co_return co_await io::with_deadline(idle, io::timeout_error(Op::Perf, "sending"), std::move(block));
}

io::Task<Result<Bytes>> receive(host::Stream& stream, Duration idle) {
  co_return co_await io::with_deadline(idle, io::timeout_error(Op::Perf, "receiving"), stream.peek());
}

using OnServed = std::function<void(const Served&)>;

io::Task<Status> take_upload(host::Stream& stream, const PerfOptions& options, bool check, Served& served) {
  for (;;) {
    STARLING_CO_TRY(const Bytes got, co_await receive(stream, options.idle_timeout));
    if (got.empty()) co_return Status{};
    if (check && find_mismatch(served.upload_bytes, got)) ++served.mismatches;
    served.upload_bytes += got.size();
    stream.consume(got.size());
  }
}

io::Task<Status> serve_one(host::Stream& stream, const PerfOptions& options, const OnServed& on_served) {
  std::array<std::uint8_t, 8> head;
  STARLING_CO_CHECK(co_await io::with_deadline(options.idle_timeout, io::timeout_error(Op::Perf, "header"),
                                               stream.read_exactly(head)));
  const std::uint64_t wanted = get_u64_be(head.data());
  if (wanted > options.max_download_bytes) {
    co_return fail(ErrorCode::LimitExceeded, Op::Perf, Origin::Limit,
                   "perf.max_download_bytes = " + std::to_string(options.max_download_bytes));
  }
  Served served;
  served.peer = stream.info().peer;
  STARLING_CO_CHECK(co_await take_upload(stream, options, on_served != nullptr, served));
  while (served.download_bytes < wanted) {
    const std::uint64_t left = wanted - served.download_bytes;
    STARLING_CO_CHECK(co_await send(send_block(stream, served.download_bytes, left), options.idle_timeout));
    served.download_bytes += std::min<std::uint64_t>(left, kBlock);
  }
  stream.close_write();
  if (on_served) on_served(served);
  co_return Status{};
}

io::Task<void> answer(host::Stream stream, PerfOptions options, OnServed on_served) {
  const Status served = co_await serve_one(stream, options, on_served);
  if (!served)
    stream.reset(served.error() == ErrorCode::LimitExceeded ? transport::ResetCode::ResourceLimit
                                                            : transport::ResetCode::None);
}

}  // namespace

std::uint8_t pattern_byte(std::uint64_t index) { return std::uint8_t(index * 31 + (index >> 8)); }

std::optional<std::uint64_t> find_mismatch(std::uint64_t start, Bytes data) {
  for (std::size_t done = 0; done < data.size();) {
    const std::size_t count = std::min(data.size() - done, kBlock);
    const std::uint8_t* expected = pattern().data() + (start + done) % kPeriod;
    if (std::memcmp(data.data() + done, expected, count) != 0) {
      const auto where = std::mismatch(expected, expected + count, data.data() + done);
      return start + done + std::uint64_t(where.first - expected);
    }
    done += count;
  }
  return std::nullopt;
}

void serve(host::Host& host, PerfOptions options, std::function<void(const Served&)> on_served) {
  host.handle(std::string(kProtocolId), [options, on_served = std::move(on_served)](host::Stream stream) {
    return answer(std::move(stream), options, on_served);
  });
}

io::Task<Result<PerfResult>> run(host::Host& host, PeerId peer, PerfRequest request, PerfOptions options,
                                 std::function<void(const PerfResult&)> progress) {
  STARLING_CO_TRY(host::Stream stream, co_await host.open_stream(std::move(peer), {std::string(kProtocolId)}));
  const io::Reactor& reactor = host.world().reactor;
  PerfResult result;
  const TimePoint start = reactor.now();
  std::array<std::uint8_t, 8> head;
  put_u64_be(head.data(), request.download_bytes);
  STARLING_CO_CHECK(co_await stream.write(head));
  while (result.uploaded < request.upload_bytes) {
    const std::uint64_t left = request.upload_bytes - result.uploaded;
    STARLING_CO_CHECK(co_await send(send_block(stream, result.uploaded, left), options.idle_timeout));
    result.uploaded += std::min<std::uint64_t>(left, kBlock);
    result.upload_time = reactor.now() - start;
    if (progress) progress(result);
  }
  stream.close_write();
  TimePoint first_byte = reactor.now();
  for (;;) {
    STARLING_CO_TRY(const Bytes got, co_await receive(stream, options.idle_timeout));
    if (result.downloaded == 0) {  // the server answers when it has read everything: that ends the upload
      first_byte = reactor.now();
      result.upload_time = first_byte - start;
    }
    if (got.empty()) break;
    if (request.check) {
      if (const auto wrong = find_mismatch(result.downloaded, got)) {
        co_return fail(ErrorCode::ProtocolViolation, Op::Perf, Origin::Remote,
                       "byte " + std::to_string(*wrong) + " of the download is wrong");
      }
    }
    result.downloaded += got.size();
    stream.consume(got.size());
    if (progress) progress(result);
  }
  result.download_time = reactor.now() - first_byte;
  if (result.downloaded == request.download_bytes) co_return result;
  co_return fail(
      ErrorCode::ProtocolViolation, Op::Perf, Origin::Remote,
      "got " + std::to_string(result.downloaded) + " bytes, asked for " + std::to_string(request.download_bytes));
}

}  // namespace starling::perf
