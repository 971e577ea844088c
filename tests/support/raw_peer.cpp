#include "support/raw_peer.hpp"

#include "starling/base/assert.hpp"

namespace starling::testing {

std::string multistream(std::string_view text) {
  return std::string(1, char(text.size() + 1)) + std::string(text) + "\n";
}

ByteVector yamux_frame(muxer::yamux::Header header, Bytes payload) {
  ByteVector frame(muxer::yamux::kHeaderSize);
  muxer::yamux::encode(header, frame.data());
  append(frame, payload);
  return frame;
}

io::Task<Status> RawPeer::connect(io::Endpoint to) {
  STARLING_CO_TRY(socket_, co_await world_.network.connect(to, {}));
  co_return Status{};
}

io::Task<Status> RawPeer::secure(io::Endpoint to, std::vector<std::string> muxers) {
  STARLING_CO_CHECK(co_await connect(to));
  STARLING_CO_CHECK(co_await choose_noise());
  co_return co_await shake_hands(std::move(muxers));
}

io::Task<Status> RawPeer::choose_noise() {
  transport::MultistreamDialer dialer({"/noise"});
  ByteQueue out;
  dialer.start(out);
  STARLING_CO_CHECK(co_await send(out.view()));
  while (!dialer.done()) {
    STARLING_CO_CHECK(co_await read_more());
    STARLING_CO_CHECK(dialer.receive(in_, out));
  }
  co_return Status{};
}

io::Task<Status> RawPeer::shake_hands(std::vector<std::string> muxers) {
  STARLING_CO_TRY(noise_, security::make_noise(key_, world_.random));
  security::HandshakeConfig config;
  config.muxers = std::move(muxers);
  const auto handshake = noise_->begin(std::move(config));
  ByteQueue out;
  STARLING_CO_CHECK(handshake->start(out));
  for (;;) {
    STARLING_CO_CHECK(co_await send(out.view()));
    out.clear();
    if (handshake->done()) break;
    STARLING_CO_CHECK(co_await read_more());
    STARLING_CO_CHECK(handshake->receive(in_, out));
  }
  channel_ = std::move(handshake->take().channel);
  co_return Status{};
}

io::Task<Status> RawPeer::send(Bytes bytes) {
  while (!bytes.empty()) {
    const auto wrote = socket_->try_write(bytes);
    if (wrote) {
      bytes = bytes.subspan(*wrote);
    } else if (wrote.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await socket_->writable());
    } else {
      co_return fail(wrote.error());
    }
  }
  co_return Status{};
}

ByteVector RawPeer::sealed(Bytes plain) {
  ByteQueue wire;
  STARLING_ASSERT(channel_->seal(plain, wire), "an open channel seals");
  return to_vector(wire.view());
}

io::Task<Status> RawPeer::send_plain(Bytes bytes) {
  const ByteVector record = sealed(bytes);
  co_return co_await send(record);
}

io::Task<Status> RawPeer::read_more() {
  for (;;) {
    const auto got = socket_->try_read(in_.prepare(4096));
    if (got && *got == 0) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
    if (got) {
      in_.commit(*got);
      co_return Status{};
    }
    if (!(got.error() == ErrorCode::WouldBlock)) co_return fail(got.error());
    STARLING_CO_CHECK(co_await socket_->readable());
  }
}

io::Task<void> RawPeer::read_until_closed() {
  while (co_await read_more()) in_.clear();
}

io::Task<Result<ByteVector>> RawPeer::read_plain() {
  while (plain_.empty()) {
    STARLING_CO_CHECK(channel_->open(in_, *this));
    if (plain_.empty()) STARLING_CO_CHECK(co_await read_more());
  }
  co_return std::exchange(plain_, {});
}

Status RawPeer::on_plaintext(Bytes plaintext) {
  append(plain_, plaintext);
  return {};
}

}  // namespace starling::testing
