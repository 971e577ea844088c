// Transports inside one machine: memory (/memory/<number>, within one io::Network) and unix sockets (/unix/<path>; the
// file has mode 0600). `upgrader` must outlive them and every connection they made.
#pragma once

#include "starling/transport/transport.hpp"

namespace starling::transport {

std::unique_ptr<Transport> make_memory_transport(Upgrader& upgrader);
std::unique_ptr<Transport> make_unix_transport(Upgrader& upgrader);

}  // namespace starling::transport
