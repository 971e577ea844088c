// The OpenSSL library context of libp2p's TLS: of the default provider's algorithms only those that it needs.
#pragma once

#include <openssl/types.h>

namespace starling::security {

/// Made on first use and kept; safe to use from any thread. Null, which is OpenSSL's default context, when it cannot be
/// made: everything works then, but slower. For each certificate that OpenSSL 3.0 parses it copies the list of all its
/// algorithms and tries all its decoders: in the default context that takes longer than the signatures.
OSSL_LIB_CTX* tls_library();

}  // namespace starling::security
