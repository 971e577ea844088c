// Byte streams inside one process: whoever connects to a name meets whoever listens on it. What /memory addresses use,
// and unix socket paths in the simulator. Bounded: a stream holds at most `buffer_bytes` that its reader did not take.
// Resource; one reactor's thread; its sockets and listeners may outlive it, but do nothing more.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "starling/io/network.hpp"

namespace starling::io {

class MemoryHub {
 public:
  explicit MemoryHub(Reactor& reactor, std::size_t buffer_bytes = std::size_t{256} << 10);
  ~MemoryHub();
  MemoryHub(const MemoryHub&) = delete;
  MemoryHub& operator=(const MemoryHub&) = delete;

  /// At most `backlog` connections wait to be accepted. Errors: AddressInUse.
  Result<std::unique_ptr<Listener>> listen(const std::string& name, int backlog);
  /// Connected at once, before anybody accepts. Errors: ConnectionRefused when nobody listens or the backlog is full.
  Result<std::unique_ptr<StreamSocket>> connect(const std::string& name);

  class Meeting;

 private:
  Reactor& reactor_;
  std::size_t buffer_bytes_;
  std::shared_ptr<std::map<std::string, Meeting*>> names_;  // shared with the listeners, which leave it when they close
};

}  // namespace starling::io
