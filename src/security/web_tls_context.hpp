// OpenSSL settings for ordinary web TLS, one per client or server.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "security/openssl_handles.hpp"
#include "starling/base/bytes.hpp"

namespace starling::security {

/// For clients: trusts the authorities in `ca_file`, or the system's if it is empty.
Result<SslContextPtr> make_web_client_context(const std::string& ca_file);
/// For clients that take every certificate.
Result<SslContextPtr> make_trusting_web_client_context();
/// For servers: certificate chain and key. The key file is refused if others can read it.
Result<SslContextPtr> make_web_server_context(const std::string& certificate_file, const std::string& key_file);

/// ALPN's list: each name behind its length. Errors: InvalidArgument for a name that is empty or over 255 bytes.
/// RFC 7301, section 3.1
Result<ByteVector> encode_web_alpn(const std::vector<std::string>& names);
/// The first of `ours` that is in the client's list, as a view into that list; empty if there is none.
Bytes choose_web_alpn(Bytes clients, const std::vector<std::string>& ours);

}  // namespace starling::security
