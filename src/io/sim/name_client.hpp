// Lookups in the world's table of names.
#pragma once

#include "io/sim/host.hpp"
#include "starling/io/name_client.hpp"

namespace starling::io::sim {

class SimNameClient final : public NameClient {
 public:
  explicit SimNameClient(Host& host) : host_(host) {}
  Task<Result<NameRecords>> look_up(NameQuestion question) override;
  std::string description() const override { return "the simulated name server"; }

 private:
  Host& host_;
};

}  // namespace starling::io::sim
