// The message the host key signs to vouch for a certificate's key.
// spec: tls/tls.md, libp2p Public Key Extension
#pragma once

#include "security/openssl_handles.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::security {

/// "libp2p-tls-handshake:" and the certificate's SubjectPublicKeyInfo in DER. Errors: Internal.
Result<ByteVector> certificate_key_message(const X509& certificate);

}  // namespace starling::security
