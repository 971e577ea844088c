// The OpenSSL library contexts of libp2p's TLS: of the default provider's algorithms only those that it needs.
#pragma once

#include <openssl/types.h>

namespace starling::security {

// Both are made on first use and kept; safe to use from any thread. Null, which is OpenSSL's default context, when one
// cannot be made: everything works then, but slower.

/// For handshakes. It cannot decode keys: for each certificate that OpenSSL 3.0 parses it looks for a decoder and then
/// computes what belongs to the key's curve, which takes as long as a signature. The handshake is given a certificate
/// that was parsed before.
OSSL_LIB_CTX* tls_library();
/// For parsing certificates with their keys. In the default context, which has all decoders, it takes longer than the
/// signatures.
OSSL_LIB_CTX* certificate_library();

}  // namespace starling::security
