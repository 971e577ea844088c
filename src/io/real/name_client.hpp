// c-ares on the reactor: its sockets are waited for by Asio, its time-outs by our timers, and it starts no thread.
#pragma once

#include <memory>
#include <vector>

#include "io/real/reactor.hpp"
#include "starling/io/name_client.hpp"

namespace starling::io {

class AresNameClient final : public NameClient {
 public:
  AresNameClient(AsioReactor& reactor, NameClientOptions options);
  ~AresNameClient() override;
  Task<Result<NameRecords>> look_up(NameQuestion question) override;
  std::string description() const override;

 private:
  class Channel;
  Result<Channel*> channel();

  AsioReactor& reactor_;
  NameClientOptions options_;
  std::unique_ptr<Channel> current_;
  std::vector<std::unique_ptr<Channel>> retired_;  // of an older resolv.conf, while lookups run on them
};

}  // namespace starling::io
