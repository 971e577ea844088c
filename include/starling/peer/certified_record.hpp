// A peer record whose signature was verified: the type is the proof. Value.
// spec: RFC/0003-routing-records.md
#pragma once

#include "starling/peer/peer_record.hpp"

namespace starling {

class CertifiedRecord {
 public:
  /// Verifies the signature and that the signer is the peer the record names. Errors: those of PeerRecord::open().
  static Result<CertifiedRecord> open(Bytes envelope);
  /// For bytes that this node verified before, and kept in its book or on its disk: decodes, and checks that the key in
  /// them is the peer's, but not the signature again (60 µs each).
  static Result<CertifiedRecord> from_verified(Bytes envelope);

  const PeerRecord& record() const { return record_; }
  Bytes envelope() const { return envelope_; }

 private:
  CertifiedRecord(PeerRecord record, Bytes envelope) : record_(std::move(record)), envelope_(to_vector(envelope)) {}
  PeerRecord record_;
  ByteVector envelope_;
};

}  // namespace starling
