// DNS messages as bytes, built and parsed by c-ares: for the TXT replies of name servers and for DNS over HTTPS.
// spec: RFC 1035 §4. Pure.
#pragma once

#include <optional>

#include "starling/base/bytes.hpp"
#include "starling/io/name_client.hpp"

namespace starling::io {

/// One question, recursion desired, id 0 (RFC 8484 §4.1: so that HTTP caches can serve it). Errors: InvalidArgument
/// for a name that is no DNS name.
Result<ByteVector> encode_dns_query(const NameQuestion& question);

/// The records that answer `question`. Errors: NameNotFound, NoRecords, NameServerFailed (the server's code, a reply
/// cut short, or one to another question), Malformed. `server` is named in them.
Result<NameRecords> decode_dns_reply(const NameQuestion& question, Bytes message, std::string_view server);

/// The code that c-ares ended a lookup with, as an Error.
Error dns_error(int ares_status, const NameQuestion& question, std::string_view server);

}  // namespace starling::io
