#include "starling/peer/certified_record.hpp"

namespace starling {

Result<CertifiedRecord> CertifiedRecord::open(Bytes envelope) {
  STARLING_TRY(PeerRecord record, PeerRecord::open(envelope));
  return CertifiedRecord(std::move(record), envelope);
}

Result<CertifiedRecord> CertifiedRecord::from_verified(Bytes envelope) {
  STARLING_TRY(const SignedEnvelope decoded, SignedEnvelope::from_protobuf(envelope));
  STARLING_TRY(PeerRecord record, PeerRecord::from_protobuf(decoded.payload()));
  if (!record.peer.matches(decoded.public_key()))
    return fail(ErrorCode::BadSignature, Op::Decode, Origin::Local, "a stored record is signed by another peer");
  return CertifiedRecord(std::move(record), envelope);
}

}  // namespace starling
