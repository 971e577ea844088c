// Unix sockets of the operating system.
#pragma once

#include "io/real/reactor.hpp"

namespace starling::io {

/// Makes the socket file with mode 0600 and removes it when the listener closes. A file that a process left behind is
/// replaced; one that somebody listens on, or that is no socket, is AddressInUse.
Result<std::unique_ptr<Listener>> listen_unix(AsioReactor& reactor, const std::string& path, int backlog);
/// Connected at once. Errors: ConnectionRefused (also when too many wait to be accepted), and the system's.
Result<std::unique_ptr<StreamSocket>> connect_unix(AsioReactor& reactor, const std::string& path);

}  // namespace starling::io
