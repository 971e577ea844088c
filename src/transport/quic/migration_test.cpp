// A machine whose address goes away while it has connections over QUIC.
#include <gtest/gtest.h>

#include "transport/quic/quic_testing.hpp"

namespace starling::transport::quic {
namespace {

class QuicMigration : public QuicTest {
 protected:
  /// The first address of the client's machine is gone; the transport is told.
  void lose_address() {
    client_machine_.set_addresses({second_});
    client_->transport->network_changed();
  }
  void SetUp() override {
    client_machine_.set_addresses({first_, second_});
    set_up();
  }

  const io::IpAddress first_ = io::IpAddress::v4({11, 1, 1, 1}), second_ = io::IpAddress::v4({11, 1, 1, 2});
};

TEST_F(QuicMigration, a_connection_moves_to_another_address_of_its_machine) {
  connect();
  ASSERT_TRUE(talk());
  transfer_while([&] { lose_address(); });
  EXPECT_EQ(client_->transport->counters().migrations, 1u);
  EXPECT_EQ(server_->transport->counters().path_changes, 1u);
  EXPECT_NE(acceptor_->connection->info().remote_address.to_string().find("11.1.1.2"), std::string::npos);
  EXPECT_NE(dialer_->connection->info().local_address.to_string().find("11.1.1.2"), std::string::npos);
  EXPECT_TRUE(talk());
  EXPECT_FALSE(dialer_->reason || acceptor_->reason);
}

TEST_F(QuicMigration, one_that_was_dialed_from_a_listening_socket_goes_on_through_another_socket) {
  client_->listen({first_, 4001});
  connect();
  EXPECT_EQ(acceptor_->connection->info().remote_address, quic_multiaddr({first_, 4001}));
  transfer_while([&] { lose_address(); });
  EXPECT_EQ(client_->transport->open_sockets(), 2u);
  EXPECT_EQ(client_->transport->counters().migrations, 1u);
  EXPECT_TRUE(talk());
}

TEST_F(QuicMigration, without_another_address_it_waits_for_one) {
  connect();
  ASSERT_TRUE(talk());
  client_machine_.set_addresses({});
  client_->transport->network_changed();
  EXPECT_EQ(client_->transport->counters().migrations, 0u);
  run(pause_for(world_.reactor(), 3s));
  client_machine_.set_addresses({second_});
  client_->transport->network_changed();
  EXPECT_EQ(client_->transport->counters().migrations, 1u);
  EXPECT_TRUE(talk());
}

TEST_F(QuicMigration, nothing_moves_while_its_address_stays) {
  connect();
  ASSERT_TRUE(talk());
  client_machine_.set_addresses({second_, first_});
  client_->transport->network_changed();
  server_->transport->network_changed();
  EXPECT_EQ(client_->transport->counters().migrations, 0u);
  EXPECT_TRUE(talk());
}

TEST_F(QuicMigration, the_side_that_was_dialed_answers_from_its_new_address_as_long_as_it_can_be_reached) {
  connect();
  ASSERT_TRUE(talk());
  server_->transport->network_changed();
  EXPECT_EQ(server_->transport->counters().migrations, 0u);
  EXPECT_TRUE(talk());
}

}  // namespace
}  // namespace starling::transport::quic
