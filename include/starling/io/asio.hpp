// The door to Boost.Asio for applications that live in it. Only they include this.
#pragma once

#include <boost/asio/io_context.hpp>

#include "starling/io/real.hpp"

namespace starling::io {

/// The context that `reactor` turns. Handlers posted to it run on the reactor's thread.
boost::asio::io_context& io_context_of(RealReactor& reactor);

}  // namespace starling::io
