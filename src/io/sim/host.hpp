// One simulated machine: its addresses, ports, bandwidth and descriptors, and the Network its programs see.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/sim/datagram.hpp"
#include "io/sim/path.hpp"
#include "io/sim/tcp_table.hpp"
#include "starling/io/memory_hub.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io::sim {

struct WorldState;

class Host final : public Network {
 public:
  Host(WorldState& world, std::uint32_t number, SimHostOptions options);

  Result<std::unique_ptr<Listener>> listen(const Endpoint& at, const ListenOptions& options) override;
  Task<Result<std::unique_ptr<StreamSocket>>> connect(Endpoint to, ConnectOptions options) override;
  Result<std::unique_ptr<DatagramSocket>> bind_datagram(const Endpoint& at, const DatagramOptions& options) override;
  std::unique_ptr<NameClient> make_name_client(const NameClientOptions& options) override;
  Result<std::vector<Interface>> interfaces() override;
  Result<std::unique_ptr<Listener>> listen_local(const LocalPlace& at, int backlog) override;
  Result<std::unique_ptr<StreamSocket>> connect_local(const LocalPlace& to) override;

  WorldState& world() { return world_; }
  Reactor& reactor();
  Random& random() { return *random_; }
  std::uint32_t number() const { return number_; }
  const SimHostOptions& options() const { return options_; }
  TcpTable& tcp() { return tcp_; }
  DatagramTable& datagrams() { return datagrams_; }
  Pacer& upload() { return upload_; }
  Pacer& download() { return download_; }

  /// The address this host sends from to reach `to`; nothing without one of that family.
  std::optional<IpAddress> source_for(const IpAddress& to) const;
  bool has_address(const IpAddress& address) const;
  /// The world leads its addresses to it from here on.
  void enter_addresses();
  void set_addresses(std::vector<IpAddress> addresses);

  Status check_descriptors(Op op) const;
  void take_descriptor() { ++descriptors_; }
  void give_descriptor() { --descriptors_; }
  std::size_t open_descriptors() const { return descriptors_; }

  void crash(SimCrash how);
  void restart();
  bool running() const { return running_; }
  /// The machine answers packets, if only with resets.
  bool powered() const { return powered_; }
  /// Grows with each crash: whoever waited meanwhile sees that its host is another one.
  std::uint64_t life() const { return life_; }
  Status check_running(Op op) const;

  void join_partition(int partition, bool side_a);
  void leave_partitions(std::uint64_t partitions);
  bool cut_off(const Host& other) const { return ((side_a_ & other.side_b_) | (side_b_ & other.side_a_)) != 0; }

 private:
  MemoryHub& hub(LocalPlace::Kind kind);
  Status check_bindable(const Endpoint& at) const;

  WorldState& world_;
  std::uint32_t number_;
  SimHostOptions options_;
  std::unique_ptr<Random> random_;
  TcpTable tcp_;
  Pacer upload_, download_;
  DatagramTable datagrams_;
  std::optional<MemoryHub> memory_, unix_sockets_;  // made when first used
  std::size_t descriptors_ = 0;
  std::uint64_t life_ = 0, next_listener_ = 1;
  std::uint64_t side_a_ = 0, side_b_ = 0;  // bit n: on that side of partition n
  bool running_ = true, powered_ = true;
};

}  // namespace starling::io::sim
