// The value of the libp2p Public Key Extension: SignedKey ::= SEQUENCE { publicKey OCTET STRING, signature OCTET STRING
// }. spec: tls/tls.md, libp2p Public Key Extension. Pure functions; strict DER both ways.
#pragma once

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::security {

inline constexpr char kLibp2pExtensionOid[] = "1.3.6.1.4.1.53594.1.1";

/// Views into the parsed bytes.
struct SignedKey {
  Bytes public_key;  // a PublicKey message
  Bytes signature;   // by that key, over "libp2p-tls-handshake:" and the certificate's SubjectPublicKeyInfo
};

/// Errors: Truncated, Malformed (another tag), NotCanonical (a length that is not minimal), TrailingData.
Result<SignedKey> parse_signed_key(Bytes der);
ByteVector encode_signed_key(const SignedKey& key);

}  // namespace starling::security
