// The TLS settings of one host: certificate, versions, ciphers. Made once, shared by all its sessions.
// spec: tls/tls.md, Handshake Protocol
#pragma once

#include "security/openssl_handles.hpp"
#include "security/tls_certificate.hpp"
#include "starling/base/error.hpp"

namespace starling::security {

/// Serves both roles. Calls `verify` for the remote certificate and `select_alpn` for a client's protocol list; both
/// find their session through SSL_get_app_data. `resumption`: see tls_resumption.hpp. Errors: Internal.
struct TlsCallbacks {
  SSL_CTX_alpn_select_cb_func select_alpn;
  int (*verify)(X509_STORE_CTX*, void*);
};
Result<SslContextPtr> make_tls_context(const TlsCertificate& identity, const TlsCallbacks& callbacks,
                                       bool resumption = true);

}  // namespace starling::security
