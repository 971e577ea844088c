// Two sessions for tests, without sockets and reactor.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "support/transport_ends.hpp"
#include "transport/quic/ng/make.hpp"

namespace starling::transport::quic {

constexpr std::int64_t kUnixNow = 1'800'000'000;

/// One side of a connection; keeps what it is told.
struct Side final : SessionEvents {
  void on_established() override {}
  void on_stream(StreamId) override {}
  void on_data(StreamId, Bytes) override {}
  void on_remote_close(StreamId) override {}
  void on_reset(StreamId, std::uint64_t) override {}
  void on_stop(StreamId id, std::uint64_t code) override { stopped.emplace_back(id, code); }
  void on_openable() override {}
  void on_datagram(Bytes) override {}
  void on_id_added(const ConnectionId&) override {}
  void on_id_removed(const ConnectionId&) override {}
  void on_reset_token_added(const ResetToken&) override {}
  void on_reset_token_removed(const ResetToken&) override {}
  void on_path_changed(const io::Endpoint&) override {}
  std::unique_ptr<Session> session;
  std::vector<std::pair<StreamId, std::uint64_t>> stopped;
};

/// Two engines' sessions with the packets between them passed on by hand.
class SessionPair : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> engine(std::optional<security::CertificateDer> certificate) {
    auto made = ng::make_engine_of({std::move(certificate), false}, as_bytes("secret"), *random_, options_,
                                   [] { return kUnixNow; });
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  /// Lets a client of one engine and a server of the other talk until neither has more to say.
  void shake_hands(Engine& client_engine, Engine& server_engine, std::optional<PeerId> expected = std::nullopt) {
    client_.session = client_engine.connect(to_server_, std::move(expected), client_, now_);
    for (int round = 0; round < 8; ++round) {
      pass_on(client_, [&](Bytes packet) {
        if (!server_.session) {
          const auto head = server_engine.parse(packet);
          const Verdict verdict = server_engine.judge(to_client_, packet, *head, false, now_);
          server_.session = server_engine.accept(to_client_, *head, verdict, packet, server_, now_);
        }
        server_.session->receive(to_client_, 0, packet, now_);
      });
      if (server_.session) answer();
      now_ += std::chrono::milliseconds(1);
    }
  }
  /// Lets both say what they have to.
  void talk() {
    for (int round = 0; round < 8; ++round) {
      pass_on(client_, [&](Bytes packet) { server_.session->receive(to_client_, 0, packet, now_); });
      answer();
      now_ += std::chrono::milliseconds(1);
    }
  }
  void answer() {
    pass_on(server_, [&](Bytes packet) { client_.session->receive(to_server_, 0, packet, now_); });
  }
  void pass_on(Side& from, const std::function<void(Bytes)>& deliver) {
    if (from.session->ended() != nullptr) {
      if (const auto last = from.session->farewell(room_, now_)) deliver(Bytes(room_).first(last->size));
      return;
    }
    for (const PacketBatch& batch : from.session->write(room_, now_))
      for (std::size_t at = 0; at < batch.size; at += batch.segment)
        deliver(Bytes(room_).subspan(batch.offset + at, std::min(batch.segment, batch.size - at)));
  }

  std::unique_ptr<Random> random_ = seeded_random(5);
  QuicOptions options_ = testing::quic_options();
  std::array<std::uint8_t, 64u << 10> room_{};
  TimePoint now_{std::chrono::seconds(1)};
  io::Endpoint a_{io::IpAddress::v4({10, 0, 0, 1}), 1}, b_{io::IpAddress::v4({10, 0, 0, 2}), 2};
  Path to_server_{a_, b_}, to_client_{b_, a_};
  Side client_, server_;
};

}  // namespace starling::transport::quic
