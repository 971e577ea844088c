// How the values of multiaddr protocols are read, written and checked: one ValueFormat per kind of value.
// spec: multiformats/multiaddr, protocols.csv and protocols/. Pure; used by the table in multiaddr_protocols.cpp.
#pragma once

#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"

namespace starling::multiformats {

/// What is wrong with a value, for people; null when nothing is.
using Problem = const char*;

struct ValueFormat {
  /// Appends the binary value of `text` to `to`. What it leaves there after a problem has no meaning.
  Problem (*parse)(std::string_view text, ByteVector& to);
  /// Appends the text of a value that passed check().
  void (*print)(Bytes value, std::string& to);
  /// Judges a binary value, whose size is already right if the protocol has a fixed one.
  Problem (*check)(Bytes value);
};

extern const ValueFormat kIp4Format, kIp6Format, kPrefixLengthFormat, kZoneFormat;
extern const ValueFormat kPortFormat, kMemoryFormat;
extern const ValueFormat kDnsFormat, kUnixFormat, kHttpPathFormat;
extern const ValueFormat kOnionFormat, kOnion3Format, kGarlic64Format, kGarlic32Format;
extern const ValueFormat kPeerFormat, kCertHashFormat;

}  // namespace starling::multiformats
