// Two ends that speak QUIC on simulated machines, for the tests beside it.
#pragma once

#include <gtest/gtest.h>

#include "starling/io/sim_network.hpp"
#include "support/transport_ends.hpp"
#include "transport/quic/connection.hpp"

namespace starling::transport::quic {

using namespace starling::testing;  // check_style: only tests beside it include this
using By = CloseReason::By;

struct QuicEnd {
  QuicEnd(io::World world, std::uint64_t number, const QuicOptions& options = quic_options())
      : key(test_key(number)), id(peer_of(key)), transport(std::move(*make_quic_transport(world, key, options))) {}
  Multiaddr listen(const io::Endpoint& at) {
    listener = std::move(*transport->listen(quic_multiaddr(at)));
    return listener->address();
  }
  crypto::PrivateKey key;
  PeerId id;
  std::unique_ptr<QuicTransport> transport;
  std::unique_ptr<TransportListener> listener;
};

class QuicTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (dialer_) run(dialer_->close());
    if (acceptor_) run(acceptor_->close());
    dialer_.reset();
    acceptor_.reset();
    client_.reset();
    server_.reset();
    EXPECT_EQ(client_machine_.open_descriptors() + server_machine_.open_descriptors(), 0u);
  }
  void set_up(const QuicOptions& client = quic_options(), const QuicOptions& server = quic_options()) {
    client_ = std::make_unique<QuicEnd>(client_world(), 1, client);
    server_ = std::make_unique<QuicEnd>(server_machine_.world(), 2, server);
    address_ = server_->listen(server_machine_.at(4001));
  }
  virtual io::World client_world() { return client_machine_.world(); }
  io::Task<Status> meet() {
    io::TaskGroup accepting(world_.reactor());
    accepting.spawn(start_next(*server_->listener, acceptor_));
    auto dialed = co_await client_->transport->dial(address_, {server_->id, nullptr});
    if (dialed) dialer_ = std::make_unique<Live>(std::move(*dialed));
    if (dialed) co_await accepting.join();
    co_await accepting.close();
    if (!dialed) co_return std::unexpected(std::move(dialed).error());
    co_return Status{};
  }
  void connect() {
    const Status met = run(meet());
    ASSERT_TRUE(met) << met.error().message();
    ASSERT_NE(acceptor_, nullptr);
  }
  void connect_with(const QuicOptions& options) {
    set_up(options, options);
    connect();
  }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }
  std::unique_ptr<RawStream> open(Live& from) { return std::move(*from.connection->open_stream()); }
  /// A question and an answer over a new stream of `from`.
  bool talk(Live& from, Live& to) {
    const auto near = open(from);
    if (!run(send_and_close(*near, as_bytes("question")))) return false;
    const auto far = run(to.next_stream());
    if (far == nullptr || text_of(run(receive(*far))) != "question") return false;
    if (!run(send_and_close(*far, as_bytes("answer")))) return false;
    return text_of(run(receive(*near))) == "answer";
  }
  bool talk() { return talk(*dialer_, *acceptor_) && talk(*acceptor_, *dialer_); }
  /// 100 KB from the dialer, which the acceptor gets while the connection lives.
  bool talk_in_bulk() {
    const auto near = open(*dialer_);
    const ByteVector sent = pattern(100'000);
    std::optional<Status> done;
    io::TaskGroup group(world_.reactor());
    group.spawn(keep(send_and_close(*near, sent), done));
    const auto far = run(acceptor_->next_stream());
    const auto got = far != nullptr ? run(receive(*far)) : Result<ByteVector>(ByteVector());
    run(group.join());
    return got && *got == sent;
  }
  /// Sends 2 MiB; `in_the_middle` happens after 300 KB.
  void transfer_while(const std::function<void()>& in_the_middle) {
    const auto near = open(*dialer_);
    const ByteVector sent = pattern(2u << 20);
    std::optional<Status> done;
    io::TaskGroup group(world_.reactor());
    group.spawn(keep(send_and_close(*near, sent), done));
    const auto far = run(acceptor_->next_stream());
    ByteVector got = *run(receive(*far, 300'000));
    in_the_middle();
    append(got, *run(receive(*far)));
    run(group.join());
    EXPECT_TRUE(got == sent);
  }
  QuicConnection& dialed() { return static_cast<QuicConnection&>(*dialer_->connection); }
  QuicConnection& accepted() { return static_cast<QuicConnection&>(*acceptor_->connection); }

  io::SimWorld world_{11};
  io::SimHost &client_machine_ = world_.add_host(), &server_machine_ = world_.add_host();
  std::unique_ptr<QuicEnd> client_, server_;
  Multiaddr address_;
  std::unique_ptr<Live> dialer_, acceptor_;
};

}  // namespace starling::transport::quic
