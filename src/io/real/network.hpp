// What lanes need of the operating system's network.
#pragma once

#include <memory>

#include "io/real/reactor.hpp"

namespace starling::io {

/// A TCP socket in which nobody waits, from its reactor to `to`. Null, and `socket` untouched, if it is another kind.
/// On the thread of the socket's reactor; `to` may be running on another.
std::unique_ptr<StreamSocket> move_tcp_socket(std::unique_ptr<StreamSocket>& socket, AsioReactor& to);

}  // namespace starling::io
