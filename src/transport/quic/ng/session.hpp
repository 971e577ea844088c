// One connection on ngtcp2. The library calls back through session_callbacks.cpp; nothing of it shows above this
// folder.
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <list>
#include <unordered_map>

#include "starling/crypto/hash.hpp"
#include "transport/quic/engine.hpp"
#include "transport/quic/flow_window.hpp"
#include "transport/quic/ng/tls.hpp"
#include "transport/quic/send_buffer.hpp"

namespace starling::transport::quic::ng {

/// What the sessions of an engine share. Borrowed; outlives them.
struct Shared {
  Random& random;
  const QuicOptions& options;
  std::function<std::int64_t()> unix_seconds;
  std::unique_ptr<TlsContext> tls;
  std::vector<std::uint16_t> path_sizes;  // datagrams to try, above 1,200 bytes
  crypto::Sha256Digest reset_secret, token_secret;
  bool null_protection = false;  // fuzzing only: see make.hpp
  std::unique_ptr<security::VerifiedCertificates> verified = std::make_unique<security::VerifiedCertificates>();
};

struct ConnectionFree {
  void operator()(ngtcp2_conn* connection) const { ngtcp2_conn_del(connection); }
};

class NgSession final : public Session, private TlsOwner {
 public:
  NgSession(Shared& shared, std::optional<PeerId> expected, SessionEvents& events);
  ~NgSession() override;

  ngtcp2_conn* native() { return connection_.get(); }
  bool start_client(const Path& path, TimePoint now);
  bool start_server(const Path& path, const ngtcp2_pkt_hd& head, const Verdict& verdict, TimePoint now);

  void receive(const Path& path, std::uint8_t ecn, Bytes packet, TimePoint now) override;
  void on_timer(TimePoint now) override;
  TimePoint next_deadline() const override;
  std::span<const PacketBatch> write(MutableBytes room, TimePoint now) override;
  Result<StreamId> open_stream() override;
  void send(StreamId id, Bytes data) override;
  void close_write(StreamId id) override;
  void reset(StreamId id, std::uint64_t code) override;
  void consumed(StreamId id, std::size_t bytes, TimePoint now) override;
  void release(StreamId id) override;
  std::size_t unsent() const override { return unsent_; }
  std::size_t unacknowledged() const override { return unacknowledged_; }
  std::size_t max_datagram_size() const override;
  bool send_datagram(Bytes datagram) override;
  std::optional<PacketBatch> close(std::uint64_t code, MutableBytes room, TimePoint now) override;
  const CloseReason* ended() const override { return ended_ ? &*ended_ : nullptr; }
  std::optional<PacketBatch> farewell(MutableBytes room, TimePoint now) override;
  bool established() const override { return established_; }
  bool resumed() const override { return resumed_; }
  const PeerId& remote_peer() const override { return remote_peer_; }
  const std::optional<crypto::PublicKey>& remote_key() const override { return remote_key_; }
  Duration round_trip() const override;
  Duration drain_time() const override;
  bool migrate(const Path& path, TimePoint now) override;
  bool update_keys(TimePoint now) override;

 private:
  friend struct Callbacks;
  friend TlsOwner& owner_of(gnutls_session_t session);

  struct Stream {
    Stream(StreamId id_in, const QuicOptions& options)
        : id(id_in), window(options.initial_stream_window, options.max_stream_window) {}
    StreamId id;
    FlowWindow window;  // what the remote may send
    SendBuffer out;
    bool queued = false;   // in sendable_
    bool blocked = false;  // by the peer's windows
    bool finish = false;   // close_write() was called
    bool finish_sent = false;
    bool write_ended = false;  // nothing more may be sent: reset or stopped
    bool over = false;         // both directions ended on the wire
    bool released = false;     // the user let go
  };

  // TlsOwner
  Status on_certificates(std::size_t count, Bytes der) override;
  void on_key_log(std::string_view line) override;
  Bytes ticket_request() const override;
  bool on_ticket_request(Bytes counts) override;

  void prepare(ngtcp2_settings& settings, ngtcp2_transport_params& params, TimePoint now);
  bool finish_start(bool server);
  void open_qlog(const ConnectionId& name);
  Stream* find(StreamId id);
  Stream& add_stream(StreamId id);
  bool is_local(StreamId id) const { return ngtcp2_conn_is_local_stream(connection_.get(), std::int64_t(id)) != 0; }
  void make_sendable(Stream& stream);
  void forget_output(Stream& stream);
  void stopped(Stream& stream, std::uint64_t code);
  void drop_if_done(Stream& stream);
  void unblock_all();
  ngtcp2_ssize write_packet(MutableBytes room, ngtcp2_path* path, ngtcp2_pkt_info* info, ngtcp2_tstamp now);
  ngtcp2_ssize write_datagrams(MutableBytes room, ngtcp2_path* path, ngtcp2_pkt_info* info, ngtcp2_tstamp now);
  ngtcp2_ssize write_stream(Stream& stream, MutableBytes room, ngtcp2_path* path, ngtcp2_pkt_info* info,
                            ngtcp2_tstamp now);
  void pace(std::size_t sent, ngtcp2_tstamp now);
  void add_batch(std::size_t offset, std::size_t size, const ngtcp2_path& path, std::uint8_t ecn);
  void fail_with(int library_error);
  void end(CloseReason reason);
  CloseReason reason_of_remote() const;
  void handshake_over();
  bool awaits_ticket() const;
  bool on_late_crypto(Bytes data);
  std::optional<PacketBatch> write_close(MutableBytes room, TimePoint now);
  void look_for_black_hole(TimePoint now);

  Shared& shared_;
  SessionEvents& events_;
  std::optional<PeerId> expected_;
  FlowWindow window_;  // what the remote may send in all streams
  ngtcp2_crypto_conn_ref reference_{};
  TlsHandle tls_;
  std::unique_ptr<ngtcp2_conn, ConnectionFree> connection_;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::list<StreamId> sendable_;  // lists and vectors: an empty deque holds half a KiB
  std::vector<StreamId> blocked_;
  std::list<ByteVector> datagrams_;
  std::vector<PacketBatch> batches_;
  std::size_t unsent_ = 0, unacknowledged_ = 0, datagram_bytes_ = 0, unpaced_ = 0;
  std::size_t largest_;   // datagram; smaller than what was probed once that no longer arrives
  TimePoint progress_{};  // when the remote last acknowledged more of a stream, or had acknowledged all
  PeerId remote_peer_;
  std::optional<crypto::PublicKey> remote_key_;
  std::optional<Error> refusal_;  // why we did not like the certificate
  std::optional<CloseReason> ended_;
  ngtcp2_ccerr close_error_{};
  bool tickets_ = false;       // a server was asked for one, a client was promised one that may still come
  ByteVector late_;            // the part of a message after the handshake that has come
  std::size_t late_skip_ = 0;  // bytes of one that nobody wants
  bool farewell_due_ = false, established_ = false, resumed_ = false, confirmed_ = false, reset_received_ = false;
  std::function<void(Bytes)> qlog_;
};

/// The callbacks every connection has.
ngtcp2_callbacks client_callbacks(bool null_protection);
ngtcp2_callbacks server_callbacks(bool null_protection);

/// The token by which a peer that holds `id` believes that we forgot the connection.
void reset_token(const Shared& shared, const ngtcp2_cid& id, std::uint8_t* token);

}  // namespace starling::transport::quic::ng
