// DNS over HTTPS (RFC 8484) as an io::NameClient: POST over HTTP/1.1 and TLS, on connections that are kept for a while.
// Threading: the reactor's thread.
#pragma once

#include <memory>
#include <string>

#include "starling/io/name_client.hpp"
#include "starling/names/servers.hpp"
#include "starling/security/web_tls.hpp"

namespace starling::names {

struct DohOptions {
  DohUrl url;
  std::size_t max_connections;  // at once; more questions wait
  std::size_t max_reply;        // bytes of a DNS message
  Duration idle_timeout;        // an unused connection is closed
};

/// `bootstrap` resolves the server's own name and must outlive the client, as must the world.
std::unique_ptr<io::NameClient> make_doh_client(io::World world, DohOptions options,
                                                std::unique_ptr<security::WebTlsClient> tls, io::NameClient& bootstrap);

}  // namespace starling::names
