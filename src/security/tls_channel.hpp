// An established libp2p TLS 1.3 connection as a Channel. The handshake was OpenSSL's; the records are our own.
// spec: tls/tls.md; RFC 8446, sections 4.6 (messages after the handshake), 5 (records) and 6 (alerts).
// Resource: one thread. No allocation per record: they are sealed straight into the outgoing queue and opened in place
// in the incoming one. Idle it holds two of OpenSSL's ciphers; OpenSSL's session is kept only where a ticket is
// expected, until the first record.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "security/tls_record_key.hpp"
#include "security/tls_session.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

/// Hands what came after the handshake back to OpenSSL, which alone can make a resumable session of a ticket.
class TlsTicketReader {
 public:
  /// `key` seals with the remote's secret, from the record on that `session` would read next.
  TlsTicketReader(std::unique_ptr<TlsSession> session, TlsRecordKey key)
      : session_(std::move(session)), key_(std::move(key)) {}
  /// Errors: ProtocolViolation for what is no ticket.
  Status read(Bytes message);

 private:
  std::unique_ptr<TlsSession> session_;
  TlsRecordKey key_;
};

class TlsChannel final : public Channel {
 public:
  /// Records without data in a row, key updates and tickets among them. OpenSSL allows as many empty ones.
  static constexpr std::size_t kMaxIdleRecords = 32;
  /// Of a message after the handshake; a ticket has 1 to 2 KiB.
  static constexpr std::size_t kMaxMessageBytes = std::size_t{16} * 1024;
  /// After so many records the key is changed. RFC 8446, section 5.5, allows AES-GCM 2^24.5 of the largest.
  static constexpr std::uint64_t kRecordsPerKey = std::uint64_t{1} << 24;

  struct Parts {
    Role role;
    TlsRecordKey sending, receiving;
    std::unique_ptr<TlsTicketReader> tickets;      // null: those that come are dropped
    std::size_t max_plaintext = kMaxTlsPlaintext;  // what the remote takes in a record; RFC 6066, section 4
    bool resumed = false;
  };
  explicit TlsChannel(Parts parts) : parts_(std::move(parts)) {}
  /// `session` has finished its handshake. Errors: Internal.
  static Result<std::unique_ptr<TlsChannel>> create(std::unique_ptr<TlsSession> session);

  Status seal(Bytes plaintext, ByteQueue& wire) override;
  Status open(ByteQueue& wire, PlaintextSink& sink) override;
  Status close(ByteQueue& wire) override;
  bool remote_closed() const override { return remote_closed_; }

  bool resumed() const { return parts_.resumed; }
  std::uint16_t cipher_suite() const { return parts_.sending.suite(); }

 private:
  Status check_alive(Op op) const;
  std::unexpected<Error> die(std::uint8_t alert, ErrorCode code, std::string why);
  Status seal_record(TlsContent type, Bytes content, ByteQueue& wire);
  Status update_sending_key(ByteQueue& wire);
  Result<std::size_t> record_size(Bytes wire);
  Status open_record(MutableBytes record, PlaintextSink& sink);
  Status on_record(TlsRecordKey::Opened record, PlaintextSink& sink);
  Status on_alert(Bytes content);
  Status on_handshake(Bytes fragment);
  Status on_message(Bytes message);
  Status on_key_update(Bytes message);
  Status on_ticket(Bytes message);

  Parts parts_;
  ByteQueue message_;  // the part of a message after the handshake that has come
  std::size_t idle_records_ = 0;
  std::optional<std::uint8_t> alert_;  // why we gave up; goes out with close()
  bool update_owed_ = false;           // the remote asked for a key update; goes out with the next seal()
  bool dead_ = false, closed_ = false, remote_closed_ = false;
};

}  // namespace starling::security
